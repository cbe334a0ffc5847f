"""The simplex method on a dense table, for linear programs that start from a feasible plan of none.

Maximize the objective for variables of at least 0 under upper limits that are at least 0. The table
(rows + 1, columns + 1) is flat: a row per limit, then the objective with its sign turned; the last
column holds the limits. Only variables outside the basis have a column (a Tucker tableau), so the
table stays as small as the program.
"""

from __future__ import annotations

from yieldsim.kernels.jit import inline_jit, jit
from yieldsim.supply.kernels.records import Floats, Ints

MOST_PIVOTS = 5000
_GAIN = 1e-11  # a smaller gain per unit of a variable is rounding
_PIVOT = 1e-9  # a smaller element limits nothing
_NEGLIGIBLE = 1e-12  # a smaller element counts as zero
_STALLS = 40  # pivots without progress after which the first variable that gains enters


@jit
def maximize(table: Floats, rows: int, columns: int, basic: Ints, outside: Ints) -> bool:
    """Solve the program in ``table``; return whether an optimum was found.

    ``basic[i]`` becomes the variable whose value stands in the last column of row i, and
    ``outside[j]`` that of column j, which is 0. Variables from ``columns`` on are the slacks of
    rows. Without an optimum (unbounded, or too many pivots) the table holds a feasible solution.
    """
    for i in range(rows):
        basic[i] = columns + i
    for j in range(columns):
        outside[j] = j
    stalls = 0
    for _ in range(MOST_PIVOTS):
        j = _entering(table, rows, columns, outside, stalls > _STALLS)
        if j < 0:
            return True
        i = _leaving(table, rows, columns, basic, j)
        if i < 0:
            return False
        width = columns + 1
        stalls = 0 if table[i * width + columns] > _NEGLIGIBLE else stalls + 1
        _pivot(table, rows, width, i, j)
        basic[i], outside[j] = outside[j], basic[i]
    return False


@inline_jit
def _entering(table: Floats, rows: int, columns: int, outside: Ints, first: bool) -> int:
    """Return the column of the largest gain, or of the first variable that gains; -1: none does."""
    objective = table[rows * (columns + 1) : (rows + 1) * (columns + 1)]
    best, least = -1, -_GAIN
    for j in range(columns):
        if objective[j] < least:
            best, least = j, objective[j]
    if first and best >= 0:  # Bland's rule ends every cycle
        for j in range(columns):
            if objective[j] < -_GAIN and outside[j] < outside[best]:
                best = j
    return best


@inline_jit
def _leaving(table: Floats, rows: int, columns: int, basic: Ints, j: int) -> int:
    """Return the row that limits column ``j`` first, of equals that of the first variable."""
    width, best, least = columns + 1, -1, 0.0
    for i in range(rows):
        element = table[i * width + j]
        if element > _PIVOT:
            ratio = table[i * width + columns] / element
            if best < 0 or ratio < least or (ratio == least and basic[i] < basic[best]):
                best, least = i, ratio
    return best


@inline_jit
def _pivot(table: Floats, rows: int, width: int, i: int, j: int) -> None:
    """Exchange the variables of row ``i`` and column ``j``."""
    own = table[i * width : (i + 1) * width]
    element = 1.0 / own[j]
    own[j] = 1.0
    for c in range(width):
        own[c] *= element
    for r in range(rows + 1):
        if r == i:
            continue
        other = table[r * width : (r + 1) * width]
        factor = other[j]
        other[j] = 0.0
        if abs(factor) > _NEGLIGIBLE:
            for c in range(width):
                other[c] -= factor * own[c]
            if r < rows and other[width - 1] < 0.0:
                other[width - 1] = 0.0  # rounding
