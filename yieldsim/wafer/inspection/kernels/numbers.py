"""Numbers from text, byte by byte: millions of rows of a table in a second.

A number is ``[+-]digits[.digits][e[+-]digits]``. Up to 15 digits and powers of ten to 22 give the
nearest float64; more digits may miss it by one unit in the last place.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from yieldsim.kernels.jit import inline_jit, jit

__all__ = ["BAD_NUMBER", "BAD_ROW", "FINE", "parse_rows"]

FINE, BAD_NUMBER, BAD_ROW = 0, 1, 2
_MOST_DIGITS = 10**17  # more would overflow int64
_MOST_POWER = 700  # beyond it every number overflows, or is 0
_TENS = np.array([float(f"1e{power}") for power in range(309)])


@inline_jit
def _exponent(text: NDArray[np.uint8], at: int, stop: int) -> tuple[int, bool]:
    """Return the power of ten in text[at:stop], of which the first letter should be an e."""
    if text[at] != 69 and text[at] != 101:
        return 0, False
    at += 1
    negative = at < stop and text[at] == 45
    if at < stop and (text[at] == 43 or text[at] == 45):
        at += 1
    exponent, good = 0, at < stop
    for i in range(at, stop):
        good = good and 48 <= text[i] <= 57
        exponent = min(10 * exponent + int(text[i]) - 48, _MOST_POWER)
    return (-exponent if negative else exponent), good


@inline_jit
def _scaled(whole: int, power: int) -> float:
    """Return whole times ten to a power, with one rounding more than the nearest number."""
    value = float(whole)
    if power >= 0:
        return value * _TENS[min(power, 308)] * _TENS[max(min(power - 308, 308), 0)]
    return value / _TENS[min(-power, 308)] / _TENS[max(min(-power - 308, 308), 0)]


@inline_jit
def _number(text: NDArray[np.uint8], at: int, stop: int) -> tuple[float, bool]:
    """Return the number in text[at:stop], and whether it is one."""
    negative = text[at] == 45
    if text[at] == 43 or text[at] == 45:
        at += 1
    whole, power, digits, after_point = 0, 0, 0, False
    while at < stop:
        letter = int(text[at])
        if letter == 46 and not after_point:
            after_point = True
        elif not 48 <= letter <= 57:
            break
        else:
            digits += 1
            if whole < _MOST_DIGITS:
                whole = 10 * whole + letter - 48
                power -= after_point
            else:
                power += not after_point
        at += 1
    good = digits > 0
    if at < stop:
        exponent, is_power = _exponent(text, at, stop)
        power, good = power + exponent, good and is_power
    value = _scaled(whole, power)
    return (-value if negative else value), good and value < np.inf


@jit
def parse_rows(
    text: NDArray[np.uint8],
    blank: NDArray[np.bool_],
    end: int,
    spare: int,
    out: NDArray[np.float64],
) -> tuple[int, int, int, int]:
    """Fill ``out`` float64[row, column] and return rows, error, and where it lies in the text.

    ``blank`` bool[256] tells what parts values, ``end`` is the letter after a row. With ``spare`` a
    row may lack so many values (they are 0) or have more (they are dropped), and a shorter one is
    skipped. The last figure is the number of values in a wrong row, or where a wrong one stops.
    """
    columns = out.shape[1]
    row = column = at = 0
    size = text.shape[0]
    while at <= size:
        if at == size or text[at] == end:
            if column >= columns or (column > 0 and column >= columns - spare and spare > 0):
                out[row, column:] = 0.0
                row += 1
            elif column > 0 and spare == 0:
                return row, BAD_ROW, at, column
            column = 0
            at += 1
            continue
        if blank[text[at]]:
            at += 1
            continue
        stop = at
        while stop < size and not blank[text[stop]] and text[stop] != end:
            stop += 1
        value, good = _number(text, at, stop)
        if not good:
            return row, BAD_NUMBER, at, stop
        if column < columns:
            out[row, column] = value
        elif spare == 0:
            return row, BAD_ROW, at, column + 1
        column += 1
        at = stop
    return row, FINE, 0, 0
