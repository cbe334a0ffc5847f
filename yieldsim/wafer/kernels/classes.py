"""Which class a die falls into, as a function of its density: cubic pieces by the float's bits.

Legend: ``pieces`` float64[cell, tail, 4] holds the coefficients of P(class <= tail) over a cell's
local coordinate in [0, 1); cells have WORKING_STEPS an octave of density, so that the cell is read
off the float's top bits. The first cell ends at ``2^FIRST_OCTAVE`` and is linear from density zero.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from yieldsim.kernels.jit import inline_jit

__all__ = ["WORKING_STEPS", "cell_place", "class_tail", "pieces_value"]

WORKING_STEPS = 32
_STEP_BITS = np.uint64(47)  # 52 bits of mantissa less log2(WORKING_STEPS)
_REST = np.uint64((1 << 47) - 1)
_REST_TO_ONE = 2.0**-47


@inline_jit
def cell_place(first: Any, cells: Any, density: Any) -> Any:
    """(cell, local coordinate) of a density; ``first`` is the bits' index of the first node.

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
def pieces_value(pieces: Any, cell: Any, channel: Any, t: Any) -> Any:
    """The cubic of a cell at its local coordinate."""
    c = pieces[cell, channel]
    return c[0] + t * (c[1] + t * (c[2] + t * c[3]))


@inline_jit
def class_tail(pieces: Any, cell: Any, tail: Any, t: Any) -> Any:
    """P(class <= tail), kept within [0, 1] against rounding."""
    return min(max(pieces_value(pieces, cell, tail, t), 0.0), 1.0)
