"""Changes of a model: ``path=value`` settings and the tables of scenarios.

A scenario may change any parameter, let a fab run another process of the model, and add events,
sources and correlations. It may add whole products, dies, die banks, lines, processes, memory pools
and packaging lines, which are 0 in scenarios without them. It may not change the quarters or the
bins of a die, and add no tool groups, orders or imports, because one array holds the realizations
of all scenarios.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Any

from yieldsim.errors import ModelError, UsageError
from yieldsim.model.files.merge import Raw, first_conflict, is_leaf, nested
from yieldsim.model.scenario_names import join_parts
from yieldsim.model.schema.values import is_number, shown

SCENARIO_KEYS = ("title", "source", "grade", "note", "changes")
# tables whose keys are coordinates of the results
COORDINATES = {
    "tool_groups": "tool group",
    "processes": "process",
    "fabs": "fab",
    "dies": "die",
    "memory": "memory pool",
    "packaging": "packaging line",
    "products": "product",
    "orders": "order",
    "imports": "import",
}
# what an entry that a scenario adds must have, one of each: without it the name is misspelt
NEEDED: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "processes": (("d0_mature_per_cm2",), ("alpha",)),
    "fabs": (("plan",), ("allocation",)),
    "dies": (("process",), ("width_mm",), ("height_mm",)),
    "memory": (("deliveries", "maker"),),
    "packaging": (("capacity",),),
    "products": (("die",), ("start",)),
}
_COMMON = ("name", "simulation")


def parse_setting(text: str, raw: Raw) -> Raw:
    """The tables of one ``path=value`` setting of ``raw``; the value is TOML or a bare text.

    A bare number keeps the unit of the parameter that it replaces. Raises UsageError.
    """
    path, equals, value = text.partition("=")
    steps = [step.strip() for step in path.split(".")]
    if not equals or not all(steps):
        raise UsageError("--set", "must be path=value", got=text)
    if text.encode(errors="replace").decode() != text:  # no store could hold it
        raise UsageError("--set", "is not text in UTF-8", got=text)
    item = _toml_value(value.strip(), text)
    node: Any = raw
    for step in steps:
        node = node.get(step, {}) if isinstance(node, dict) else {}
    if is_number(item) and isinstance(node, dict) and node:
        item = {"value": item, "unit": node["unit"]} if "unit" in node else {"value": item}
    return nested(steps, item)


def _toml_value(value: str, text: str) -> Any:
    try:
        table = tomllib.loads(f"value = {value}")
    except (ValueError, RecursionError):
        return value  # a text without quotes
    if set(table) != {"value"}:
        raise UsageError("--set", "must be one path=value", got=text)
    return table["value"]


def refuse_conflict(first: str, second: str, entries: Mapping[str, Raw], raw: Raw) -> None:
    """Raise UsageError where two scenarios set one parameter of ``raw`` differently."""
    path = first_conflict(entries[first]["changes"], entries[second]["changes"], raw)
    if path is not None:
        problem, got = f"both set {path}, differently", join_parts([first, second])
        raise UsageError("scenario", problem, got=got, allowed="one of them")


def check_scenario(name: str, entry: Any, raw: Raw) -> None:
    """Raise ModelError unless a scenario holds only changes, and additions that are whole."""
    where = f"scenarios.{name}"
    if not isinstance(entry, dict):
        raise ModelError(where, f"must be a table, got {shown(entry)}")
    for key in entry:
        if key not in SCENARIO_KEYS:
            raise ModelError(where, "unknown key", got=key, allowed=", ".join(SCENARIO_KEYS))
    changes = entry.get("changes", {})
    if not isinstance(changes, dict) or not changes:
        raise ModelError(f"{where}.changes", f"must be a table of changes, got {shown(changes)}")
    where = f"{where}.changes"
    for key in _COMMON:
        if key in changes:
            raise ModelError(f"{where}.{key}", "must be the same in all scenarios, got a change")
    # nothing refers to a new shared quantity or factor: it is most likely a misspelt name
    named = (("shared", "shared quantity"), ("factors", "factor"))
    for table, what in (*COORDINATES.items(), *named):
        needed = NEEDED.get(table, ())
        _check_names(f"{where}.{table}", changes.get(table), raw.get(table, {}), what, needed)
    if "demand" in changes and "demand" not in raw:
        raise ModelError(f"{where}.demand", "is not in the model, got a change")
    dies = _tables(raw.get("dies"))
    for die, change in _tables(changes.get("dies")).items():
        if die not in dies:
            continue  # new, with bins of its own
        bins = dies.get(die, {}).get("bins", {"good": {}})
        _check_names(f"{where}.dies.{die}.bins", change.get("bins"), bins, "bin")


def _check_names(
    where: str, changed: Any, names: Any, what: str, needed: tuple[tuple[str, ...], ...] = ()
) -> None:
    """Raise ModelError for an entity that the model does not have, unless it is whole.

    It is whole if it has one of each of the keys ``needed``; without these none may be added.
    """
    for name, change in changed.items() if isinstance(changed, dict) else ():
        if not isinstance(names, dict) or name in names:
            continue
        keys = change if isinstance(change, dict) else ()
        if needed and all(any(key in keys for key in each) for each in needed):
            continue
        allowed = ", ".join(names) or f"none: the model has no {what}"
        if needed:
            allowed += f", or a new {what} with {', '.join(' or '.join(each) for each in needed)}"
        raise ModelError(where, f"unknown {what}", got=name, allowed=allowed)


def _tables(item: Any) -> dict[str, Raw]:
    return {k: v for k, v in item.items() if isinstance(v, dict)} if isinstance(item, dict) else {}


def without_stale_correlations(raw: Raw, changes: Raw) -> Raw:
    """``raw`` without the correlations of parameters that ``changes`` fix.

    The author of a change need not know what a parameter was correlated with.
    """
    old = raw.get("correlations")
    if not isinstance(old, dict):
        return raw
    kept = {
        name: correlation
        for name, correlation in old.items()
        if not any(_is_fixed(path, changes) for path in _between(correlation))
    }
    return raw if len(kept) == len(old) else {**raw, "correlations": kept}


def _between(correlation: Any) -> list[str]:
    paths = correlation.get("between", []) if isinstance(correlation, dict) else []
    return [path for path in paths if isinstance(path, str)] if isinstance(paths, list) else []


def _is_fixed(path: str, changes: Raw) -> bool:
    """Whether changes replace an uncertain parameter by a number or a reference."""
    node: Any = changes
    for step in path.split("."):
        if not isinstance(node, dict) or step not in node:
            # the position or scale of a series that is replaced whole
            return node is not changes and is_leaf(node)
        node = node[step]
    return is_number(node) or (isinstance(node, dict) and ("value" in node or "ref" in node))
