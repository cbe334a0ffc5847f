"""Cross-checks of mask layers, patterning and sampled passes."""

from __future__ import annotations

from yieldsim.errors import ModelError
from yieldsim.model.checks.names import known
from yieldsim.model.references import visited_groups
from yieldsim.model.schema import Layer, Model, Process


def check_layers(model: Model) -> None:
    """Raise ModelError for the first rule of passes, layers, patterning or sampling that fails."""
    for name, patterning in model.patterning.items():
        for group in patterning.visits:
            known(f"patterning.{name}.visits", group, model.tool_groups, "tool group")
    for name, process in model.processes.items():
        for group in process.visits:
            known(f"processes.{name}.visits", group, model.tool_groups, "tool group")
        for key, layer in process.layers.items():
            _check_layer(model, f"processes.{name}.layers.{key}", layer)
        _check_raw_shares(f"processes.{name}.layers", process)
        visited = visited_groups(model, process)
        for group in process.sampling:
            what = "tool group that the process visits"
            known(f"processes.{name}.sampling", group, visited, what)


def _check_layer(model: Model, where: str, layer: Layer) -> None:
    if layer.patterning is not None:
        known(f"{where}.patterning", layer.patterning, model.patterning, "patterning")
        if layer.exposure is None:
            problem = f"is missing: patterning '{layer.patterning}' needs a tool group"
            raise ModelError(f"{where}.exposure", problem)
    if layer.exposure is not None:
        known(f"{where}.exposure", layer.exposure, model.tool_groups, "tool group")
        if layer.patterning is None:
            problem, allowed = "is given without patterning", "both or none"
            raise ModelError(f"{where}.exposure", problem, got=layer.exposure, allowed=allowed)
    for group in layer.visits:
        known(f"{where}.visits", group, model.tool_groups, "tool group")


def _check_raw_shares(where: str, process: Process) -> None:
    """All layers of a process state their raw process time, or none does."""
    given = {
        key: layer.raw_share for key, layer in process.layers.items() if layer.raw_share is not None
    }
    if not given:
        return
    for key in process.layers:
        if key not in given:
            problem = f"is missing, but {next(iter(given))} has one"
            raise ModelError(f"{where}.{key}.raw_share", problem, allowed="all layers or none")
    for key, share in given.items():
        if share < 0.0:
            problem = f"out of range, got {share:g}"
            raise ModelError(f"{where}.{key}.raw_share", problem, allowed=">= 0")
    if sum(given.values()) <= 0.0:
        problem = "every raw_share is zero, got a sum of 0"
        raise ModelError(where, problem, allowed="at least one > 0")
