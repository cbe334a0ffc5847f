"""How large a cluster of fails is by chance, on a wafer whose dies fail independently.

The limits are quantiles of the largest cluster on round wafers, from 4,000 simulated ones each (500
to 1,500 of the largest): one wafer in twenty reaches them. tests/wafer/fit/test_shapes.py checks
that share. Beyond the table a cluster never counts: fails so dense join by chance all over a wafer.
"""

from __future__ import annotations

import numpy as np

__all__ = ["FALSE_RATE", "least_cluster"]

FALSE_RATE = 0.05
_DIES = (97.0, 316.0, 1020.0, 3228.0, 10029.0)
_SHARES = (
    *(0.0025, 0.005, 0.01, 0.02, 0.03, 0.045, 0.065, 0.09, 0.12, 0.15, 0.18, 0.21, 0.24, 0.27, 0.3),
    *(0.35, 0.4, 0.45, 0.5),
)
# By dies on the wafer, then by share of fails: dies of the least cluster that counts. ``diagonal``
# clusters also join dies that touch at a corner; their table ends where such chains cross a wafer.
_LEAST = {
    True: (
        (2, 2, 2, 3, 3, 4, 5, 6, 7, 9, 12, 15, 18, 23, 28),
        (2, 2, 3, 3, 4, 5, 6, 7, 10, 13, 17, 22, 30, 40, 55),
        (2, 3, 3, 4, 5, 6, 7, 9, 12, 16, 22, 30, 43, 61, 93),
        (3, 3, 4, 4, 5, 6, 8, 11, 15, 20, 27, 38, 54, 83, 137),
        (3, 3, 4, 5, 6, 7, 9, 12, 17, 22, 32, 46, 68, 102, 182),
    ),
    False: (
        (2, 2, 2, 3, 3, 3, 4, 5, 5, 6, 7, 9, 10, 12, 14, 19, 24, 33, 44),
        (2, 2, 3, 3, 3, 4, 5, 6, 7, 8, 10, 11, 13, 16, 20, 27, 41, 59, 96),
        (2, 3, 3, 3, 4, 5, 5, 7, 8, 10, 11, 14, 17, 20, 25, 37, 56, 93, 174),
        (2, 3, 3, 4, 4, 5, 6, 7, 9, 11, 14, 17, 20, 25, 30, 45, 75, 131, 272),
        (3, 3, 4, 4, 5, 6, 7, 8, 10, 13, 15, 20, 24, 30, 36, 53, 86, 166, 356),
    ),
}


def least_cluster(dies: int, share: float, diagonal: bool) -> float:
    """Return the least dies of a cluster that is no chance, at a share of fails; inf for none.

    The share is rounded up to the table's, so the false rate is at most FALSE_RATE; beyond the
    table's wafers those of its ends are taken.
    """
    table = _LEAST[diagonal]
    column = int(np.searchsorted(_SHARES, share))
    if column >= len(table[0]):
        return float("inf")
    return float(np.interp(np.log(dies), np.log(_DIES), [row[column] for row in table]))
