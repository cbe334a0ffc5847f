"""The table of a wafer model that holds the signatures of fitted maps."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from yieldsim.errors import ModelError
from yieldsim.model.schema.values import Whole, shown
from yieldsim.wafer.model.die import NonNegative, Positive, Table

__all__ = ["SeenSignatures", "check_seen", "runs_of", "seen_cells"]

Side = Annotated[Whole, Field(ge=1, le=2000)]
_PLACE = "process.seen_signatures"
_ALLOWED = "whole numbers >= 0: the runs of cells without and with a signature, in turn"


class SeenSignatures(Table):
    """[process.seen_signatures]: wafers whose maps were fitted, one of which each wafer is like.

    Lists have an entry for each wafer seen. Its grid has ``rows`` x ``cols`` cells, ``ratio`` is
    its background density over D0, and ``cells`` the cells under its signatures: lengths of runs
    without and with one, in turn, row by row from the top; empty without any. The grid is stretched
    over that of the dies. A die is struck where a signature covers half of it, or as much as half a
    die of the maps; it then has ``struck_faults`` more faults. Dies beside a struck one have none
    of the background. With ``symmetric`` a wafer is drawn in any of the four symmetries of a grid
    instead of as it was seen. It replaces no other spread: alphas and signatures come on top.
    """

    rows: tuple[Side, ...]
    cols: tuple[Side, ...]
    ratio: tuple[NonNegative, ...]
    cells: tuple[str, ...]
    struck_faults: Positive = 6.0
    symmetric: bool = False


def check_seen(seen: SeenSignatures | None) -> None:
    """Raise ModelError for lists of unlike length or cells that do not fill their grid."""
    if seen is None:
        return
    sizes = [len(part) for part in (seen.rows, seen.cols, seen.ratio, seen.cells)]
    if min(sizes) < 1 or len(set(sizes)) > 1:
        got = f"{sizes[0]}, {sizes[1]}, {sizes[2]} and {sizes[3]} entries"
        allowed = "one entry or more for each wafer seen"
        raise ModelError(
            _PLACE, "rows, cols, ratio, cells of unlike length", got=got, allowed=allowed
        )
    for wafer in range(len(seen.cells)):
        seen_cells(seen, wafer)


def seen_cells(seen: SeenSignatures, wafer: int) -> NDArray[np.bool_]:
    """Return which cells of a wafer seen lie under a signature, bool[row, column].

    Raises ModelError as `check_seen` does.
    """
    place = f"{_PLACE}.cells[{wafer}]"
    rows, cols = seen.rows[wafer], seen.cols[wafer]
    text = seen.cells[wafer].split()
    if not text:
        return np.zeros((rows, cols), np.bool_)
    if not all(word.isascii() and word.isdigit() and len(word) < 9 for word in text):
        raise ModelError(place, "no runs", got=shown(seen.cells[wafer]), allowed=_ALLOWED)
    runs = np.array(text, np.int64)
    if runs.sum() != rows * cols:
        allowed = f"{rows * cols}, rows x cols"
        raise ModelError(
            place, "runs that do not fill the grid", got=int(runs.sum()), allowed=allowed
        )
    return np.repeat(np.arange(len(runs)) % 2 == 1, runs).reshape(rows, cols)


def runs_of(cells: NDArray[np.bool_]) -> str:
    """Return cells bool[row, column] as the model's text; `seen_cells` reads it back."""
    flat = cells.ravel()
    if not flat.any():
        return ""
    ends = np.append(np.flatnonzero(np.diff(flat)) + 1, flat.size)
    runs = np.diff(ends, prepend=0).tolist()
    return " ".join(map(str, [0, *runs] if flat[0] else runs))
