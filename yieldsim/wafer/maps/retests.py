"""A wafer that was probed more than once: one map of it, die by die."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from yieldsim.wafer.maps.bins import RESULT
from yieldsim.wafer.maps.options import ReadOptions, Retest
from yieldsim.wafer.maps.wafer_maps import NONE, PASS, WaferMaps, with_words

__all__ = ["without_retests"]


def without_retests(maps: WaferMaps, options: ReadOptions) -> WaferMaps:
    """Return the maps with one for each wafer, which is known by its lot and name.

    A die has the last, the first or the best of its results, as ``options.retest`` says: a probing
    that leaves a die out keeps what an earlier one found. Wafers without a name are all different.
    """
    groups: dict[tuple[str, str], list[int]] = {}
    for w, (lot, name) in enumerate(zip(maps.lot.tolist(), maps.name.tolist(), strict=True)):
        groups.setdefault((lot, name) if name else (lot, f"\0{w}"), []).append(w)
    again = [wafers for wafers in groups.values() if len(wafers) > 1]
    if not again:
        return maps
    names = [str(maps.name[wafers[0]]) for wafers in again]
    shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
    options.note(
        f"{len(again)} wafers were probed more than once ({shown}); "
        f"the {options.retest} result of each die counts (--retest)"
    )
    kept = np.array([wafers[-1] for wafers in groups.values()])
    placed = [_together(maps, wafers, options.retest) for wafers in groups.values()]
    return with_words(
        maps.select(kept), [grid for grid, _ in placed], [place for _, place in placed]
    )


def _together(
    maps: WaferMaps, wafers: list[int], retest: Retest
) -> tuple[NDArray[np.int64], tuple[int, int]]:
    """Return the grid of words that holds all probings of a wafer, and its first row and column."""
    origin = maps.origin()[wafers]
    ends = origin + np.stack([maps.rows[wafers], maps.cols[wafers]], axis=1)
    low, high = origin.min(axis=0), ends.max(axis=0)
    grid = np.full(high - low, NONE, np.int64)
    order = list(range(len(wafers)))
    for k in reversed(order) if retest == "first" else order:
        top, left = (origin[k] - low).tolist()
        new = maps.words(wafers[k])
        old = grid[top : top + new.shape[0], left : left + new.shape[1]]
        counts = new > NONE
        if retest == "best":
            counts &= (old == NONE) | (new & RESULT == PASS)
        old[counts] = new[counts]
    return grid, (int(low[0]), int(low[1]))
