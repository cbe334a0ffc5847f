"""Wafer maps: which dies of a wafer passed and which failed.

Every reader returns a :class:`WaferMaps`, which checks what holds for all formats.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from yieldsim.errors import ModelError
from yieldsim.wafer.maps.bins import RESULT, Bins, TwoBins, joined_bins, parts_of, words_of

__all__ = [
    "FAIL",
    "NONE",
    "PASS",
    "UNKNOWN_PITCH",
    "WaferMaps",
    "joined",
    "maps_from_grids",
    "with_words",
]

NONE, PASS, FAIL = 0, 1, 2
CODES = "0 no die, 1 pass, 2 fail"
UNKNOWN_PITCH = (float("nan"), float("nan"))


@dataclass(frozen=True)
class WaferMaps:
    """Maps of many wafers, whose grids may differ.

    Attributes
    ----------
    die : uint8[cell], 0 no die, 1 pass, 2 fail; wafer after wafer, each row-major.
    offset : int64[wafer + 1], where each wafer begins in ``die``.
    rows, cols : int64[wafer], the grid of each wafer.
    label : str[wafer], the class that someone gave the map, or empty.
    name : str[wafer], the wafer's identifier.
    lot : str[wafer], the lot's identifier, or empty.
    pitch_mm : float64[wafer, 2], from die to die across and up, nan where the file does not say.
    first : int64[wafer, 2], row and column of the first cell where the file gives places from a
        common origin; None: every grid begins at its first cell.
    hard, soft : the bins of the dies, where files have them. A fit does not read them.
    notch : int64[wafer], where the notch or flat lies, degrees clockwise from the bottom; -1 where
        the file does not say. None: no file says.
    """

    die: NDArray[np.uint8]
    offset: NDArray[np.int64]
    rows: NDArray[np.int64]
    cols: NDArray[np.int64]
    label: NDArray[np.str_]
    name: NDArray[np.str_]
    lot: NDArray[np.str_]
    pitch_mm: NDArray[np.float64]
    hard: Bins | None = None
    soft: Bins | None = None
    first: NDArray[np.int64] | None = None
    notch: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def grid(self, wafer: int) -> NDArray[np.uint8]:
        """Return one map, uint8[row, column]; a view."""
        cells = self.die[self.offset[wafer] : self.offset[wafer + 1]]
        return cells.reshape(self.rows[wafer], self.cols[wafer])

    def words(self, wafer: int) -> NDArray[np.int64]:
        """Return results and bins of one map as words, int64[row, column]."""
        cells = slice(self.offset[wafer], self.offset[wafer + 1])
        hard, soft = (
            None if bins is None else Bins(bins.cell[cells], bins.names)
            for bins in (self.hard, self.soft)
        )
        return words_of(self.die[cells], hard, soft).reshape(self.rows[wafer], self.cols[wafer])

    def labels(self) -> list[str]:
        """Return the labels that occur, in alphabetical order."""
        return [str(label) for label in np.unique(self.label) if label]

    def select(self, wafers: NDArray[np.int64]) -> WaferMaps:
        """Return the maps of these wafers, in this order."""
        parts = [self.die[self.offset[w] : self.offset[w + 1]] for w in wafers]
        sizes = self.rows[wafers] * self.cols[wafers]
        return WaferMaps(
            die=np.concatenate(parts) if parts else self.die[:0],
            offset=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
            rows=self.rows[wafers],
            cols=self.cols[wafers],
            label=self.label[wafers],
            name=self.name[wafers],
            lot=self.lot[wafers],
            pitch_mm=self.pitch_mm[wafers],
            hard=self._bins_of(self.hard, wafers),
            soft=self._bins_of(self.soft, wafers),
            first=None if self.first is None else self.first[wafers],
            notch=None if self.notch is None else self.notch[wafers],
        )

    def origin(self) -> NDArray[np.int64]:
        """Return row and column of each grid's first cell, int64[wafer, 2]; 0 where not known."""
        return np.zeros((len(self), 2), np.int64) if self.first is None else self.first

    def notches(self) -> NDArray[np.int64]:
        """Return where each notch lies, int64[wafer], -1 where it is not known."""
        return np.full(len(self), -1, np.int64) if self.notch is None else self.notch

    def _bins_of(self, bins: Bins | None, wafers: NDArray[np.int64]) -> Bins | None:
        if bins is None:
            return None
        parts = [bins.cell[self.offset[w] : self.offset[w + 1]] for w in wafers]
        return Bins(np.concatenate(parts) if parts else bins.cell[:0], bins.names)

    def check(self, where: str) -> WaferMaps:
        """Return self. Raises ModelError unless this is a valid set of wafer maps."""
        if len(self) == 0:
            raise ModelError(where, "holds no wafer map", allowed="at least one map")
        sizes = self.rows * self.cols
        wrong = np.flatnonzero((sizes < 1) | (np.diff(self.offset) != sizes))
        if len(wrong) or self.offset[0] != 0 or self.offset[-1] != len(self.die):
            w = int(wrong[0]) if len(wrong) else len(self) - 1
            raise ModelError(
                f"{where}: wafer {self.name[w]}",
                "ragged map",
                got=f"{self.offset[w + 1] - self.offset[w]} cells",
                allowed=f"rows x columns = {self.rows[w]} x {self.cols[w]}, to the end of the data",
            )
        bad = np.flatnonzero(self.die > FAIL)
        if len(bad):
            w = int(np.searchsorted(self.offset, bad[0], side="right")) - 1
            code = int(self.die[bad[0]])
            raise ModelError(
                f"{where}: wafer {self.name[w]}", "unknown code", got=code, allowed=CODES
            )
        empty = np.flatnonzero(np.add.reduceat(self.die > NONE, self.offset[:-1]) == 0)
        if len(empty):
            raise ModelError(
                f"{where}: wafer {self.name[empty[0]]}",
                "map with no die",
                allowed="at least one die that passed or failed",
            )
        return self


def maps_from_grids(
    grids: Sequence[NDArray[np.integer]],
    labels: Sequence[str] | None = None,
    names: Sequence[str] | None = None,
    where: str = "maps",
    lots: Sequence[str] | None = None,
    pitch_mm: Sequence[tuple[float, float]] | None = None,
    first: Sequence[tuple[int, int]] | None = None,
    bins: TwoBins | None = None,
    notch: Sequence[int] | None = None,
) -> WaferMaps:
    """Build maps from grids of codes, each int[row, column]; of words where ``bins`` are given.

    Raises ModelError for an empty list, a grid without two axes, an unknown code or a map without
    dies.
    """
    flat = [np.asarray(grid) for grid in grids]
    names = [str(i) for i in range(len(flat))] if names is None else names
    for name, grid in zip(names, flat, strict=True):
        if grid.ndim != 2:
            allowed = "rows of equal length"
            raise ModelError(
                f"{where}: wafer {name}", "ragged map", got=grid.shape, allowed=allowed
            )
        code = grid if bins is None else grid & RESULT
        outside = code[(code < NONE) | (code > FAIL)]
        if outside.size:
            got = outside.flat[0]
            raise ModelError(f"{where}: wafer {name}", "unknown code", got=got, allowed=CODES)
    rows = np.array([grid.shape[0] for grid in flat], np.int64)
    cols = np.array([grid.shape[1] for grid in flat], np.int64)
    cells = np.concatenate([g.ravel() for g in flat] or [np.zeros(0)])
    names_of_bins = (None, None) if bins is None else bins.names()
    die, hard, soft = parts_of(cells.astype(np.int64), *names_of_bins)
    maps = WaferMaps(
        die=die,
        offset=np.concatenate([[0], np.cumsum(rows * cols)]).astype(np.int64),
        rows=rows,
        cols=cols,
        label=np.array([""] * len(flat) if labels is None else list(labels), dtype=np.str_),
        name=np.array(list(names), dtype=np.str_),
        lot=np.array([""] * len(flat) if lots is None else list(lots), dtype=np.str_),
        pitch_mm=_pitches(pitch_mm, len(flat)),
        hard=hard,
        soft=soft,
        first=None if first is None else np.array(first, np.int64).reshape(-1, 2),
        notch=None if notch is None or max(notch, default=-1) < 0 else np.array(notch, np.int64),
    )
    return maps.check(where)


def with_words(
    maps: WaferMaps, grids: Sequence[NDArray[np.integer]], first: Sequence[tuple[int, int]]
) -> WaferMaps:
    """Return the maps with other grids, of words, which begin at other places."""
    cells = np.concatenate([grid.ravel() for grid in grids])
    names = [None if bins is None else bins.names for bins in (maps.hard, maps.soft)]
    die, hard, soft = parts_of(cells, *names)
    sizes = np.array([grid.shape for grid in grids], np.int64)
    return replace(
        maps,
        die=die,
        offset=np.concatenate([[0], np.cumsum(sizes.prod(axis=1))]).astype(np.int64),
        rows=sizes[:, 0].copy(),
        cols=sizes[:, 1].copy(),
        hard=hard,
        soft=soft,
        first=np.array(first, np.int64).reshape(-1, 2),
    )


def _pitches(pitch_mm: Sequence[tuple[float, float]] | None, wafers: int) -> NDArray[np.float64]:
    if pitch_mm is None:
        return np.full((wafers, 2), np.nan)
    return np.array(pitch_mm, np.float64).reshape(wafers, 2)


def joined(parts: Sequence[WaferMaps]) -> WaferMaps:
    """Return the maps of several files as one set, in their order."""
    if len(parts) == 1:
        return parts[0]
    start = np.cumsum([0, *(len(part.die) for part in parts)])
    offsets = [part.offset[:-1] + first for part, first in zip(parts, start[:-1], strict=True)]
    return WaferMaps(
        die=np.concatenate([part.die for part in parts]),
        offset=np.concatenate([*offsets, start[-1:]]),
        rows=np.concatenate([part.rows for part in parts]),
        cols=np.concatenate([part.cols for part in parts]),
        label=np.concatenate([part.label for part in parts]),
        name=np.concatenate([part.name for part in parts]),
        lot=np.concatenate([part.lot for part in parts]),
        pitch_mm=np.concatenate([part.pitch_mm for part in parts]),
        hard=joined_bins([part.hard for part in parts], [len(part.die) for part in parts]),
        soft=joined_bins([part.soft for part in parts], [len(part.die) for part in parts]),
        first=np.concatenate([part.origin() for part in parts]),
        notch=np.concatenate([part.notches() for part in parts]),
    )
