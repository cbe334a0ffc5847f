"""Cross-checks of mask layers, patterning and sampled passes, and which tool groups they visit."""

from __future__ import annotations

from yieldsim.errors import ModelError
from yieldsim.model.checks.names import known
from yieldsim.model.schema import Model
from yieldsim.model.schema.fabs import Process
from yieldsim.model.schema.layers import Layer

__all__ = ["check_layers", "visited_groups"]


def visited_groups(process: Process, model: Model) -> tuple[str, ...]:
    """Every tool group that a process visits, in the order of the model's tool groups.

    Passes may be the process's own, those of its layers, and those of how these are patterned.
    """
    visited = set(process.visits)
    for layer in process.layers.values():
        visited.update(layer.visits)
        if layer.exposure is not None:
            visited.add(layer.exposure)
        if layer.patterning in model.patterning:
            visited.update(model.patterning[layer.patterning].visits)
    return tuple(group for group in model.tool_groups if group in visited)


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
        visited = visited_groups(process, model)
        for group in process.sampling:
            known(
                f"processes.{name}.sampling", group, visited, "tool group that the process visits"
            )


def _check_layer(model: Model, where: str, layer: Layer) -> None:
    if layer.patterning is not None:
        known(f"{where}.patterning", layer.patterning, model.patterning, "patterning")
        if layer.exposure is None:
            problem = f"is missing: patterning '{layer.patterning}' needs a tool group"
            raise ModelError(f"{where}.exposure", problem)
    if layer.exposure is not None:
        known(f"{where}.exposure", layer.exposure, model.tool_groups, "tool group")
        if layer.patterning is None:
            problem = "has no patterning that would expose it"
            allowed = "with patterning"
            raise ModelError(f"{where}.exposure", problem, got=layer.exposure, allowed=allowed)
    for group in layer.visits:
        known(f"{where}.visits", group, model.tool_groups, "tool group")


def _check_raw_shares(where: str, process: Process) -> None:
    """The widths of layers on the route: by their raw process time for all, or for none."""
    given = {k: one.raw_share for k, one in process.layers.items() if one.raw_share is not None}
    if not given:
        return
    for key in process.layers:
        if key not in given:
            problem = f"is missing where {next(iter(given))} has one"
            raise ModelError(f"{where}.{key}.raw_share", problem, allowed="all layers or none")
    for key, share in given.items():
        if share < 0.0:
            problem = f"is out of range, got {share:g}"
            raise ModelError(f"{where}.{key}.raw_share", problem, allowed=">= 0")
    if sum(given.values()) <= 0.0:
        problem = "each has a raw_share of zero, got a sum of 0"
        raise ModelError(where, problem, allowed="> 0 for one at least")
