"""Cross-checks: the names in a model exist and its parts fit together.

Each rule is a function that raises ModelError with the place, the value got and what is allowed.
"""

from __future__ import annotations

from yieldsim.errors import ModelError
from yieldsim.model.checks.chips import check_chips
from yieldsim.model.checks.correlations import check_correlations
from yieldsim.model.checks.demand import check_demand
from yieldsim.model.checks.fabs import check_fabs
from yieldsim.model.checks.factors import check_factors
from yieldsim.model.checks.layers import check_layers
from yieldsim.model.checks.memory import check_memory
from yieldsim.model.checks.names import check_names, known
from yieldsim.model.limits import NO_LIMITS
from yieldsim.model.more import check_inputs
from yieldsim.model.parameters import Parameter, parameters
from yieldsim.model.references import reach
from yieldsim.model.schema import Model
from yieldsim.model.schema.calendar import quarter_index
from yieldsim.model.schema.fields import check_points, check_range
from yieldsim.model.schema.quantity import Quantity
from yieldsim.model.schema.schedule import Schedule
from yieldsim.outputs import ALL_OUTPUTS
from yieldsim.units import conversion_factor

_MOST_QUARTERS = 400


def check_model(model: Model) -> None:
    """Run every rule. Raises ModelError for the first that fails."""
    check_names(model)
    _check_simulation(model)
    declared = parameters(model)
    for parameter in declared:
        _check_source(model, parameter)
        _check_ref(model, parameter)
        _check_scale(model, parameter)
        check_factors(model, parameter)
    check_layers(model)
    check_fabs(model)
    check_memory(model)
    check_chips(model)
    check_demand(model)
    _check_events(model)
    check_correlations(model, declared)


def _check_simulation(model: Model) -> None:
    start, end = model.simulation.start, model.simulation.end
    _check_end("simulation", start, end)
    if quarter_index(end) - quarter_index(start) >= _MOST_QUARTERS:
        allowed = f"at most {_MOST_QUARTERS} quarters from {start}"
        raise ModelError("simulation.end", "is too far from start", got=end, allowed=allowed)
    for name in model.simulation.outputs:
        known("simulation.outputs", name, [v.name for v in ALL_OUTPUTS], "output")
    limits = list(dict.fromkeys([*NO_LIMITS, *model.tool_groups]))
    outlook = model.simulation.outlook_from
    if outlook is not None and quarter_index(outlook) <= quarter_index(start):
        problem, where = "must be after start", "simulation.outlook_from"
        raise ModelError(where, problem, got=outlook, allowed=f"after {start}")
    for name in model.simulation.no_limit:
        known("simulation.no_limit", name, limits, "limit")
    check_inputs(model)


def _check_end(where: str, start: str, end: str) -> None:
    if quarter_index(end) < quarter_index(start):
        allowed = f"{start} or later"
        raise ModelError(f"{where}.end", "must not be before start", got=end, allowed=allowed)


def _check_source(model: Model, parameter: Parameter) -> None:
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


def _check_events(model: Model) -> None:
    for name, event in model.events.items():
        for fab in event.fabs:
            known(f"events.{name}.fabs", fab, model.fabs, "fab")
        for group in getattr(event, "groups", ()):
            known(f"events.{name}.groups", group, model.tool_groups, "tool group")
        for process in getattr(event, "processes", ()):
            known(f"events.{name}.processes", process, model.processes, "process")
        end = getattr(event, "end", None)
        if end is not None:
            _check_end(f"events.{name}", event.start, end)
