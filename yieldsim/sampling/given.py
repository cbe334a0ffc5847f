"""Given samples: reading them from a file, and checking them against a model."""

from __future__ import annotations

import csv
import difflib
import math
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from yieldsim.design import Design, Samples
from yieldsim.errors import UsageError
from yieldsim.model import Quantity
from yieldsim.sampling.draw import Sampler

__all__ = ["Samples", "check_rows", "check_samples", "read_samples"]

_OPTION = "samples"
_KINDS = "CSV with a header, or npz: a column a parameter path, a row a realization"


def read_samples(source: str | Path | Mapping[str, Any]) -> Samples:
    """Read samples from a CSV or npz file, or take columns by path (also those of a DataFrame).

    Raises UsageError with the column or line, the value got and what is allowed.
    """
    if not isinstance(source, str | Path):
        keys = getattr(source, "keys", None)
        if keys is None:
            raise UsageError(_OPTION, "unknown kind", got=type(source).__name__, allowed=_KINDS)
        names = [str(key) for key in keys()]
        return _samples(_OPTION, names, (source[key] for key in keys()))
    path = Path(source)
    if not path.is_file():
        raise UsageError(str(path), "no such file of samples", allowed=_KINDS)
    kind = path.suffix.lower()
    if kind not in (".csv", ".npz"):
        raise UsageError(str(path), "unknown kind of samples", got=path.suffix, allowed=_KINDS)
    return _from_npz(path) if kind == ".npz" else _from_csv(path)


def check_samples(samples: Samples, samplers: Mapping[str, Sampler]) -> None:
    """Check the columns against the parameters of each scenario.

    A given value holds in every scenario that draws the parameter. Raises UsageError for a path
    that no scenario draws, for one whose distribution a scenario changes, and for a value that
    cannot be drawn.
    """
    drawn: dict[str, dict[str, Quantity]] = {}
    for name, sampler in samplers.items():
        for p in sampler.declared:
            if p.uncertain and isinstance(p.item, Quantity):
                drawn.setdefault(p.path, {})[name] = p.item
    for number, path in enumerate(samples.paths):
        where = f"{samples.place}: column {path}"
        if path not in drawn:
            raise _not_drawn(where, path, list(drawn), samplers)
        items = list(drawn[path].items())
        first, item = items[0]
        for name, other in items[1:]:
            if other.describe() != item.describe() or other.support() != item.support():
                problem = f"scenario {name} gives it another distribution than {first}"
                raise UsageError(where, problem, allowed="a run of its own for that scenario")
        _check_range(where, item, samples.values[:, number])


def check_rows(design: Design, realizations: int) -> None:
    """Raise UsageError if the samples of a design end before the realizations."""
    samples = design.samples
    if samples is not None and samples.rows < realizations:
        problem = f"has too few rows for {realizations} realizations"
        raise UsageError(samples.place, problem, got=samples.rows, allowed="a row for each")


def _not_drawn(
    where: str, path: str, drawn: list[str], samplers: Mapping[str, Sampler]
) -> UsageError:
    declared = {p.path: p.item for s in samplers.values() for p in s.declared}
    item = declared.get(path)
    if isinstance(item, Quantity) and item.ref is not None:
        problem = f"follows shared.{item.ref}, so it is not drawn itself"
        return UsageError(where, problem, allowed=f"shared.{item.ref}")
    if item is not None:
        allowed = f"a parameter with a distribution ({path} can be set by --set)"
        return UsageError(where, "is fixed in the model", allowed=allowed)
    near = difflib.get_close_matches(path, drawn, n=3, cutoff=0.5)
    allowed = ", ".join(near) if near else "a path that `yieldsim show` lists as uncertain"
    return UsageError(where, "is no parameter of the model", allowed=allowed)


def _check_range(where: str, item: Quantity, values: np.ndarray) -> None:
    low, high = item.support()
    if item.dist == "discrete":
        assert item.values is not None
        choices = np.array(item.values) * item.factor
        outside = ~np.isin(values, choices)
        allowed = f"one of {', '.join(f'{v:g}' for v in choices)}"
    else:
        outside = (values < low) | (values > high)
        allowed = f"{low:g} to {high:g}"
    if outside.any():
        row = int(np.argmax(outside))
        problem = f"is out of its range in row {row + 1}"
        raise UsageError(where, problem, got=repr(float(values[row])), allowed=allowed)


def _samples(place: str, names: list[str], columns: Iterable[Any]) -> Samples:
    """Return samples of columns after all checks that need no model."""
    _check_names(place, names)
    pairs = zip(names, columns, strict=True)
    checked = [_column(f"{place}: column {name}", column) for name, column in pairs]
    lengths = {len(column) for column in checked}
    if len(lengths) > 1:
        got = " and ".join(str(n) for n in sorted(lengths))
        raise UsageError(place, "columns differ in length", got=got, allowed="one length")
    if lengths == {0}:
        raise UsageError(place, "has no rows", allowed="a row for each realization")
    return Samples(tuple(names), np.column_stack(checked), place)


def _check_names(place: str, names: list[str]) -> None:
    if not names:
        raise UsageError(place, "has no columns", allowed=_KINDS)
    seen: set[str] = set()
    for number, name in enumerate(names):
        if not name:
            raise UsageError(f"{place}: column {number + 1}", "has no name", allowed=_KINDS)
        if name in seen:
            raise UsageError(f"{place}: column {name}", "is given twice", allowed="once")
        seen.add(name)


def _column(where: str, column: Any) -> np.ndarray:
    """Return a column as float64; refuse what is not a finite number."""
    array = np.asarray(column)
    if array.ndim != 1 or array.dtype.kind not in "fiu":
        got = f"{array.dtype} of {array.ndim} dimensions"
        raise UsageError(where, "is no column of numbers", got=got, allowed="float64[row]")
    values = array.astype(np.float64)
    finite = np.isfinite(values)
    if not finite.all():
        row = int(np.argmin(finite))
        got = repr(float(values[row]))
        raise UsageError(where, f"row {row + 1} is not finite", got=got, allowed="a number")
    return values


def _from_npz(path: Path) -> Samples:
    try:
        with np.load(path, allow_pickle=False) as content:
            if not hasattr(content, "keys"):
                raise ValueError("not an npz file")
            columns = {name: content[name] for name in content.keys()}  # noqa: SIM118
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
        problem = f"is not a sound npz file ({type(error).__name__})"
        raise UsageError(str(path), problem, allowed=_KINDS) from None
    return _samples(str(path), list(columns), columns.values())


def _from_csv(path: Path) -> Samples:
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            lines = csv.reader(stream)
            names = [name.strip() for name in next(lines, [])]
            _check_names(str(path), names)
            place = f"{path}: line"
            rows = [_row(f"{place} {lines.line_num}", names, cells) for cells in lines if cells]
    except (UnicodeDecodeError, csv.Error) as error:
        problem = f"is not a CSV text in UTF-8 ({type(error).__name__})"
        raise UsageError(str(path), problem, allowed=_KINDS) from None
    except OSError as error:
        raise UsageError(str(path), f"cannot be read ({error.strerror})") from None
    table = np.array(rows, dtype=np.float64).reshape(-1, len(names))
    return _samples(str(path), names, table.T)


def _row(where: str, names: list[str], cells: list[str]) -> list[float]:
    if len(cells) != len(names):
        raise UsageError(
            where,
            "has another number of cells than the header",
            got=len(cells),
            allowed=str(len(names)),
        )
    numbers = []
    for name, cell in zip(names, cells, strict=True):
        try:
            number = float(cell)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise UsageError(
                f"{where}, column {name}", "is not a number", got=cell, allowed="a finite number"
            )
        numbers.append(number)
    return numbers
