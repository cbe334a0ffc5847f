"""Maps from a long list of dies, each with its wafer and place, as in CSV and STDF files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from yieldsim.errors import ModelError
from yieldsim.wafer.maps.bins import TwoBins
from yieldsim.wafer.maps.options import ReadOptions
from yieldsim.wafer.maps.places import MOST_PLACE, grid_of_places
from yieldsim.wafer.maps.wafer_maps import WaferMaps, maps_from_grids

__all__ = ["DieTable", "wafers_of"]

Integers = NDArray[np.int64]


@dataclass
class DieTable:
    """Dies in batches: number of the wafer, place and word; lot, name and label of each wafer."""

    where: str
    wafer: list[Integers] = field(default_factory=list)
    x: list[Integers] = field(default_factory=list)
    y: list[Integers] = field(default_factory=list)
    code: list[NDArray[np.integer]] = field(default_factory=list)
    wafers: dict[tuple[str, str], int] = field(default_factory=dict)
    label: list[str] = field(default_factory=list)
    bins: TwoBins | None = None
    _as_written: dict[tuple[str, str], int] = field(default_factory=dict)

    def add(
        self,
        texts: Mapping[str, Sequence[str]],
        x: Sequence[str],
        y: Sequence[str],
        words: Sequence[int] | NDArray[np.integer],
        numbers: Sequence[int],
    ) -> None:
        """Add a batch of lines. Raises ModelError, with the line's number."""
        self.x.append(self._integers(x, y, numbers))
        self.y.append(self._integers(y, x, numbers))
        self.code.append(np.asarray(words))
        none = [""] * len(x)
        keys = list(zip(texts.get("lot", none), texts.get("wafer", none), strict=True))
        for key in dict.fromkeys(keys):
            if key not in self._as_written:
                wafer = (key[0].strip(), key[1].strip())
                if wafer not in self.wafers:
                    self.wafers[wafer] = len(self.wafers)
                    self.label.append("")
                self._as_written[key] = self.wafers[wafer]
        index = [*map(self._as_written.__getitem__, keys)]
        self.wafer.append(np.array(index, np.int64))
        if "label" in texts:
            self._add_labels(index, texts["label"], numbers)

    def _add_labels(
        self, index: Sequence[int], labels: Sequence[str], numbers: Sequence[int]
    ) -> None:
        """Note each wafer's label. Raises ModelError where it changes inside a wafer."""
        pairs = list(zip(index, labels, strict=True))
        for wafer, text in dict.fromkeys(pairs):
            label = text.strip()
            if label and self.label[wafer] not in ("", label):
                line = numbers[pairs.index((wafer, text))]
                name = list(self.wafers)[wafer][1]
                where, got = f"{self.where} line {line}", f"{self.label[wafer]}, then {label}"
                problem = f"the label changes inside wafer {name}"
                raise ModelError(where, problem, got=got, allowed="one label per wafer")
            self.label[wafer] = self.label[wafer] or label

    def _integers(
        self, texts: Sequence[str], others: Sequence[str], numbers: Sequence[int]
    ) -> Integers:
        try:
            return np.array([*map(int, texts)], np.int64)
        except (ValueError, OverflowError):
            pass  # spreadsheets write 3.0, and a wrong one is named
        values = np.zeros(len(texts), np.int64)
        for i, (text, other, number) in enumerate(zip(texts, others, numbers, strict=True)):
            value = _whole(text)
            if value is None:
                where, allowed = f"{self.where} line {number}", "two integers"
                got = f"{text} beside {other}"
                raise ModelError(where, "not a place", got=got, allowed=allowed)
            values[i] = value
        return values


def _whole(text: str) -> int | None:
    """Return a whole number of at most MOST_PLACE, None for anything else."""
    try:
        value = float(text)
    except ValueError:
        return None
    return int(value) if value.is_integer() and abs(value) <= MOST_PLACE else None


def wafers_of(where: str, table: DieTable, options: ReadOptions) -> WaferMaps:
    """Return the maps of the dies. Dies listed again are counted once, by ``options.retest``."""
    if not table.wafers:
        raise ModelError(where, "holds no wafer map", allowed="at least one die")
    wafer, x, y = (np.concatenate(part) for part in (table.wafer, table.x, table.y))
    code = np.concatenate(table.code)
    if np.any(wafer[1:] < wafer[:-1]):
        order = np.argsort(wafer, kind="stable")
        wafer, x, y, code = wafer[order], x[order], y[order], code[order]
    ends = np.searchsorted(wafer, np.arange(len(table.wafers) + 1))
    grids, first, again, touched = [], [], 0, 0
    for number, (_, name) in enumerate(table.wafers):
        some = slice(int(ends[number]), int(ends[number + 1]))
        place = f"{where}: wafer {name}"
        placed = grid_of_places(place, x[some], y[some], code[some], options.retest)
        grids.append(placed.grid)
        first.append(placed.first)
        again, touched = again + placed.again, touched + (placed.again > 0)
    if again:
        options.note(
            f"{where}: {again} dies of {touched} wafers are listed again; "
            f"the {options.retest} result counts (--retest)"
        )
    lots = [lot for lot, _ in table.wafers]
    names = [name for _, name in table.wafers]
    return maps_from_grids(grids, table.label, names, where, lots, first=first, bins=table.bins)
