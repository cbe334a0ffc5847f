"""Tables of numbers in KLARF files: a million rows are parsed at once, not one by one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from yieldsim.errors import ModelError
from yieldsim.wafer.inspection.kernels.numbers import BAD_NUMBER, BAD_ROW, parse_rows

__all__ = ["number_table"]

_BLANK = np.zeros(256, np.bool_)
_BLANK[list(b"\t\n\v\f\r ;,")] = True


def number_table(
    where: str, data: bytes, end: bytes, columns: int, spare: int = 0
) -> NDArray[np.float64]:
    """Return the rows of a table, float64[row, columns]; ``end`` is what ends a row.

    With ``spare`` a row may lack the last values, which are zero then, or list more of them; rows
    that are shorter still list the images of the row above, and are left out.

    Raises ModelError, with the row, for what is no number and for rows of another length.
    """
    letters = np.frombuffer(data, np.uint8)
    # n values and what parts them take 2 n letters: no more rows fit, whatever a file promises
    most = (len(data) + 1) // (2 * max(columns - spare, 1))
    out = np.zeros((min(data.count(end) + 1, most) + 1, columns))
    rows, error, at, other = parse_rows(letters, _BLANK, end[0], spare, out)
    if error == BAD_NUMBER:
        got = data[at:other].decode("latin-1")
        place = f"{where} row {rows + 1}"
        raise ModelError(place, "no number, or cut short", got=got, allowed="finite numbers")
    if error == BAD_ROW:
        place, got = f"{where} row {rows + 1}", f"{other} values"
        raise ModelError(place, "wrong row, or cut short", got=got, allowed=str(columns))
    return out[:rows]
