"""The class of a die as a function of its density, by cubic pieces.

Legend: ``pieces`` float64[cell, tail, 4] holds the coefficients of P(class <= tail) over a cell's
local coordinate in [0, 1). There are WORKING_STEPS cells per octave of density, so that the top
bits of a float64 give the cell. The first cell begins at density zero and is linear.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from yieldsim.kernels.jit import inline_jit

__all__ = ["WORKING_STEPS", "cell_place", "class_tail", "pieces_value"]

WORKING_STEPS = 32
_STEP_BITS = np.uint64(47)  # 52 bits of mantissa less log2(WORKING_STEPS)
_REST = np.uint64((1 << 47) - 1)
_REST_TO_ONE = 2.0**-47


@inline_jit
def cell_place(first: int, cells: int, density: float) -> Any:
    """Return (cell, local coordinate) of a density; ``first`` is the first node's index by bits.

    Densities beyond the last cell take its end.
    """
    bits = np.float64(density).view(np.uint64)
    cell = np.int64(bits >> _STEP_BITS) - first + 1
    if cell < 1:
        lowest = np.uint64(np.uint64(first) << _STEP_BITS).view(np.float64)
        return 0, density / lowest
    if cell >= cells:
        return cells - 1, 1.0
    return cell, np.float64(bits & _REST) * _REST_TO_ONE


@inline_jit
def pieces_value(pieces: NDArray[np.float64], cell: int, channel: int, t: float) -> Any:
    """Return the cubic of a cell at its local coordinate."""
    c = pieces[cell, channel]
    return c[0] + t * (c[1] + t * (c[2] + t * c[3]))


@inline_jit
def class_tail(pieces: NDArray[np.float64], cell: int, tail: int, t: float) -> float:
    """Return P(class <= tail), kept within [0, 1] against rounding."""
    return min(max(pieces_value(pieces, cell, tail, t), 0.0), 1.0)
