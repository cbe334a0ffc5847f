"""Cross-checks: that the names in a model exist and its parts fit together.

Each rule is one function that raises ModelError with the place, what was got and what is allowed.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from ..errors import ModelError
from ..units import conversion_factor
from .calendar import quarter_index
from .fields import Spec
from .parameters import Parameter, parameters
from .quantity import Quantity
from .schema import Die, Fab, Model, Product

OTHER = "other"  # wafers of an allocation that go to designs outside the model


def check_model(model: Model, where: str = "") -> None:
    """Run every rule. Raises ModelError for the first that does not hold."""
    try:
        _check_time(model)
        found = parameters(model)
        for parameter in found:
            _check_origin(model, parameter)
            _check_ref(model, parameter)
        for name, process in model.processes.items():
            for group in process.visits:
                _known(f"processes.{name}.visits", group, model.tool_groups, "tool group")
        for name, fab in model.fabs.items():
            _check_fab(model, name, fab)
        for name, die in model.dies.items():
            _check_die(model, name, die)
        for name, product in model.products.items():
            _check_product(model, name, product)
        _check_banks(model)
        _check_events(model)
        _check_correlations(model, found)
    except ModelError as error:
        if not where:
            raise
        raise ModelError(
            where + error.where, error.problem, got=error.got, allowed=error.allowed
        ) from None


def _known(where: str, name: str, names: Iterable[str], what: str) -> None:
    if name not in names:
        allowed = ", ".join(names) or f"none: the model has no {what}"
        raise ModelError(where, f"unknown {what}", got=name, allowed=allowed)


def _check_time(model: Model) -> None:
    start, end = model.simulation.start, model.simulation.end
    if quarter_index(end) < quarter_index(start):
        raise ModelError(
            "simulation.end", "must not be before start", got=end, allowed=f"{start} or later"
        )
    if quarter_index(end) - quarter_index(start) > 400:
        raise ModelError(
            "simulation.end", "is too far from start", got=end, allowed="at most 400 quarters"
        )


def _check_origin(model: Model, parameter: Parameter) -> None:
    source = parameter.item.source
    if source not in model.sources:
        raise ModelError(
            f"{parameter.path}.source",
            "is not in [sources]",
            got=source,
            allowed=", ".join(model.sources) or "add it to [sources]",
        )


def _check_ref(model: Model, parameter: Parameter) -> None:
    item = parameter.item
    if not isinstance(item, Quantity) or item.ref is None:
        return
    _known(f"{parameter.path}.ref", item.ref, model.shared, "shared quantity")
    target = model.shared[item.ref]
    try:
        factor = conversion_factor(target.unit or "1", parameter.spec.unit)
    except ValueError as error:
        raise ModelError(f"{parameter.path}.ref", f"shared.{item.ref} has a {error}") from None
    low, high = (bound * factor for bound in target.support())
    if not _within(low, high, parameter.spec, target):
        raise ModelError(
            f"{parameter.path}.ref",
            f"shared.{item.ref} can leave the range",
            got=f"{low:g} to {high:g}",
            allowed=parameter.spec.allowed(),
        )


def _within(low: float, high: float, spec: Spec, target: Quantity) -> bool:
    touches = spec.above and low <= spec.minimum and target.dist != "lognormal"
    return low >= spec.minimum and high <= spec.maximum and not touches


def _check_fab(model: Model, name: str, fab: Fab) -> None:
    if not fab.plan:
        raise ModelError(f"fabs.{name}.plan", "needs at least one process, got none")
    for process in fab.plan:
        _known(f"fabs.{name}.plan", process, model.processes, "process")
        if not fab.allocation.get(process):
            raise ModelError(f"fabs.{name}.allocation.{process}", "is missing: no die gets wafers")
    for process, weights in fab.allocation.items():
        where = f"fabs.{name}.allocation.{process}"
        _known(where, process, fab.plan, "process in the fab's plan")
        for die in weights:
            _known(where, die, [*model.dies, OTHER], "die")
            if die != OTHER and model.dies[die].process != process:
                raise ModelError(
                    f"{where}.{die}",
                    f"is a design for {model.dies[die].process}",
                    got=process,
                    allowed=model.dies[die].process,
                )
    for group, classes in fab.fleets.items():
        where = f"fabs.{name}.fleets.{group}"
        _known(where, group, model.tool_groups, "tool group")
        for kind in classes:
            _known(where, kind, ("imported", "domestic"), "tool class")
            if getattr(model.tool_groups[group], kind) is None:
                raise ModelError(
                    f"{where}.{kind}", f"tool_groups.{group} does not describe {kind} tools"
                )
    _check_visited(model, name, fab)


def _check_visited(model: Model, name: str, fab: Fab) -> None:
    if not fab.fleets:
        return  # a fab without fleets is limited by its plan alone
    for process in fab.plan:
        for group in model.processes[process].visits:
            if not fab.fleets.get(group):
                raise ModelError(
                    f"fabs.{name}.fleets",
                    f"no tools of a group that {process} visits",
                    got=group,
                    allowed=f"a fleet of {group}, or no fleets at all",
                )


def _check_die(model: Model, name: str, die: Die) -> None:
    where = f"dies.{name}"
    _known(f"{where}.process", die.process, model.processes, "process")
    usable = model.wafer.diameter_mm.support()[0] - 2 * model.wafer.edge_exclusion_mm.support()[1]
    for side, size in (("width_mm", die.width_mm), ("height_mm", die.height_mm)):
        if _top(model, size) > usable:
            raise ModelError(
                f"{where}.{side}",
                "is larger than the usable wafer",
                got=f"{_top(model, size):g} mm",
                allowed=f"<= {usable:g} mm",
            )
    if not die.bins:
        raise ModelError(f"{where}.bins", "needs at least one bin, got none")
    least = [rule.min_good_cores for rule in die.bins.values()]
    if least[0] > die.cores:
        raise ModelError(
            f"{where}.bins.{next(iter(die.bins))}.min_good_cores",
            "is more than the die has",
            got=least[0],
            allowed=f"<= {die.cores}",
        )
    rules = list(die.bins.items())
    for (first, better), (second, worse) in pairwise(rules):
        if better.min_good_cores <= worse.min_good_cores:
            raise ModelError(
                f"{where}.bins.{second}.min_good_cores",
                f"must be below that of {first}",
                got=worse.min_good_cores,
                allowed=f"< {better.min_good_cores}",
            )
    _check_floorplan(model, where, die)


def _top(model: Model, item: Quantity | None) -> float:
    """The largest value a quantity can take, following a reference."""
    if item is None:
        return 0.0
    return (model.shared[item.ref] if item.ref else item).support()[1]


def _check_floorplan(model: Model, where: str, die: Die) -> None:
    cores, memory = _top(model, die.core_fraction), _top(model, die.memory_fraction)
    if cores + memory > 1.0 + 1e-12:
        raise ModelError(
            where,
            "core_fraction and memory_fraction can exceed the die",
            got=f"{cores:g} + {memory:g}",
            allowed="a sum <= 1",
        )
    if (die.cores == 0) != (die.core_fraction is None):
        raise ModelError(f"{where}.cores", "cores and core_fraction go together", got=die.cores)


def _check_product(model: Model, name: str, product: Product) -> None:
    where = f"products.{name}"
    _known(f"{where}.die", product.die, model.dies, "die")
    _check_made(model, where, product.die)
    if product.end is not None and quarter_index(product.end) <= quarter_index(product.start):
        raise ModelError(
            f"{where}.end", "must be after start", got=product.end, allowed=f"after {product.start}"
        )
    for pool in product.memory:
        _known(f"{where}.memory", pool, model.memory, "memory pool")
    if len(set(product.memory)) != len(product.memory):
        raise ModelError(f"{where}.memory", "names a pool twice", got=", ".join(product.memory))
    if bool(product.memory) != bool(product.stacks_per_package):
        raise ModelError(
            f"{where}.stacks_per_package",
            "stacks and memory pools go together",
            got=product.stacks_per_package,
            allowed="> 0 with memory, 0 without",
        )
    if product.packaging is not None:
        _known(f"{where}.packaging", product.packaging, model.packaging, "packaging line")
    bins = model.dies[product.die].bins
    for key in product.performance:
        _known(f"{where}.performance", key, bins, "bin of the die")
    for key in bins:
        if product.kind == "ai" and key not in product.performance:
            raise ModelError(f"{where}.performance.{key}", "is missing for a bin of an AI chip")


def _check_made(model: Model, where: str, die: str) -> None:
    made = {d for fab in model.fabs.values() for w in fab.allocation.values() for d in w}
    made |= {bank.die for bank in model.die_banks.values()}
    if die not in made:
        process = model.dies[die].process
        runs = any(process in fab.plan for fab in model.fabs.values())
        problem = (
            "which no fab allocates wafers to"
            if runs
            else f"on process '{process}', which no fab runs"
        )
        raise ModelError(f"{where}.die", f"needs die '{die}', {problem}")


def _check_banks(model: Model) -> None:
    for name, bank in model.die_banks.items():
        _known(f"die_banks.{name}.die", bank.die, model.dies, "die")
        _known(f"die_banks.{name}.bin", bank.bin, model.dies[bank.die].bins, "bin of the die")


def _check_events(model: Model) -> None:
    for name, event in model.events.items():
        for fab in event.fabs:
            _known(f"events.{name}.fabs", fab, model.fabs, "fab")
        for group in getattr(event, "groups", ()):
            _known(f"events.{name}.groups", group, model.tool_groups, "tool group")
        end = getattr(event, "end", None)
        if end is not None and quarter_index(end) < quarter_index(event.start):
            raise ModelError(
                f"events.{name}.end",
                "must not be before start",
                got=end,
                allowed=f"{event.start} or later",
            )


def _check_correlations(model: Model, found: list[Parameter]) -> None:
    uncertain = {p.path for p in found if p.uncertain}
    for name, correlation in model.correlations.items():
        where = f"correlations.{name}.between"
        for path in correlation.between:
            if path not in uncertain:
                raise ModelError(
                    where,
                    "is not an uncertain parameter",
                    got=path,
                    allowed="a path of yieldsim show with a distribution",
                )
        if correlation.between[0] == correlation.between[1]:
            raise ModelError(where, "names the same parameter twice", got=correlation.between[0])
