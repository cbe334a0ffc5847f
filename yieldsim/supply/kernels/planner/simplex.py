"""The simplex method for sparse linear programs that start from a feasible plan of none.

Maximize the gain of variables of at least 0 under upper limits that are at least 0. The basis is
that of a table with a row per limit, but only the columns of slacks outside the basis are kept: a
program has many variables, of which few enter. The column of a variable is made of them when it
enters, and gains are brought up to date with the row of the pivot. Of a hundred rows a dozen have
an element of the variable that enters. They are listed once, and all but pricing runs over the
list.
"""

from __future__ import annotations

import numpy as np

from yieldsim.kernels.jit import inline_jit, stage_jit
from yieldsim.supply.kernels.records import COLUMNS, ROWS, Program

MOST_PIVOTS = 5000
_GAIN = 1e-11  # a smaller gain per unit of a variable is rounding
_PIVOT = 1e-9  # a smaller element limits nothing
_NEGLIGIBLE = 1e-12  # a smaller element counts as zero
_STALLS = 40  # pivots without progress after which the first variable that gains enters
_PLACES = np.int64(0xFFFF)  # the last bits of a gain give way to the place: of equals the first


@stage_jit
def maximize(program: Program) -> bool:
    """Solve a program; return whether an optimum was found.

    ``basic[i]`` becomes the variable of which ``limit[i]`` is then the value. All others are 0.
    Variables from the number of columns on are the slacks of rows. Without an optimum (unbounded,
    or too many pivots) it is a feasible solution.
    """
    rows, columns = program.size[ROWS], program.size[COLUMNS]
    _begin(program, rows, columns)
    kept, stalls = 0, 0  # `kept` columns of slacks outside the basis
    many, lost = 0, 0.0  # rows with an element of the column that entered last, its gain per unit
    for _ in range(MOST_PIVOTS):
        j = _price(program, columns, kept, lost)
        if stalls > _STALLS:
            j = _first_gain(program, columns, kept)
        if j < 0:
            return True
        many = _fill_column(program, rows, columns, many, j)
        i = _leaving(program, many)
        if i < 0:
            return False
        stalls = 0 if program.limit[i] > _NEGLIGIBLE else stalls + 1
        lost = (program.gain[j] if j < columns else program.slack_gain[j - columns]) / (
            program.entering[i]
        )
        each = _pivot(program, rows, columns, kept, many, i, lost)
        kept = _exchange(program, rows, columns, kept, many, i, j, each, lost)
    return False


@stage_jit
def _begin(program: Program, rows: int, columns: int) -> None:
    """Take the slacks into the basis, and sort the elements by rows.

    A variable's gain is compared per unit of the limit of which it takes most.
    """
    end = program.row_end
    for i in range(rows):
        program.basic[i], program.home[i], program.place[i] = columns + i, i, -1
        program.entering[i], end[i] = 0.0, 0
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
        program.weight[j], program.taken[j] = program.scale[j], 0.0


@inline_jit
def _key(gain: float, j: int) -> np.int64:
    """Return a whole number that is the larger the larger a gain is, with a place in its end.

    Whole numbers have a largest one in any order, so that the search vectorizes.
    """
    above = gain if gain > 0.0 else 0.0
    return (np.float64(above).view(np.int64) & ~_PLACES) | (_PLACES - j)


@stage_jit
def _price(program: Program, columns: int, kept: int, lost: float) -> int:
    """Bring the gains up to date for the last pivot, and return the variable of the largest.

    Variables from the number of columns on are kept slacks. Without a gain it is -1.
    """
    gain, weight, taken, slack_gain = (
        program.gain,
        program.weight,
        program.taken,
        program.slack_gain,
    )
    top = np.int64(0)
    for j in range(columns):
        now = gain[j] - lost * taken[j]
        gain[j], taken[j] = now, 0.0
        weighed = now * weight[j]
        top = max(top, _key(weighed if now > _GAIN else 0.0, j))
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
def _fill_column(program: Program, rows: int, columns: int, many: int, j: int) -> int:
    """Fill the column of the variable that enters, by the rows of the basis.

    ``touched`` receives its rows that are not zero; it returns their number. ``many`` are those of
    the column before it.
    """
    entering, touched = program.entering, program.touched
    for t in range(many):
        entering[touched[t]] = 0.0
    many, mixed = 0, False
    if j >= columns:
        own = program.inverse[(j - columns) * rows : (j - columns + 1) * rows]
        for i in range(rows):
            entering[i], touched[many] = own[i], i
            many += int(own[i] != 0.0)
        return many
    for e in range(program.column_end[j], program.column_end[j + 1]):
        s, element = program.element_row[e], program.element[e]
        a = program.place[s]
        if a < 0:
            i = program.home[s]
            entering[i] += element
            touched[many] = i
            many += 1
        else:
            mixed = True
            own = program.inverse[a * rows : (a + 1) * rows]
            for i in range(rows):
                entering[i] += element * own[i]
    return _touch(program, rows) if mixed else many


@inline_jit
def _touch(program: Program, rows: int) -> int:
    """List the rows of the entering column that are not negligible; return their number.

    Without a branch, which would be guessed wrong often.
    """
    entering, touched, many = program.entering, program.touched, 0
    for i in range(rows):
        there = abs(entering[i]) > _NEGLIGIBLE
        entering[i] = entering[i] if there else 0.0
        touched[many] = i
        many += int(there)
    return many


@stage_jit
def _leaving(program: Program, many: int) -> int:
    """Return the row that limits the variable first, of equals that of the first variable."""
    entering, limit, basic = program.entering, program.limit, program.basic
    best, least, first = -1, np.inf, np.int64(0)
    for t in range(many):
        i = program.touched[t]
        element, own = entering[i], basic[i]
        ratio = limit[i] / element if element > _PIVOT else np.inf
        sooner = (ratio < least) | ((ratio == least) & (own < first))
        best, least, first = (i, ratio, own) if sooner else (best, least, first)
    return best


@stage_jit
def _pivot(
    program: Program, rows: int, columns: int, kept: int, many: int, i: int, lost: float
) -> float:
    """Bring values and kept columns up to date for a pivot in row ``i``; return one over it.

    ``taken`` receives what the variables take of that row. A unit of its variable gains ``lost``.
    """
    entering, limit, touched, inverse = (
        program.entering,
        program.limit,
        program.touched,
        program.inverse,
    )
    each = 1.0 / entering[i]
    entering[i] = 0.0
    if program.basic[i] >= columns:
        _add_row(program, program.basic[i] - columns, 1.0)
    crossed = _cross(program, rows, kept, i)
    for c in range(crossed):
        a, part = program.crossed[c], program.part[c]
        _add_row(program, program.slack[a], part)
        program.slack_gain[a] -= lost * part
    for c in range(crossed):
        at, part = program.crossed[c] * rows, program.part[c] * each
        for t in range(many):
            inverse[at + touched[t]] -= part * entering[touched[t]]
        inverse[at + i] = part
    value = limit[i] * each
    for t in range(many):
        r = touched[t]
        limit[r] = max(0.0, limit[r] - value * entering[r])  # below zero is rounding
    limit[i] = value
    return each


@inline_jit
def _cross(program: Program, rows: int, kept: int, i: int) -> int:
    """List the kept columns that are not zero in a row, and their parts; return their number."""
    crossed = 0
    for a in range(kept):
        part = program.inverse[a * rows + i]
        program.crossed[crossed], program.part[crossed] = a, part
        crossed += int(part != 0.0)
    return crossed


@inline_jit
def _add_row(program: Program, s: int, part: float) -> None:
    """Add a part of a row of the program to what the variables take of the pivot's row."""
    for e in range(program.row_end[s - 1] if s > 0 else 0, program.row_end[s]):
        program.taken[program.row_column[e]] += part * program.row_element[e]


@stage_jit
def _exchange(
    program: Program,
    rows: int,
    columns: int,
    kept: int,
    many: int,
    i: int,
    j: int,
    each: float,
    lost: float,
) -> int:
    """Let variable ``j`` take the place of that of row ``i``; return the number of kept columns."""
    out, a = program.basic[i], kept  # `a` is the place that a slack leaves free
    if j < columns:
        program.basic[i], program.weight[j] = j, 0.0
        program.gain[j], program.taken[j] = 0.0, 0.0
    else:
        a = j - columns
        s = program.slack[a]
        program.basic[i], program.home[s], program.place[s] = columns + s, i, -1
    own = program.inverse[a * rows : (a + 1) * rows]
    if out >= columns:
        own[:] = 0.0
        for t in range(many):
            own[program.touched[t]] = -each * program.entering[program.touched[t]]
        own[i] = each
        program.slack[a], program.slack_gain[a], program.place[out - columns] = (
            out - columns,
            -lost,
            a,
        )
        return max(kept, a + 1)
    program.weight[out], program.gain[out], program.taken[out] = program.scale[out], -lost, 0.0
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
