"""Maps in canonical form: cut to the wafer, in one orientation and one order.

A file may pad its wafers with null cells, turn or mirror them, and list them in any order. None of
that concerns the process. So the fit brings the maps into one form, and every figure, down to the
simulated wafers, is the same for all such files.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yieldsim.errors import ModelError
from yieldsim.wafer.fit.radii import by_shape
from yieldsim.wafer.fit.statistics import stack
from yieldsim.wafer.maps.wafer_maps import FAIL, NONE, WaferMaps, maps_from_grids

__all__ = ["Canonical", "canonical", "framed", "mostly_untested"]

Ints = NDArray[np.int64]
Grid = NDArray[np.uint8]

# A wafer whose dies fill this part of the ellipse in their box was tested completely.
_WHOLE, _LEAST_SIDE = 0.8, 3
# A box full of dies to its corners is a piece of a wafer, if other wafers are larger.
_RECTANGLE = 1.2
# A wafer with fewer dies than this part of the median of its kind is mostly untested.
_UNTESTED = 0.5
_TURNS = tuple((turns, mirrored) for mirrored in (False, True) for turns in range(4))


@dataclass(frozen=True)
class Canonical:
    """Maps in canonical form, and the function that turns a grid back as it was in the file."""

    maps: WaferMaps
    back: Callable[[Grid], Grid]


def framed(maps: WaferMaps, across: tuple[float, float] | None = None) -> WaferMaps:
    """Return maps whose grids span the wafer from its first to its last row and column of dies.

    Where it is known that the usable disc is ``across`` dies wide and high, they span that disc
    about the middle of the dies, to the nearest die on each side. Raises ModelError for dies that
    lie outside it.

    Wafers of one grid in the file share their frame, so that a wafer with only a few tested dies
    keeps its place. Where the file gives places from a common origin, such a wafer gets the frame
    of the whole wafers around it.
    """
    boxes = _boxes(maps)
    origin = maps.origin()
    kinds = np.column_stack([maps.rows, maps.cols, origin])
    unique, kind, count = np.unique(kinds, axis=0, return_inverse=True, return_counts=True)
    kind = kind.ravel()
    frames = np.zeros((len(unique), 4), np.int64)
    frames[:, :2] = np.iinfo(np.int64).max
    np.minimum.at(frames[:, :2], kind, boxes[:, :2])
    np.maximum.at(frames[:, 2:], kind, boxes[:, 2:])
    if maps.first is not None:
        frames = _shared(frames, count, _fill(maps, kind, frames))
    if across is not None:
        frames = _spanning(frames, across)
    wanted = frames[kind]
    same = np.column_stack([origin, origin + np.column_stack([maps.rows, maps.cols])])
    if np.array_equal(wanted, same):
        return maps
    grids = [_cut(maps.grid(w), origin[w], wanted[w]) for w in range(len(maps))]
    sizes = wanted[:, 2:] - wanted[:, :2]
    cells = sizes.prod(axis=1)
    return replace(
        maps,
        die=np.concatenate([grid.ravel() for grid in grids]),
        offset=np.concatenate([[0], np.cumsum(cells)]).astype(np.int64),
        rows=sizes[:, 0].copy(),
        cols=sizes[:, 1].copy(),
        first=wanted[:, :2].copy(),
        hard=None,
        soft=None,
    )


def _boxes(maps: WaferMaps) -> Ints:
    """Return each wafer's first row and column of dies and those after the last, [wafer, 4]."""
    boxes = np.zeros((len(maps), 4), np.int64)
    for rows, cols, some in by_shape(maps):
        valid = stack(maps, rows, cols, some) > NONE
        for axis, place in ((2, 0), (1, 1)):
            has = np.atleast_2d(valid.any(axis=axis))
            boxes[some, place] = has.argmax(axis=1)
            boxes[some, place + 2] = has.shape[1] - has[:, ::-1].argmax(axis=1)
    return boxes + np.tile(maps.origin(), 2)


def _spanning(frames: Ints, across: tuple[float, float]) -> Ints:
    """Return the frames, each widened on both sides to a disc of the given columns and rows."""
    sides = frames[:, 2:] - frames[:, :2]
    wider = np.array(across[::-1]) - sides
    if (wider <= -1.0).any():
        got = " x ".join(str(side) for side in sides.max(axis=0)[::-1])
        allowed = f"at least {got}, the columns and rows of the dies"
        problem = "the usable disc is smaller than the dies of a wafer"
        raise ModelError("maps", problem, got=f"{across[0]:g} x {across[1]:g}", allowed=allowed)
    added = np.maximum(0, np.rint(0.5 * wider)).astype(np.int64)
    return np.column_stack([frames[:, :2] - added, frames[:, 2:] + added])


def _fill(maps: WaferMaps, kind: Ints, frames: Ints) -> NDArray[np.float64]:
    """Return the most dies of a wafer of each kind over the area of the ellipse in its frame."""
    dies = np.add.reduceat(maps.die > NONE, maps.offset[:-1])
    most = np.zeros(len(frames))
    np.maximum.at(most, kind, dies)
    area = (frames[:, 2] - frames[:, 0]) * (frames[:, 3] - frames[:, 1])
    return np.asarray(most / (0.25 * np.pi * area))


def _shared(frames: Ints, count: Ints, fill: NDArray[np.float64]) -> Ints:
    """Return the frames, those of wafers tested in part replaced by that of whole ones around."""
    sides = frames[:, 2:] - frames[:, :2]
    area = sides.prod(axis=1)
    whole = np.flatnonzero((fill >= _WHOLE) & (sides.min(axis=1) >= _LEAST_SIDE))
    shared = frames.copy()
    for k in range(len(frames)):
        around = [
            h
            for h in whole.tolist()
            if h != k
            and (frames[h, :2] <= frames[k, :2]).all()
            and (frames[h, 2:] >= frames[k, 2:]).all()
            and (
                k not in whole
                or (fill[k] > _RECTANGLE and area[k] < 0.5 * area[h])
                # a whole wafer whose outermost dies were left out on a side or two
                or np.abs(frames[h] - frames[k]).max() <= 1 < count[h] / count[k]
            )
        ]
        if around:
            shared[k] = frames[max(around, key=lambda h: (count[h], -h))]
    if not len(whole):  # a sample of the dies of each wafer: together they span it
        shared[:, :2], shared[:, 2:] = frames[:, :2].min(axis=0), frames[:, 2:].max(axis=0)
    return shared


def _cut(grid: Grid, first: Ints, frame: Ints) -> Grid:
    out = np.full(frame[2:] - frame[:2], NONE, np.uint8)
    low, high = np.maximum(first, frame[:2]), np.minimum(first + grid.shape, frame[2:])
    here = tuple(slice(*ends) for ends in zip(low - frame[:2], high - frame[:2], strict=True))
    there = tuple(slice(*ends) for ends in zip(low - first, high - first, strict=True))
    out[here] = grid[there]
    return out


def mostly_untested(maps: WaferMaps) -> list[str]:
    """Return the names of framed wafers of which less than half of the dies were tested."""
    dies = np.add.reduceat(maps.die > NONE, maps.offset[:-1])
    few = np.zeros(len(maps), bool)
    for _, _, some in by_shape(maps):
        few[some] = dies[some] < _UNTESTED * np.median(dies[some])
    lots = len(set(maps.lot.tolist())) > 1
    return [
        f"{maps.lot[w]} {maps.name[w]}".strip() if lots else str(maps.name[w])
        for w in np.flatnonzero(few)
    ]


def canonical(maps: WaferMaps) -> Canonical:
    """Return framed maps turned one way and in one order."""
    turns, mirrored = _turn_of(maps)
    grids = [_turned(maps.grid(w), turns, mirrored) for w in range(len(maps))]
    order = sorted(range(len(grids)), key=lambda w: (grids[w].shape, grids[w].tobytes()))
    whole = maps_from_grids([grids[w] for w in order])
    chosen = np.array(order)
    return Canonical(
        replace(
            whole,
            label=maps.label[chosen],
            name=maps.name[chosen],
            lot=maps.lot[chosen],
            pitch_mm=maps.pitch_mm[chosen][:, ::-1] if turns % 2 else maps.pitch_mm[chosen],
        ),
        lambda grid: _turned_back(grid, turns, mirrored),
    )


def _turned(grid: NDArray[Any], turns: int, mirrored: bool) -> NDArray[Any]:
    turned = np.rot90(grid[..., ::-1] if mirrored else grid, turns, axes=(-2, -1))
    return np.ascontiguousarray(turned)


def _turned_back(grid: Grid, turns: int, mirrored: bool) -> Grid:
    turned = np.rot90(grid, -turns, axes=(-2, -1))
    return np.ascontiguousarray(turned[..., ::-1] if mirrored else turned)


def _turn_of(maps: WaferMaps) -> tuple[int, bool]:
    """Return the turn that puts the maps, summed over wafers, first in the order of their bytes."""
    sums = []
    for rows, cols, some in by_shape(maps):
        codes = stack(maps, rows, cols, some)
        sums.append(np.stack([(codes == code).sum(axis=0) for code in (FAIL, NONE)]))
    keys = [_key(sums, *turn) for turn in _TURNS]
    best = min(keys)
    ties = [turn for turn, key in zip(_TURNS, keys, strict=True) if key == best]
    if len(ties) == 1:
        return ties[0]
    grids = [maps.grid(w) for w in range(len(maps))]
    return min(ties, key=lambda turn: _key(grids, *turn))


def _key(
    grids: Sequence[NDArray[Any]], turns: int, mirrored: bool
) -> list[tuple[tuple[int, ...], bytes]]:
    turned = (_turned(grid, turns, mirrored) for grid in grids)
    return sorted((grid.shape, grid.tobytes()) for grid in turned)
