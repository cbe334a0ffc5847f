"""Everything that a model states or leaves to a default, in the order of its tables.

`parameters` lists the declared numbers alone. Here stand beside them the settings that are no
parameters (such as ``products.NAME.pairing``) and every field that the file leaves out, with the
value that the engine then takes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, RootModel

from yieldsim.errors import UsageError
from yieldsim.model.files.scenarios import COORDINATES
from yieldsim.model.parameters import Parameter, visit
from yieldsim.model.schema import Die, Model
from yieldsim.model.schema.chips import IN_FLOORPLAN
from yieldsim.model.schema.fields import Entity, Spec, spec_of
from yieldsim.model.schema.quantity import Quantity
from yieldsim.model.schema.schedule import Schedule

# told beside the entries, not as entries of their own
_TOLD = ("title", "note", "source", "grade", "name")
_ASIDE = (*_TOLD, "sources")
_NOUNS = {
    **COORDINATES,
    "": "table",
    "patterning": "patterning",
    "die_banks": "die bank",
    "events": "event",
    "shared": "shared quantity",
    "sources": "source",
    "correlations": "correlation",
    "bins": "bin",
    "performance": "bin",
    "layers": "layer",
    "visits": "tool group",
    "plan": "process",
    "allocation": "process",
    "fleets": "tool group",
}


@dataclass(frozen=True)
class Entry:
    """One line of a model: a parameter, a setting, or a default that stands for either.

    ``value`` is None for a parameter, which has its own.
    """

    path: str
    parameter: Parameter | None = None
    value: Any = None
    spec: Spec | None = None
    doc: str = ""
    is_default: bool = False


@dataclass(frozen=True)
class Titled:
    """A table with its title and note."""

    path: str
    title: str
    note: str


def listing(model: Model) -> list[Entry]:
    """Every parameter, setting and default, in the order of the file's tables."""
    return list(_of_table(model, ""))


def _of_table(table: BaseModel, prefix: str) -> Iterator[Entry]:
    for name, field in type(table).model_fields.items():
        if name in _ASIDE or (name in IN_FLOORPLAN and _has_floorplan(table)):
            continue
        spec = spec_of(type(table), name)
        item, doc = getattr(table, name), field.description or ""
        if spec is None:
            yield from _unmeasured(item, f"{prefix}{name}", name not in table.model_fields_set)
        elif item is not None:
            for parameter in visit(item, f"{prefix}{name}", spec, doc):
                yield Entry(parameter.path, parameter=parameter)
        elif spec.neutral is not None:
            yield Entry(f"{prefix}{name}", None, spec.neutral, spec, doc, is_default=True)


def _has_floorplan(table: BaseModel) -> bool:
    return isinstance(table, Die) and table.floorplan is not None


def _unmeasured(item: Any, path: str, is_default: bool) -> Iterator[Entry]:
    """A field that declares no parameter: a table, a table of tables, or a plain setting."""
    if isinstance(item, RootModel):
        yield Entry(path, value=item.root, is_default=is_default)
    elif isinstance(item, BaseModel):
        yield from _of_table(item, f"{path}.")
    elif isinstance(item, dict) and any(isinstance(v, BaseModel | dict) for v in item.values()):
        for key, inner in item.items():
            yield from _unmeasured(inner, f"{path}.{key}", is_default)
    elif item not in (None, "", (), {}):
        yield Entry(path, value=item, is_default=is_default)


def titles(model: Model) -> list[Titled]:
    """Every table that has a title or a note, and every shared quantity that has a title.

    The sources, which are nothing else, stand apart.
    """
    found = [
        Titled(path, getattr(table, "title", ""), table.note)
        for path, table in _tables(model, "")
        if not path.startswith("sources.")
    ]
    shared = [Titled(f"shared.{name}", item.title, "") for name, item in model.shared.items()]
    return [entry for entry in (*found, *shared) if entry.title or entry.note]


def _tables(item: Any, path: str) -> Iterator[tuple[str, Entity]]:
    if isinstance(item, Entity):
        yield path, item
        for name in type(item).model_fields:
            yield from _tables(getattr(item, name), f"{path}.{name}".lstrip("."))
    elif isinstance(item, dict):
        for key, inner in item.items():
            yield from _tables(inner, f"{path}.{key}")


def check_path(model: Model, path: str) -> None:
    """Raise UsageError, with the first unknown step, unless the model has a path."""
    node: Any = model
    table = ""
    for step in path.split("."):
        if isinstance(node, Quantity | Schedule):
            parts = [part for part in ("position", "scale") if getattr(node, part, None)]
            names: Mapping[str, Any] = dict.fromkeys(parts, 0)
        else:
            names = _below(node)
        if step not in names:
            is_field = isinstance(node, Entity) and table != ""
            what = "key" if is_field else _NOUNS.get(table, "name")
            allowed = ", ".join(names) or "none"
            raise UsageError(path, f"unknown {what}", got=step, allowed=allowed)
        node, table = names[step], step


def _below(node: Any) -> Mapping[str, Any]:
    """What stands one step below a table."""
    if isinstance(node, Entity):
        return {n: getattr(node, n) for n in type(node).model_fields if n not in _TOLD}
    return node if isinstance(node, dict) else {}
