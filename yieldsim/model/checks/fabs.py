"""Cross-checks of fabs: their plans, the dies that get their wafers, and their tools."""

from __future__ import annotations

from collections.abc import Mapping

from yieldsim.errors import ModelError
from yieldsim.model.checks.names import known
from yieldsim.model.references import ai_designs, largest_multiple, visited_groups
from yieldsim.model.schema import Fab, Model
from yieldsim.model.schema.fabs import AI, OTHER, WaferShare


def check_fabs(model: Model) -> None:
    """Raise ModelError for the first rule that fails."""
    for name, fab in model.fabs.items():
        _check_plan(model, f"fabs.{name}", fab)
        _check_allocation(model, f"fabs.{name}.allocation", fab)
        _check_learning(model, f"fabs.{name}.learning", name, fab)
        _check_fleets(model, f"fabs.{name}.fleets", fab)


def _check_plan(model: Model, where: str, fab: Fab) -> None:
    if not fab.plan:
        raise ModelError(f"{where}.plan", "needs at least one process, got none")
    for process in fab.plan:
        known(f"{where}.plan", process, model.processes, "process")
        if not fab.allocation.get(process):
            raise ModelError(f"{where}.allocation.{process}", "is missing: no die gets wafers")


def _check_allocation(model: Model, where: str, fab: Fab) -> None:
    for process, weights in fab.allocation.items():
        place = f"{where}.{process}"
        known(place, process, fab.plan, "process in the fab's plan")
        for die in weights:
            known(place, die, [*model.dies, OTHER], "die")
            if die != OTHER and process not in model.dies[die].process:
                problem, allowed = "has another process", ", ".join(model.dies[die].process)
                raise ModelError(f"{place}.{die}", problem, got=process, allowed=allowed)
        if not any(weight.extremes()[1] > 0.0 for weight in weights.values()):
            problem = "gives no die any wafers, got weights of zero"
            raise ModelError(place, problem, allowed="a weight > 0")
        _check_shares(model, place, weights)


def _check_shares(model: Model, place: str, weights: Mapping[str, WaferShare]) -> None:
    """A share of the AI wafers is of an AI design, and leaves wafers to another one."""
    designs = ai_designs(model)
    shares = {die: own for die, own in weights.items() if own.share_of == AI}
    for die in shares:
        if die not in designs:
            problem, got = "has a share of the AI wafers, but no AI product uses it", "share_of"
            allowed = ", ".join(sorted(designs)) or "none: the model has no AI product"
            raise ModelError(f"{place}.{die}", problem, got=got, allowed=allowed)
    if not shares:
        return
    if not any(die in designs and die not in shares for die in weights):
        problem = "divides all AI wafers by shares, got no AI design with a weight"
        raise ModelError(place, problem, allowed="an AI design without share_of")
    most = sum(_highest(model, own) for own in shares.values())
    if most >= 1.0:
        got = f"shares of the AI wafers that add up to {100.0 * most:g} %"
        raise ModelError(place, f"leaves nothing to other AI designs, got {got}", allowed="< 100 %")


def _highest(model: Model, share: WaferShare) -> float:
    """The largest value that a series can have."""
    return share.extremes()[1] * share.factor * largest_multiple(model, share)


def _check_learning(model: Model, where: str, name: str, fab: Fab) -> None:
    """A line copies one that stands before it in the model, so that no line copies itself."""
    for process, own in fab.learning.items():
        place = f"{where}.{process}"
        known(place, process, fab.plan, "process in the fab's plan")
        if model.processes[process].learning is None:
            problem = f"has no law to follow: processes.{process} has no learning"
            raise ModelError(place, problem)
        if own.copied_from is None:
            if "transferred_share" in own.model_fields_set:
                problem = "needs the line that it is copied from, got no copied_from"
                raise ModelError(f"{place}.transferred_share", problem)
            continue
        before = list(model.fabs)[: list(model.fabs).index(name)]
        lines = [line for line in before if process in model.fabs[line].plan]
        known(f"{place}.copied_from", own.copied_from, lines, "earlier line of the process")


def _check_fleets(model: Model, where: str, fab: Fab) -> None:
    for group, classes in fab.fleets.items():
        known(f"{where}.{group}", group, model.tool_groups, "tool group")
        for tool_class in classes:
            known(f"{where}.{group}", tool_class, ("imported", "domestic"), "tool class")
            if getattr(model.tool_groups[group], tool_class) is None:
                problem = f"tool_groups.{group} does not describe {tool_class} tools"
                raise ModelError(f"{where}.{group}.{tool_class}", problem)
    if not fab.fleets:
        return  # a fab without fleets is limited by its plan alone
    for process in fab.plan:
        for group in visited_groups(model, model.processes[process]):
            _check_equipped(where, process, group, fab)


def _check_equipped(where: str, process: str, group: str, fab: Fab) -> None:
    if not fab.fleets.get(group):
        problem = f"no tools of a group that {process} visits"
        allowed = f"a fleet of {group}, or no fleets at all"
        raise ModelError(where, problem, got=group, allowed=allowed)
    counts = [fleet.count.extremes()[1] for fleet in fab.fleets[group].values()]
    if max(counts) <= 0.0:
        problem = f"has no tools in any quarter, but {process} visits it, got counts of zero"
        allowed = "a count > 0 in some quarter"
        raise ModelError(f"{where}.{group}", problem, allowed=allowed)
