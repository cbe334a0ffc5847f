"""Where the notch or flat of each wafer lies, and maps turned to have it at the bottom."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from yieldsim.errors import ModelError
from yieldsim.wafer.maps.options import ReadOptions
from yieldsim.wafer.maps.wafer_maps import WaferMaps, with_words

__all__ = ["SIDES", "notch_of", "with_one_notch"]

SIDES = {0: "bottom", 90: "left", 180: "top", 270: "right"}  # degrees clockwise from the bottom


def notch_of(where: str, name: str, text: str | None) -> int:
    """Return the degrees that a file gives, 0 to 270; -1 where it does not say.

    Raises ModelError for an angle by which no map of dies can be turned.
    """
    if text is None or not text.strip():
        return -1
    try:
        angle = float(text)
    except ValueError:
        angle = float("nan")
    if angle % 90.0 != 0.0:
        allowed = "0, 90, 180 or 270"
        raise ModelError(f"{where} {name}", "unknown side of the notch", got=text, allowed=allowed)
    return int(angle) % 360


def with_one_notch(maps: WaferMaps, options: ReadOptions) -> WaferMaps:
    """Return the maps, turned so that all notches lie at the bottom if they lie at several sides.

    Maps whose file does not say where the notch lies stay as they are.
    """
    notch = maps.notches()
    sides = [side for side in SIDES if (notch == side).any()]
    if len(sides) < 2:
        return maps
    unknown = int((notch < 0).sum())
    counts = ", ".join(f"{SIDES[side]} on {int((notch == side).sum())} wafers" for side in sides)
    rest = f"; {unknown} wafers whose files do not say stay as they are" if unknown else ""
    options.note(f"notch {counts}: maps are turned to have it at the bottom{rest}")
    grids = [maps.words(w) for w in range(len(maps))]
    first = maps.origin().copy()
    base = _box(maps, np.isin(notch, (sides[0], -1)))[:2]
    for side in sides:
        some = np.flatnonzero(notch == side)
        box = _box(maps, notch == side)
        for w in some:
            place = first[w] - box[:2]
            if side:
                place = _turned_place(place, grids[w].shape, box[2:] - box[:2], side // 90)
                grids[w] = np.rot90(grids[w], side // 90)
            first[w] = base + place
    odd = notch % 180 == 90  # the remainder of -1 is 179
    pitch = np.where(odd[:, np.newaxis], maps.pitch_mm[:, ::-1], maps.pitch_mm)
    turned = with_words(maps, grids, [(int(r), int(c)) for r, c in first])
    return replace(turned, pitch_mm=pitch, notch=np.where(notch < 0, -1, 0))


def _box(maps: WaferMaps, some: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return first row and column and those after the last over all grids of some wafers."""
    origin = maps.origin()[some]
    ends = origin + np.column_stack([maps.rows, maps.cols])[some]
    return np.concatenate([origin.min(axis=0), ends.max(axis=0)])


def _turned_place(
    place: NDArray[np.int64], shape: tuple[int, ...], box: NDArray[np.int64], turns: int
) -> NDArray[np.int64]:
    """Return where a grid lies in its box once both were turned left ``turns`` times."""
    for _ in range(turns):
        place = np.array([box[1] - place[1] - shape[1], place[0]])
        shape, box = shape[::-1], box[::-1]
    return place
