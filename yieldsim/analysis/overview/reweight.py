"""What a slider of the page does: realizations weighted by how near an input is to a value.

An input is held near the percentile ``p`` (0 to 1) of its draws. Each realization has the weight
``exp(-((r - p) / h)^2 / 2)``, a Gaussian kernel on ``r``, the rank of its draw: (rank - 1/2) / n,
equal draws sharing their mean rank. ``h`` is `BANDWIDTH`. Weights of several inputs multiply.
Nothing is simulated again, so correlated inputs move with it, and only inputs that were drawn can
be held.

The page's script does the same (`assets/weights.js`); tests/report/page/test_browser.py compares
the two.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from yieldsim.errors import UsageError

BANDWIDTH = 0.1
# Fewer effective draws than this are greyed: P10 would rest on fewer than four of them.
FEWEST_EFFECTIVE = 40


def mid_ranks(values: np.ndarray) -> np.ndarray:
    """Ranks along the last axis, scaled to (0, 1); equal values share their mean rank."""
    from scipy.stats import rankdata  # its import takes longer than a small page

    ranks: np.ndarray = (rankdata(values, axis=-1) - 0.5) / values.shape[-1]
    return ranks


def kernel_weights(
    ranks: np.ndarray, held: Mapping[int, float], base: np.ndarray | None = None
) -> np.ndarray:
    """The weights (n), the largest 1, of realizations where some inputs are held.

    ``ranks`` (input, n) are `mid_ranks`; ``held`` gives the percentile of each held input by its
    place; ``base`` are the weights that the ensemble has anyway. Raises UsageError for a percentile
    beyond the draws.
    """
    for percentile in held.values():
        if not 0.0 <= percentile <= 1.0:
            raise UsageError("slider", "is beyond the draws", got=percentile, allowed="0 to 1")
    exponent = np.zeros(ranks.shape[-1])
    for place, percentile in held.items():
        exponent -= 0.5 * ((ranks[place] - percentile) / BANDWIDTH) ** 2
    weights = np.exp(exponent - exponent.max())
    if base is not None:
        weights = weights * base
    return weights / weights.max()
