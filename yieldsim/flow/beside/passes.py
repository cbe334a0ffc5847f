"""The passes of a wafer in order: from the layers and visits of a process to a route."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from yieldsim.model import Model
from yieldsim.model.schema import Layer, Process

__all__ = ["Pass", "passes_of"]

_Median = Callable[[str], float]


@dataclass(frozen=True)
class Pass:
    """One step of a route.

    ``position`` on the route lies between 0 and 1, ``share`` of the lots do the step, and
    ``rework`` is the mean number of repeats.
    """

    group: str
    position: float
    share: float
    rework: float


def passes_of(model: Model, median: _Median, name: str) -> tuple[Pass, ...]:
    """The passes of a process in the order of its route.

    Passes spread over the route or over a layer are evenly spaced in it. A fractional number of
    passes is rounded up, and each lot does a share of them. ``median(path)`` is the value of a
    parameter, 1 where the model does not give it.
    """
    process = model.processes[name]
    path = f"processes.{name}"
    rework = median(f"{path}.rework") if process.rework is not None else 0.0
    route = []
    for group, start, end, count in _stretches(model, median, path, process):
        sampling = median(f"{path}.sampling.{group}")
        steps = math.ceil(count - 1e-9)
        for k in range(steps):
            position = start + (k + 0.5) / steps * (end - start)
            route.append(Pass(group, position, count / steps * sampling, rework))
    return tuple(sorted(route, key=lambda step: step.position))


def _stretches(
    model: Model, median: _Median, path: str, process: Process
) -> Iterator[tuple[str, float, float, float]]:
    """(group, start, end, passes): passes evenly spaced between two positions of the route."""
    for group in process.visits:
        yield group, 0.0, 1.0, median(f"{path}.visits.{group}")
    layers = sorted(process.layers.items(), key=lambda item: item[1].order)
    passes_by_layer = [
        _layer_passes(model, median, f"{path}.layers.{key}", layer) for key, layer in layers
    ]
    widths = [
        sum(passes.values()) if layer.raw_share is None else layer.raw_share
        for (_, layer), passes in zip(layers, passes_by_layer, strict=True)
    ]
    total = math.fsum(widths)
    ends = [0.0]
    for width in widths:
        ends.append(ends[-1] + (width / total if total > 0.0 else 1.0 / len(widths)))
    for (start, end), passes in zip(pairwise(ends), passes_by_layer, strict=True):
        for group, count in passes.items():
            yield group, start, end, count


def _layer_passes(model: Model, median: _Median, path: str, layer: Layer) -> dict[str, float]:
    """Passes by group of all the mask layers that a layer of the model stands for."""
    count = median(f"{path}.layers")
    passes = {group: count * median(f"{path}.visits.{group}") for group in layer.visits}
    if layer.patterning is not None and layer.exposure is not None:
        prefix = f"patterning.{layer.patterning}"
        exposures = count * median(f"{prefix}.exposures")
        passes[layer.exposure] = passes.get(layer.exposure, 0.0) + exposures
        for group in model.patterning[layer.patterning].visits:
            more = count * median(f"{prefix}.visits.{group}")
            passes[group] = passes.get(group, 0.0) + more
    return passes
