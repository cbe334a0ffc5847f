"""The simplex method for sparse linear programs that start from a feasible plan of none.

Maximize the gain of variables of at least 0 under upper limits that are at least 0. The basis is
that of a table with a row per limit, but only the columns of slacks outside the basis are kept: a
program has many variables, of which few enter. The column of a variable is made of them when it
enters, and gains are brought up to date with the row of the pivot. Everything that a loop runs over
is contiguous.
"""

from __future__ import annotations

import numpy as np

from yieldsim.kernels.jit import inline_jit, jit, stage_jit
from yieldsim.supply.kernels.records import COLUMNS, ROWS, Program

MOST_PIVOTS = 5000
_GAIN = 1e-11  # a smaller gain per unit of a variable is rounding
_PIVOT = 1e-9  # a smaller element limits nothing
_NEGLIGIBLE = 1e-12  # a smaller element counts as zero
_STALLS = 40  # pivots without progress after which the first variable that gains enters
_PLACES = np.int64(0xFFFF)  # the last bits of a gain give way to the place: of equals the first


@jit
def maximize(program: Program) -> bool:
    """Solve a program; return whether an optimum was found.

    ``basic[i]`` becomes the variable of which ``limit[i]`` is then the value. All others are 0.
    Variables from the number of columns on are the slacks of rows. Without an optimum (unbounded,
    or too many pivots) it is a feasible solution.
    """
    rows, columns = program.size[ROWS], program.size[COLUMNS]
    _begin(program, rows, columns)
    kept, stalls = 0, 0  # `kept` columns of slacks outside the basis
    for _ in range(MOST_PIVOTS):
        if stalls > _STALLS:
            j = _first_gain(program, columns, kept)
        else:
            j = _largest_gain(program, columns, kept)
        if j < 0:
            return True
        _fill_column(program, rows, columns, j)
        i = _leaving(program, rows)
        if i < 0:
            return False
        stalls = 0 if program.limit[i] > _NEGLIGIBLE else stalls + 1
        lost = _reprice(program, rows, columns, kept, i, j)
        each = _pivot(program, rows, kept, i)
        kept = _exchange(program, rows, columns, kept, i, j, each, lost)
    return False


@stage_jit
def _begin(program: Program, rows: int, columns: int) -> None:
    """Take the slacks into the basis, and sort the elements by rows.

    A variable's gain is compared per unit of the limit of which it takes most.
    """
    end = program.row_end
    for i in range(rows):
        program.basic[i], program.home[i], program.place[i] = columns + i, i, -1
        end[i] = 0
    for e in range(program.column_end[columns]):
        end[program.element_row[e]] += 1
    first = 0
    for i in range(rows):
        first, end[i] = first + end[i], first
    for j in range(columns):
        most = 0.0
        for e in range(program.column_end[j], program.column_end[j + 1]):
            i = program.element_row[e]
            program.row_column[end[i]] = j
            program.row_element[end[i]] = program.element[e]
            end[i] += 1
            most = max(most, program.element[e])
        program.scale[j] = 1.0 / most if most > 0.0 else 1.0
        program.weight[j] = program.scale[j]


@inline_jit
def _key(gain: float, j: int) -> np.int64:
    """Return a whole number that is the larger the larger a gain is, with a place in its end.

    Whole numbers have a largest one in any order, so that the search vectorizes.
    """
    above = gain if gain > 0.0 else 0.0
    return (np.float64(above).view(np.int64) & ~_PLACES) | (_PLACES - j)


@stage_jit
def _largest_gain(program: Program, columns: int, kept: int) -> int:
    """Return the variable, or after the columns the slack, of the largest gain; -1: none gains."""
    gain, weight, slack_gain = program.gain, program.weight, program.slack_gain
    top = np.int64(0)
    for j in range(columns):
        top = max(top, _key(gain[j] * weight[j] if gain[j] > _GAIN else 0.0, j))
    for a in range(kept):
        top = max(top, _key(slack_gain[a] if slack_gain[a] > _GAIN else 0.0, columns + a))
    return int(_PLACES - (top & _PLACES)) if top > _PLACES else -1


@stage_jit
def _first_gain(program: Program, columns: int, kept: int) -> int:
    """Return the first variable that gains: Bland's rule, which ends every cycle; -1: none does."""
    for j in range(columns):
        if program.weight[j] > 0.0 and program.gain[j] > _GAIN:
            return j
    best = -1
    for a in range(kept):
        if program.slack_gain[a] > _GAIN and (best < 0 or program.slack[a] < program.slack[best]):
            best = a
    return columns + best if best >= 0 else -1


@stage_jit
def _fill_column(program: Program, rows: int, columns: int, j: int) -> None:
    """Fill the column of the variable that enters, by the rows of the basis."""
    entering = program.entering
    if j >= columns:
        own = program.inverse[(j - columns) * rows : (j - columns + 1) * rows]
        for i in range(rows):
            entering[i] = own[i]
        return
    for i in range(rows):
        entering[i] = 0.0
    for e in range(program.column_end[j], program.column_end[j + 1]):
        s, element = program.element_row[e], program.element[e]
        a = program.place[s]
        if a < 0:
            entering[program.home[s]] += element
        else:
            own = program.inverse[a * rows : (a + 1) * rows]
            for i in range(rows):
                entering[i] += element * own[i]
    for i in range(rows):
        entering[i] = entering[i] if abs(entering[i]) > _NEGLIGIBLE else 0.0


@stage_jit
def _leaving(program: Program, rows: int) -> int:
    """Return the row that limits the variable first, of equals that of the first variable."""
    best, least = -1, 0.0
    for i in range(rows):
        element = program.entering[i]
        if element > _PIVOT:
            ratio = program.limit[i] / element
            sooner = best < 0 or ratio < least
            if sooner or (ratio == least and program.basic[i] < program.basic[best]):
                best, least = i, ratio
    return best


@stage_jit
def _reprice(program: Program, rows: int, columns: int, kept: int, i: int, j: int) -> float:
    """Bring the gains up to date for a pivot; return what a unit of the leaving variable loses."""
    entered = program.gain[j] if j < columns else program.slack_gain[j - columns]
    lost = entered / program.entering[i]
    taken, gain = program.taken, program.gain
    for c in range(columns):
        taken[c] = 0.0
    if program.basic[i] >= columns:
        _add_row(program, program.basic[i] - columns, 1.0)
    for a in range(kept):
        part = program.inverse[a * rows + i]
        if part != 0.0:
            _add_row(program, program.slack[a], part)
            program.slack_gain[a] -= lost * part
    for c in range(columns):
        gain[c] -= lost * taken[c]
    return lost


@inline_jit
def _add_row(program: Program, s: int, part: float) -> None:
    """Add a part of a row of the program to what the variables take of the pivot's row."""
    for e in range(program.row_end[s - 1] if s > 0 else 0, program.row_end[s]):
        program.taken[program.row_column[e]] += part * program.row_element[e]


@stage_jit
def _pivot(program: Program, rows: int, kept: int, i: int) -> float:
    """Bring the values and the kept columns up to date; return the inverse of the pivot."""
    entering, limit = program.entering, program.limit
    each = 1.0 / entering[i]
    entering[i] = 0.0
    for a in range(kept):
        own = program.inverse[a * rows : (a + 1) * rows]
        part = own[i] * each
        if part != 0.0:
            for r in range(rows):
                own[r] -= part * entering[r]
            own[i] = part
    value = limit[i] * each
    for r in range(rows):
        limit[r] = max(0.0, limit[r] - value * entering[r])  # below zero is rounding
    limit[i] = value
    return each


@stage_jit
def _exchange(
    program: Program, rows: int, columns: int, kept: int, i: int, j: int, each: float, lost: float
) -> int:
    """Let variable ``j`` take the place of that of row ``i``; return the number of kept columns."""
    out, a = program.basic[i], kept  # `a` is the place that a slack leaves free
    if j < columns:
        program.basic[i], program.weight[j], program.gain[j] = j, 0.0, 0.0
    else:
        a = j - columns
        s = program.slack[a]
        program.basic[i], program.home[s], program.place[s] = columns + s, i, -1
    own = program.inverse[a * rows : (a + 1) * rows]
    if out >= columns:
        for r in range(rows):
            own[r] = -each * program.entering[r]
        own[i] = each
        program.slack[a], program.slack_gain[a], program.place[out - columns] = (
            out - columns,
            -lost,
            a,
        )
        return max(kept, a + 1)
    program.weight[out], program.gain[out] = program.scale[out], -lost
    if a == kept:
        return kept
    last = kept - 1
    if a < last:
        moved = program.inverse[last * rows : kept * rows]
        for r in range(rows):
            own[r] = moved[r]
        program.slack[a], program.slack_gain[a] = program.slack[last], program.slack_gain[last]
        program.place[program.slack[a]] = a
    return last
