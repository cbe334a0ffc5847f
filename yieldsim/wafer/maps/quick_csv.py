"""Large, plain tables of dies read with pandas; all others are left to the reader line by line.

A table is plain if every line has all its columns, no comment or quote interrupts it, and places
are integers. Errors in a table are not reported here: the other reader finds their line.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yieldsim.errors import ModelError
from yieldsim.wafer.maps.bins import TwoBins, shifted
from yieldsim.wafer.maps.die_table import DieTable

__all__ = ["LEAST_BYTES", "quick_table"]

LEAST_BYTES = 2_000_000  # below, the import of pandas takes longer
_UNUSUAL = (b"#", b"//", b'"', b"\n\n", b"\r\r", b"\0")


def quick_table(
    where: str,
    data: bytes,
    delimiter: str,
    width: int,
    columns: Mapping[str, int],
    codes_of: Callable[[Sequence[str]], Sequence[int]],
    bins: TwoBins,
) -> DieTable | None:
    """Return the dies of a table without its header, None where it is not plain.

    ``columns`` are the places of x, y, code and of wafer, lot, label, hard and soft bin if there;
    ``codes_of`` gives the codes of texts and raises ModelError for an unknown one.
    """
    if any(letters in data for letters in _UNUSUAL):
        return None
    lines = data.count(b"\n") + (not data.endswith(b"\n"))
    if data.count(delimiter.encode()) != lines * (width - 1):
        return None
    kinds = {place: "category" for place in columns.values()}
    kinds |= {columns["x"]: "int64", columns["y"]: "int64"}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)  # of places beyond int64
            frame = _frame(data, delimiter, width, kinds)
        codes = frame[columns["code"]].cat
        code = np.array(codes_of(codes.categories.tolist()), np.uint8)[codes.codes]
        words = _with_bins(code, frame, columns, bins)
    except (
        ValueError,
        OverflowError,
        RuntimeWarning,
        ModelError,
    ):  # pandas' own errors are ValueErrors
        return None
    table = DieTable(where, bins=bins)
    x, y = (frame[columns[axis]].to_numpy(np.int64) for axis in "xy")
    names = {key: frame[columns[key]].cat for key in ("lot", "wafer", "label") if key in columns}
    wafer = _wafers(table, len(frame), names)
    if wafer is None:
        return None
    table.x, table.y, table.code, table.wafer = [x], [y], [words], [wafer]
    return table


def _frame(data: bytes, delimiter: str, width: int, kinds: Mapping[int, str]) -> Any:
    """Return the columns of these places and types; all categories are texts.

    Some versions of pandas make categories of digits numbers, so that wafer 007 would be wafer 7.
    Columns that begin with a digit are read as texts at once, others again if need be.
    """
    import pandas

    first = data[: data.find(b"\n")].split(delimiter.encode())
    texts = [place for place, kind in kinds.items() if kind == "category"]
    digits = [place for place in texts if first[place].strip()[:1].isdigit()]
    frame = pandas.read_csv(
        io.BytesIO(data),
        sep=delimiter,
        header=None,
        names=list(range(width)),
        usecols=sorted(kinds),
        dtype={**kinds, **dict.fromkeys(digits, "str")},
        na_filter=False,
        low_memory=False,
        encoding="utf-8",
    )
    frame = frame.astype(dict.fromkeys(digits, "category"))
    numbers = [p for p in texts if frame[p].cat.categories.inferred_type not in ("string", "empty")]
    if numbers:
        again = _frame(data, delimiter, width, dict.fromkeys(numbers, "str"))
        for place in numbers:
            frame[place] = again[place].astype("category")
    return frame


def _with_bins(
    code: NDArray[np.uint8], frame: Any, columns: Mapping[str, int], bins: TwoBins
) -> NDArray[np.integer]:
    """Return the word of each line."""
    words: NDArray[np.integer] = code
    for names, kind in zip(bins, ("hard", "soft"), strict=True):
        if kind in columns:
            texts = frame[columns[kind]].cat
            number = names.numbers(texts.categories.tolist())
            words = words | shifted(kind, number)[texts.codes]
    return words


def _wafers(table: DieTable, size: int, texts: Mapping[str, object]) -> NDArray[np.int64] | None:
    """Return the number of each line's wafer, None where a label changes inside one.

    Lines of a wafer mostly follow one another, so that runs of lines are looked up, not lines.
    """
    numbers = {key: np.asarray(text.codes) for key, text in texts.items()}  # type: ignore[attr-defined]
    names = {key: text.categories.tolist() for key, text in texts.items()}  # type: ignore[attr-defined]
    change = np.zeros(size, bool)
    change[:1] = True
    for number in numbers.values():
        change[1:] |= number[1:] != number[:-1]
    starts = np.flatnonzero(change)
    runs = np.empty(len(starts), np.int64)
    for run, line in enumerate(starts.tolist()):
        text = {key: str(names[key][numbers[key][line]]).strip() for key in texts}
        key = (text.get("lot", ""), text.get("wafer", ""))
        wafer = table.wafers.setdefault(key, len(table.wafers))
        if wafer == len(table.label):
            table.label.append("")
        label = text.get("label", "")
        if label and table.label[wafer] not in ("", label):
            return None
        table.label[wafer] = table.label[wafer] or label
        runs[run] = wafer
    return np.repeat(runs, np.diff(np.append(starts, size)))
