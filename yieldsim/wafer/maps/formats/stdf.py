"""Wafer maps from STDF V4, the data of testers: the results of parts with places on wafers.

STDF is only read, through the package stdf-convert (MIT, the extra ``stdf``). Of the others on
PyPI, pystdf and stdf-reader are under the GPL, Semi-ATE-STDF has had no release since 2022, and
stdfast and stupidf need a second dataframe library.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yieldsim.errors import ModelError, UsageError
from yieldsim.wafer.maps.bins import BinNames, TwoBins, shifted
from yieldsim.wafer.maps.die_table import DieTable, wafers_of
from yieldsim.wafer.maps.options import ReadOptions
from yieldsim.wafer.maps.wafer_maps import FAIL, PASS, WaferMaps

__all__ = ["load", "recognizes"]

_FAR = (b"\x02\x00\x00\x0a", b"\x00\x02\x00\x0a")  # the first record, in both byte orders
_GZIP = b"\x1f\x8b"
_NO_PLACE, _NO_BIN = -32768, 65535
_FAILED, _NO_RESULT = 0x08, 0x10  # bits of PART_FLG
_RECORDS = ["MIR", "WIR", "PRR", "MRR"]


def recognizes(head: bytes) -> bool:
    """Whether a file that begins so may be STDF, as it is or compressed."""
    return head.startswith(_FAR) or head.startswith(_GZIP)


def load(path: Path, options: ReadOptions) -> WaferMaps:
    """Read the wafers of a file. Raises ModelError, UsageError without the extra, and OSError."""
    tables = _tables(path)
    parts, wafers = tables["PRR"], tables["WIR"]
    if not parts["HARD_BIN"]:
        raise ModelError(str(path), "holds no part", allowed="PRR records of parts on wafers")
    owner = _wafer_of_part(parts, wafers)
    x, y = (np.array(parts[f"{axis}_COORD"], np.float64) for axis in "XY")
    placed = (owner >= 0) & np.isfinite(x) & np.isfinite(y) & (x != _NO_PLACE) & (y != _NO_PLACE)
    if not placed.any():
        allowed = "WIR records, and X_COORD and Y_COORD of parts"
        raise ModelError(str(path), "no part has a wafer and a place", allowed=allowed)
    if not placed.all():
        options.note(f"{path}: {int((~placed).sum())} parts without wafer or place are left out")
    if not tables["MRR"]["sequence_number"]:
        options.note(f"{path}: has no last record (MRR): the test may have been cut short")
    lot = next(iter(tables["MIR"]["LOT_ID"]), "") or ""
    chosen = np.flatnonzero(placed)
    names = [str(wafers["WAFER_ID"][w] or w + 1) for w in owner[chosen]]
    bins = TwoBins(BinNames(str(path)), BinNames(str(path)))
    words = _codes(parts, options)[chosen].astype(np.int64)
    for kind, names_of, column in zip(
        ("hard", "soft"), bins, ("HARD_BIN", "SOFT_BIN"), strict=True
    ):
        words |= shifted(kind, names_of.numbers([_bin(parts[column][c]) for c in chosen.tolist()]))
    table = DieTable(str(path), bins=bins)
    table.add(
        {"wafer": names, "lot": [lot] * len(names)},
        [str(int(v)) for v in x[chosen]],
        [str(int(v)) for v in y[chosen]],
        words,
        (chosen + 1).tolist(),
    )
    return wafers_of(str(path), table, options)


def _bin(number: int | None) -> str:
    return "" if number in (None, _NO_BIN) else str(number)


def _tables(path: Path) -> dict[str, dict[str, list[Any]]]:
    """Return the records that make a map, each a dictionary of columns."""
    try:
        import pyarrow as pa
        import stdf_convert
    except ModuleNotFoundError as error:
        problem = f"STDF needs the package {error.name}"
        allowed = "pip install 'yieldsim[stdf]'"
        raise UsageError(str(path), problem, allowed=allowed) from None
    try:
        tables = stdf_convert.tables(str(path), _RECORDS)
    except stdf_convert.StdfError as error:
        problem = f"cut short, or no STDF: {error}"
        raise ModelError(str(path), problem, allowed="a whole STDF V4 file") from None
    found = {name: pa.table(tables[name]).to_pydict() for name in tables}
    columns = {"PRR": ("HARD_BIN",), "MRR": ("sequence_number",), "MIR": ("LOT_ID",)}
    for name in _RECORDS:
        empty: dict[str, list[Any]] = {column: [] for column in columns.get(name, ())}
        found.setdefault(name, empty | {"HEAD_NUM": [], "sequence_number": []})
    return found


def _wafer_of_part(parts: dict[str, list[Any]], wafers: dict[str, list[Any]]) -> NDArray[np.int64]:
    """Return the number of the last wafer that the part's head began before it, or -1."""
    owner = np.full(len(parts["HARD_BIN"]), -1, np.int64)
    heads = np.array(parts["HEAD_NUM"])
    place = np.array(parts["sequence_number"], np.int64)
    begun = np.array(wafers["sequence_number"], np.int64)
    for head in np.unique(heads):
        mine = np.flatnonzero(np.array(wafers["HEAD_NUM"]) == head)
        some = heads == head
        last = np.searchsorted(begun[mine], place[some]) - 1
        owner[some] = np.where(last >= 0, mine[last] if len(mine) else -1, -1)
    return owner


def _codes(parts: dict[str, list[Any]], options: ReadOptions) -> NDArray[np.uint8]:
    """Return pass or fail of each part: by the bins that pass, by its flag, or by hard bin 1."""
    bins = parts["SOFT_BIN" if options.bins == "soft" else "HARD_BIN"]
    if options.pass_bins is not None:
        passed = np.array([bool(options.passes(str(number))) for number in bins])
        return np.where(passed, PASS, FAIL).astype(np.uint8)
    flags = np.array([(value or b"\0")[0] for value in parts["PART_FLG"]])
    by_bin = np.array(parts["HARD_BIN"]) == 1
    passed = np.where(flags & _NO_RESULT, by_bin, (flags & _FAILED) == 0)
    return np.where(passed, PASS, FAIL).astype(np.uint8)
