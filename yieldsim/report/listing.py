"""The tables and records of `yieldsim show`: parameters, settings, defaults and scenarios."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from yieldsim.errors import UsageError
from yieldsim.model import Model, Parameter, Quantity, Schedule
from yieldsim.model.listing import Entry, Titled, check_path, listing, titles
from yieldsim.report.tables import Record, align

DEFAULT = "default"
SOURCES = "sources"
HEADER = ("parameter", "value or distribution", "unit", "source", "grade", "note")


def model_records(model: Model, stem: str = "") -> list[Record]:
    """A record of every entry at or below a path, each with the title of its table.

    ``default`` says whether the file leaves the field out. For ``sources`` the records are those of
    the publications. Raises UsageError for an unknown path.
    """
    if _top(stem) == SOURCES:
        return [{"key": key, "title": title, "url": url} for key, title, url in _all(model, stem)]
    title_of = {entry.path: entry.title for entry in titles(model)}
    return [_record(model, entry, title_of) for entry in _matching(model, stem)]


def listing_text(model: Model, stem: str = "") -> str:
    """The entries at or below a path, their tables' titles and notes, and their sources.

    Raises UsageError for an unknown path.
    """
    if _top(stem) == SOURCES:
        return align(("source", "title", "address"), _all(model, stem))
    entries = _matching(model, stem)
    declared = [entry.parameter for entry in entries if entry.parameter is not None]
    uncertain = sum(parameter.uncertain for parameter in declared)
    defaults = sum(entry.is_default for entry in entries)
    counts = (
        f"{len(declared)} parameters, {uncertain} of them uncertain; "
        f"{len(entries) - len(declared) - defaults} other settings; {defaults} defaults"
    )
    blocks = [align(HEADER, [_row(model, entry) for entry in entries]), counts]
    told = [(t.path or model.name, t.title, t.note) for t in titles(model) if _is_near(t, stem)]
    if told:
        blocks.append(align(("table", "title", "note"), told))
    used = dict.fromkeys(parameter.item.source for parameter in declared)
    sources = [(key, model.sources[key].title, model.sources[key].url) for key in used]
    if sources:
        blocks.append(align(("source", "title", "address"), sources))
    return "\n\n".join(blocks)


def scenarios_text(records: list[Record]) -> str:
    """Each scenario with its title, its note and what it changes."""
    if not records:
        return "the model has no scenarios"
    blocks = []
    for record in records:
        lines = [f"{record['name']}: {record['title']}".rstrip(": ")]
        origin = ", ".join(filter(None, (record["source"], record["grade"])))
        lines += [f"    {text}" for text in (record["note"], origin) if text]
        changes = [(c["path"], _raw_text(c["value"])) for c in record["changes"]]
        width = max(len(path) for path, _ in changes)
        lines += [f"    {path:{width}}  {text}" for path, text in changes]
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def _top(stem: str) -> str:
    return stem.partition(".")[0]


def _all(model: Model, stem: str) -> list[tuple[str, str, str]]:
    """The publications at or below a path, with title and address."""
    check_path(model, stem)
    key = stem.partition(".")[2].partition(".")[0]
    return [(k, s.title, s.url) for k, s in model.sources.items() if key in ("", k)]


def _matching(model: Model, stem: str) -> list[Entry]:
    """The entries at or below ``stem``. Raises UsageError if there are none."""
    entries = listing(model)
    if not stem:
        return entries
    check_path(model, stem)
    kept = [e for e in entries if e.path == stem or e.path.startswith(f"{stem}.")]
    if not kept:
        raise UsageError(stem, "is empty in this model", allowed="a path with parameters")
    return kept


def _is_near(table: Titled, stem: str) -> bool:
    """Whether a table stands at, below or above a path."""
    path, own = f"{table.path}.", f"{stem}."
    return not stem or not table.path or path.startswith(own) or own.startswith(path)


def _record(model: Model, entry: Entry, title_of: Mapping[str, str]) -> Record:
    table = entry.path
    while table and table not in title_of:
        table = table.rpartition(".")[0]
    head = {"path": entry.path, "title": title_of.get(table, "")}
    tail = {"description": entry.doc, DEFAULT: entry.is_default}
    if entry.parameter is None:
        unit = entry.spec.unit if entry.spec else None
        bare = {"unit": unit, "source": None, "grade": None, "note": ""}
        return {**head, "value": entry.value, **bare, **tail}
    parameter, item = entry.parameter, entry.parameter.item
    content: Record = {}
    if isinstance(item, Schedule):
        content = _schedule_content(item)
    else:
        if item.ref is not None:
            content["ref"] = f"shared.{item.ref}"
        content |= _quantity_content(_resolved(model, item))
    source = model.sources[item.source]
    return {
        **head,
        **content,
        "unit": _unit(model, parameter),
        "source": {"key": item.source, "title": source.title, "url": source.url},
        "grade": item.grade,
        "note": item.note,
        **tail,
        "description": parameter.doc,
    }


def _resolved(model: Model, item: Quantity) -> Quantity:
    return item if item.ref is None else model.shared[item.ref]


def _unit(model: Model, parameter: Parameter) -> str:
    """The unit of the figures shown; for a reference, that of the shared quantity."""
    item = parameter.item
    unit = item.unit
    if isinstance(item, Quantity):
        unit = _resolved(model, item).unit or unit
    return unit or parameter.spec.unit or "1"


def _quantity_content(item: Quantity) -> Record:
    if item.value is not None:
        return {"value": item.value}
    hidden = {"ref", "unit", "title", "source", "grade", "note", "factor", "value"}
    return {"distribution": item.model_dump(exclude=hidden, exclude_none=True)}


def _schedule_content(item: Schedule) -> Record:
    """A constant is a single value; ``position`` and ``scale`` have rows of their own."""
    keys = {"shift_quarters", "shift_from", "share_of"}
    use = item.model_dump(include=keys, exclude_defaults=True)
    factors = {"factors": list(item.factors)} if item.factors else {}
    if _constant(item):
        return {"value": item.values[0], **factors, **use}
    points = item.model_dump(include={"quarters", "values", "low", "high"})
    kept = {key: list(numbers) for key, numbers in points.items() if numbers}
    series = {**kept, "interpolate": item.interpolate, "before": item.before, **use}
    return {"value": series, **factors}


def _constant(item: Schedule) -> bool:
    return len(item.values) == 1 and item.before == "hold"


def _row(model: Model, entry: Entry) -> tuple[str, ...]:
    mark = DEFAULT if entry.is_default else ""
    if entry.parameter is not None:
        p = entry.parameter
        source, grade, note = p.item.source, p.item.grade, p.item.note
        return (entry.path, _text(p.item), _unit(model, p), source, grade, note)
    if entry.spec is not None:
        text = entry.spec.absent or f"{entry.value:,.7g}"
        return (entry.path, text, entry.spec.unit, "", mark, "")
    return (entry.path, _raw_text(entry.value), "", "", mark, "")


def _text(item: Quantity | Schedule) -> str:
    """A short text; a long schedule shows only its ends."""
    if not isinstance(item, Schedule):
        return item.describe()
    times = "".join(f" x {name}" for name in ("scale",) * (item.scale is not None) + item.factors)
    if _constant(item):
        return f"{item.values[0]:,.7g}{times}{item.describe_use()}"
    if item.values:
        text = _ends(item.quarters, item.values)
    else:
        text = f"low {_ends(item.quarters, item.low)} | high {_ends(item.quarters, item.high)}"
    return text + times + item.describe_use()


def _ends(quarters: tuple[str, ...], points: tuple[float, ...]) -> str:
    pairs = [f"{q} {x:,.7g}" for q, x in zip(quarters, points, strict=True)]
    if len(pairs) <= 3:
        return "; ".join(pairs)
    return f"{pairs[0]} .. {pairs[-1]} ({len(pairs)} points)"


def _raw_text(item: Any) -> str:
    """A value as a file writes it, on one line."""
    if isinstance(item, bool):
        return str(item).lower()
    if isinstance(item, int | float):
        return f"{item:,.7g}"
    if isinstance(item, Mapping):
        return _table_text(item)
    if isinstance(item, list | tuple):
        return ", ".join(_raw_text(inner) for inner in item) or "none"
    return str(item)


def _table_text(item: Mapping[str, Any]) -> str:
    """A parameter or a table of a model file; source and note are told elsewhere."""
    kept = {key: x for key, x in item.items() if key not in ("source", "grade", "note")}
    if "ref" in kept:
        return f"= {kept['ref']}"
    if set(kept) <= {"value", "unit"} and "value" in kept:
        return " ".join(_raw_text(x) for x in kept.values())
    if "dist" in kept:
        shape = [f"{key} {_raw_text(x)}" for key, x in kept.items() if key not in ("dist", "unit")]
        return f"{kept['dist']}({', '.join(shape)}) {kept.get('unit', '')}".rstrip()
    if isinstance(kept.get("quarters"), list):
        return _series_text(kept)
    return "; ".join(f"{key} {_raw_text(x)}" for key, x in kept.items())


def _series_text(item: Mapping[str, Any]) -> str:
    """The points of a series; what else is set follows."""
    texts = []
    for key in ("values", "low", "high"):
        points = item.get(key)
        if isinstance(points, list):
            pairs = zip(item["quarters"], points, strict=False)
            joined = " ".join(f"{quarter} {_raw_text(point)}" for quarter, point in pairs)
            texts.append(joined if key == "values" else f"{key} {joined}")
    rest = {k: x for k, x in item.items() if k not in ("quarters", "values", "low", "high")}
    return "; ".join([*texts, *(f"{key} {_raw_text(x)}" for key, x in rest.items())])
