"""Cross-checks: that the names in a model exist and its parts fit together.

Each rule is one function that raises ModelError with the place, what was got and what is allowed.
Those of dies, products and memory stand in `check_chips`, those of orders in `check_demand`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from yieldsim.errors import ModelError
from yieldsim.model.checks.chips import check_chips
from yieldsim.model.checks.correlations import check_correlations
from yieldsim.model.checks.demand import check_demand
from yieldsim.model.checks.layers import check_layers, visited_groups
from yieldsim.model.checks.names import known, reach
from yieldsim.model.files.merge import LEAF_KEYS
from yieldsim.model.limits import NO_LIMITS
from yieldsim.model.parameters import Parameter, parameters
from yieldsim.model.schema import Model
from yieldsim.model.schema.calendar import quarter_index
from yieldsim.model.schema.chips import Floorplan
from yieldsim.model.schema.fabs import OTHER, Fab
from yieldsim.model.schema.fields import ORIGIN, check_points, check_range
from yieldsim.model.schema.quantity import Quantity
from yieldsim.model.schema.schedule import Schedule
from yieldsim.model.schema.values import shown
from yieldsim.outputs import ALL_OUTPUTS
from yieldsim.units import conversion_factor

__all__ = ["OTHER", "check_model"]

_NAME = re.compile(r"[A-Za-z0-9_-]+")
_RESERVED = (*LEAF_KEYS, *ORIGIN, "note")
_MOST_QUARTERS = 400


def check_model(model: Model, where: str = "") -> None:
    """Run every rule. Raises ModelError for the first that does not hold."""
    try:
        for place, name in _names(model, ""):
            _check_name(place, name)
        _check_time(model)
        found = parameters(model)
        for parameter in found:
            _check_origin(model, parameter)
            _check_ref(model, parameter)
            _check_scale(model, parameter)
        check_layers(model)
        for name, fab in model.fabs.items():
            _check_fab(model, name, fab)
        check_chips(model)
        check_demand(model)
        _check_events(model)
        check_correlations(model, found)
    except ModelError as error:
        if not where:
            raise
        raise ModelError(
            where + error.where, error.problem, got=error.got, allowed=error.allowed
        ) from None


def _names(item: Any, place: str) -> Iterator[tuple[str, str]]:
    """Every name that a model gives, with the table that it stands in."""
    if isinstance(item, dict):
        for name, one in item.items():
            yield place, name
            yield from _names(one, f"{place}.{name}")
    elif isinstance(item, BaseModel) and not isinstance(item, Quantity | Schedule | Floorplan):
        for name in type(item).model_fields:
            yield from _names(getattr(item, name), f"{place}.{name}".lstrip("."))


def _check_name(place: str, name: str) -> None:
    # paths join names with dots, and the store uses them as labels
    if _NAME.fullmatch(name) is None:
        problem = f"has a name that cannot be used, got {shown(name)}"
        raise ModelError(place, problem, allowed="letters, digits, _ and -")
    if name in _RESERVED:
        raise ModelError(place, "has a name that means something else", got=name)


def _check_time(model: Model) -> None:
    start, end = model.simulation.start, model.simulation.end
    if quarter_index(end) < quarter_index(start):
        raise ModelError(
            "simulation.end", "must not be before start", got=end, allowed=f"{start} or later"
        )
    if quarter_index(end) - quarter_index(start) >= _MOST_QUARTERS:
        allowed = f"at most {_MOST_QUARTERS} quarters from {start}"
        raise ModelError("simulation.end", "is too far from start", got=end, allowed=allowed)
    for name in model.simulation.outputs:
        known("simulation.outputs", name, [v.name for v in ALL_OUTPUTS], "output")
    limits = list(dict.fromkeys([*NO_LIMITS, *model.tool_groups]))
    for name in model.simulation.no_limit:
        known("simulation.no_limit", name, limits, "limit")


def _check_origin(model: Model, parameter: Parameter) -> None:
    source = parameter.item.source
    if source not in model.sources:
        raise ModelError(
            f"{parameter.path}.source",
            "is not in [sources]",
            got=source,
            allowed=", ".join(model.sources) or "none: the model has no [sources]",
        )


def _check_ref(model: Model, parameter: Parameter) -> None:
    item = parameter.item
    if not isinstance(item, Quantity) or item.ref is None:
        return
    where = f"{parameter.path}.ref"
    known(where, item.ref, model.shared, "shared quantity")
    target = model.shared[item.ref]
    try:
        conversion_factor(target.unit or "1", parameter.spec.unit)
    except ValueError as error:
        raise ModelError(where, f"shared.{item.ref} has a {error}") from None
    try:
        low, high = reach(model, item, parameter.spec.unit)
        check_range(low, high, parameter.spec, target, f"shared.{item.ref} is ")
    except ValueError as error:
        raise ModelError(where, str(error)) from None


def _check_scale(model: Model, parameter: Parameter) -> None:
    """A series that is scaled by a shared quantity must stay in its range too."""
    item = parameter.item
    if not isinstance(item, Schedule) or item.scale is None or item.scale.ref is None:
        return
    known(f"{parameter.path}.scale.ref", item.scale.ref, model.shared, "shared quantity")
    try:
        check_points(item, parameter.spec, model.shared[item.scale.ref].support()[1])
    except ValueError as error:
        raise ModelError(f"{parameter.path}.scale", str(error)) from None


def _check_fab(model: Model, name: str, fab: Fab) -> None:
    if not fab.plan:
        raise ModelError(f"fabs.{name}.plan", "needs at least one process, got none")
    for process in fab.plan:
        known(f"fabs.{name}.plan", process, model.processes, "process")
        if not fab.allocation.get(process):
            raise ModelError(f"fabs.{name}.allocation.{process}", "is missing: no die gets wafers")
    for process, weights in fab.allocation.items():
        where = f"fabs.{name}.allocation.{process}"
        known(where, process, fab.plan, "process in the fab's plan")
        for die in weights:
            known(where, die, [*model.dies, OTHER], "die")
            if die != OTHER and model.dies[die].process != process:
                problem = f"is a design for {model.dies[die].process}"
                raise ModelError(f"{where}.{die}", problem, got=process, allowed="that process")
        if not any(weight.extremes()[1] > 0.0 for weight in weights.values()):
            problem = "gives no die any wafers, got weights of zero"
            raise ModelError(where, problem, allowed="a weight > 0")
    for group, classes in fab.fleets.items():
        where = f"fabs.{name}.fleets.{group}"
        known(where, group, model.tool_groups, "tool group")
        for kind in classes:
            known(where, kind, ("imported", "domestic"), "tool class")
            if getattr(model.tool_groups[group], kind) is None:
                problem = f"tool_groups.{group} does not describe {kind} tools"
                raise ModelError(f"{where}.{kind}", problem)
    _check_visited(model, name, fab)


def _check_visited(model: Model, name: str, fab: Fab) -> None:
    if not fab.fleets:
        return  # a fab without fleets is limited by its plan alone
    for process in fab.plan:
        for group in visited_groups(model.processes[process], model):
            if not fab.fleets.get(group):
                raise ModelError(
                    f"fabs.{name}.fleets",
                    f"no tools of a group that {process} visits",
                    got=group,
                    allowed=f"a fleet of {group}, or no fleets at all",
                )
            counts = [fleet.count.extremes()[1] for fleet in fab.fleets[group].values()]
            if max(counts) <= 0.0:
                raise ModelError(
                    f"fabs.{name}.fleets.{group}",
                    f"has no tools in any quarter, and {process} visits it, got counts of zero",
                    allowed="a count > 0 in some quarter",
                )


def _check_events(model: Model) -> None:
    for name, event in model.events.items():
        for fab in event.fabs:
            known(f"events.{name}.fabs", fab, model.fabs, "fab")
        for group in getattr(event, "groups", ()):
            known(f"events.{name}.groups", group, model.tool_groups, "tool group")
        for process in getattr(event, "processes", ()):
            known(f"events.{name}.processes", process, model.processes, "process")
        end = getattr(event, "end", None)
        if end is not None and quarter_index(end) < quarter_index(event.start):
            raise ModelError(
                f"events.{name}.end",
                "must not be before start",
                got=end,
                allowed=f"{event.start} or later",
            )
