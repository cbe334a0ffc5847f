"""Signatures seen on maps: the dies of a wafer that one strikes, and those beside it.

Places are whole numbers in quarters of a die, so no rounding decides which die is struck.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from yieldsim.kernels.jit import bare_jit, stage_jit
from yieldsim.kernels.philox import STREAM_SEEN_SIGNATURE, seeded_words, word_below

__all__ = ["CLEAR", "SPARED", "STRUCK", "SeenWafers", "apply_marks", "mark_dies", "seen_wafer"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

CLEAR, SPARED, STRUCK = 0, 1, 2
_PARTS = 4  # of a die along each side
_BESIDE = 8  # dies around a die
_ZERO = np.uint32(0)


class SeenWafers(NamedTuple):
    """Wafers whose maps were fitted, and the dies of the simulated wafer.

    By wafer seen: ``rows``, ``cols`` its grid, ``first`` where its cells begin in ``cell``
    bool[cell] (top row first; true under a signature), ``ratio`` its background density over D0,
    ``least`` the parts of a die that a signature must cover to strike it, ``marked`` whether it
    has a signature. ``row`` (from the top) and ``column`` int64[die] are places in a grid of
    ``grid_rows`` x ``grid_cols``; ``beside`` int64[8, die] are the dies around each, -1 where there
    is none. With ``symmetric`` a wafer is drawn in one of the four symmetries of its grid.
    """

    rows: Ints
    cols: Ints
    first: Ints
    cell: NDArray[np.bool_]
    ratio: Floats
    least: Ints
    marked: NDArray[np.bool_]
    row: Ints
    column: Ints
    grid_rows: int
    grid_cols: int
    beside: Ints
    symmetric: bool
    struck_per_cm2: float


@stage_jit
def seen_wafer(seen: SeenWafers, seed: np.uint64, wafer: np.uint32) -> tuple[Any, Any]:
    """Draw which of the wafers seen a wafer is like, and in which symmetry."""
    w0, w1, _, _ = seeded_words(seed, _ZERO, _ZERO, STREAM_SEEN_SIGNATURE, wafer)
    ways = 4 if seen.symmetric else 1
    return np.int64(word_below(w0, seen.ratio.shape[0])), np.int64(word_below(w1, ways))


@bare_jit
def mark_dies(seen: SeenWafers, which: int, symmetry: int, marks: Ints) -> None:
    """Fill ``marks`` int64[die] with STRUCK, SPARED (beside a struck die) or CLEAR."""
    dies = marks.shape[0]
    rows, cols, first = seen.rows[which], seen.cols[which], seen.first[which]
    down, across = _PARTS * seen.grid_rows, _PARTS * seen.grid_cols
    for die in range(dies):
        covered = 0
        for j in range(_PARTS):
            y = _PARTS * seen.row[die] + j
            if symmetry & 1:
                y = down - 1 - y
            start = first + (2 * y + 1) * rows // (2 * down) * cols
            for i in range(_PARTS):
                x = _PARTS * seen.column[die] + i
                if symmetry & 2:
                    x = across - 1 - x
                covered += seen.cell[start + (2 * x + 1) * cols // (2 * across)]
        marks[die] = STRUCK if covered >= seen.least[which] else CLEAR
    for die in range(dies):
        if marks[die] != STRUCK:
            continue
        for k in range(_BESIDE):
            other = seen.beside[k, die]
            if other >= 0 and marks[other] == CLEAR:
                marks[other] = SPARED


@stage_jit
def apply_marks(seen: SeenWafers, marks: Ints, density: Floats) -> None:
    """Change ``density`` float64[die]: none on spared dies, that of a signature on struck ones."""
    for die in range(density.shape[0]):
        if marks[die] == SPARED:
            density[die] = 0.0
        elif marks[die] == STRUCK:
            density[die] += seen.struck_per_cm2
