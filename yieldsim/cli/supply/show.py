"""``yieldsim show``: the parameters of a model with their units, sources and grades."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from yieldsim.cli.options import allow_outside, as_json, changes, model_argument

if TYPE_CHECKING:
    from yieldsim.model import Model, Parameter, Quantity, Schedule


@click.command()
@model_argument
@click.argument("prefix", required=False)
@click.option(
    "--scenario",
    metavar="NAME",
    default="baseline",
    show_default=True,
    help="The scenario to show.",
)
@changes
@allow_outside
@as_json
def show(
    model: str,
    prefix: str | None,
    scenario: str,
    changes: tuple[str, ...],
    allow_outside: tuple[str, ...],
    as_json: bool,
) -> None:
    """List a model's parameters with their sources and grades.

    For each its path, value or distribution, unit, source and grade. PREFIX keeps those at or
    below a path, such as processes.n2 or memory. Long schedules are shortened; --json has all
    points.
    """
    from yieldsim.model import load_file

    typed = load_file(model, allow_outside).with_changes(changes).model(scenario)
    listed = _matching(typed, prefix)
    if as_json:
        records = [_record(typed, parameter) for parameter in listed]
        click.echo(json.dumps(records, indent=2, ensure_ascii=False))
    else:
        click.echo(_table(typed, listed))


def _matching(model: Model, prefix: str | None) -> list[Parameter]:
    """The parameters at or below ``prefix``. Raises UsageError if there are none."""
    from yieldsim.errors import UsageError
    from yieldsim.model import parameters

    listed = parameters(model)
    if prefix is None:
        return listed
    stem = prefix.rstrip(".")
    kept = [p for p in listed if p.path == stem or p.path.startswith(f"{stem}.")]
    if not kept:
        tops = dict.fromkeys(p.path.partition(".")[0] for p in listed)
        raise UsageError(
            "PREFIX",
            "no parameter at or below this path",
            got=prefix,
            allowed=f"a path that begins with one of: {', '.join(tops)}",
        )
    return kept


def _record(model: Model, parameter: Parameter) -> dict[str, Any]:
    """A parameter for JSON; a reference also shows what it refers to."""
    from yieldsim.model import Schedule

    item = parameter.item
    record: dict[str, Any] = {"path": parameter.path}
    if isinstance(item, Schedule):
        record |= _schedule_content(item)
    else:
        if item.ref is not None:
            record["ref"] = f"shared.{item.ref}"
        record |= _quantity_content(_resolved(model, item))
    source = model.sources[item.source]
    return {
        **record,
        "unit": _unit(model, parameter),
        "source": {"key": item.source, "title": source.title, "url": source.url},
        "grade": item.grade,
        "note": item.note,
        "description": parameter.doc,
    }


def _resolved(model: Model, item: Quantity) -> Quantity:
    return item if item.ref is None else model.shared[item.ref]


def _unit(model: Model, parameter: Parameter) -> str:
    """The unit of the figures shown; for a reference, that of the shared quantity."""
    from yieldsim.model import Quantity

    item = parameter.item
    unit = item.unit
    if isinstance(item, Quantity):
        unit = _resolved(model, item).unit or unit
    return unit or parameter.spec.unit or "1"


def _quantity_content(item: Quantity) -> dict[str, Any]:
    if item.value is not None:
        return {"value": item.value}
    hidden = {"ref", "unit", "source", "grade", "note", "factor", "value"}
    return {"distribution": item.model_dump(exclude=hidden, exclude_none=True)}


def _schedule_content(item: Schedule) -> dict[str, Any]:
    """A constant is a single value; ``position`` and ``scale`` have rows of their own."""
    if _constant(item):
        return {"value": item.values[0]}
    points = item.model_dump(include={"quarters", "values", "low", "high"})
    kept = {key: list(numbers) for key, numbers in points.items() if numbers}
    return {"value": {**kept, "interpolate": item.interpolate, "before": item.before}}


def _constant(item: Schedule) -> bool:
    return len(item.values) == 1 and item.before == "hold"


def _table(model: Model, listed: list[Parameter]) -> str:
    from yieldsim.report import align

    header = ("parameter", "value or distribution", "unit", "source", "grade")
    rows = [(p.path, _text(p.item), _unit(model, p), p.item.source, p.item.grade) for p in listed]
    uncertain = sum(p.uncertain for p in listed)
    count = f"{len(listed)} parameters, {uncertain} of them uncertain"
    used = dict.fromkeys(p.item.source for p in listed)
    sources = [(key, model.sources[key].title, model.sources[key].url) for key in used]
    blocks = [align(header, rows), count, align(("source", "title", "address"), sources)]
    return "\n\n".join(blocks)


def _text(item: Quantity | Schedule) -> str:
    """A short text; a long schedule shows only its ends."""
    from yieldsim.model import Schedule

    if not isinstance(item, Schedule):
        return item.describe()
    if _constant(item):
        return f"{item.values[0]:,.7g}" + (" x scale" if item.scale is not None else "")
    if item.values:
        text = _ends(item, item.values)
    else:
        text = f"low {_ends(item, item.low)} | high {_ends(item, item.high)}"
    return text + (" x scale" if item.scale is not None else "")


def _ends(item: Schedule, points: tuple[float, ...]) -> str:
    pairs = [f"{q} {x:,.7g}" for q, x in zip(item.quarters, points, strict=True)]
    if len(pairs) <= 3:
        return "; ".join(pairs)
    return f"{pairs[0]} .. {pairs[-1]} ({len(pairs)} points)"
