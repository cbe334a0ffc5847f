"""The passes of a wafer, one after another: from the layers and visits of a process to a route."""

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
    """One step of a route: ``place`` on the route from 0 to 1, the ``share`` of lots that do it,
    and how often it is done again (``rework``, a mean)."""

    group: str
    place: float
    share: float
    rework: float


def passes_of(model: Model, median: _Median, name: str) -> tuple[Pass, ...]:
    """The passes of a process in the order of its route.

    Passes that are spread over the route, or over a layer, stand at even distances in it. A number
    with a fraction is the next whole number of passes, of which each lot does a share.

    ``median(path)``: the value of a parameter, 1 where the model does not give it.
    """
    process = model.processes[name]
    path = f"processes.{name}"
    rework = median(f"{path}.rework") if process.rework is not None else 0.0
    found = []
    for group, start, end, passes in _stretches(model, median, path, process):
        sampling = median(f"{path}.sampling.{group}")
        steps = math.ceil(passes - 1e-9)
        for k in range(steps):
            place = start + (k + 0.5) / steps * (end - start)
            found.append(Pass(group, place, passes / steps * sampling, rework))
    return tuple(sorted(found, key=lambda one: one.place))


def _stretches(
    model: Model, median: _Median, path: str, process: Process
) -> Iterator[tuple[str, float, float, float]]:
    """(group, start, end, passes): passes that lie evenly between two places of the route."""
    for group in process.visits:
        yield group, 0.0, 1.0, median(f"{path}.visits.{group}")
    flow = sorted(process.layers.items(), key=lambda item: item[1].order)
    places = [f"{path}.layers.{key}" for key, _ in flow]
    own = [_layer(model, median, *one) for one in zip(places, flow, strict=True)]
    widths = [
        sum(passes.values()) if layer.raw_share is None else layer.raw_share
        for (_, layer), passes in zip(flow, own, strict=True)
    ]
    total = math.fsum(widths)
    ends = [0.0]
    for width in widths:
        ends.append(ends[-1] + (width / total if total > 0.0 else 1.0 / len(widths)))
    for (start, end), passes in zip(pairwise(ends), own, strict=True):
        for group, count in passes.items():
            yield group, start, end, count


def _layer(model: Model, median: _Median, place: str, item: tuple[str, Layer]) -> dict[str, float]:
    """Passes of all the mask layers that are like one, by group."""
    layer = item[1]
    count = median(f"{place}.layers")
    passes = {group: count * median(f"{place}.visits.{group}") for group in layer.visits}
    if layer.patterning is not None and layer.exposure is not None:
        prefix = f"patterning.{layer.patterning}"
        passes[layer.exposure] = passes.get(layer.exposure, 0.0) + count * median(
            f"{prefix}.exposures"
        )
        for group in model.patterning[layer.patterning].visits:
            more = count * median(f"{prefix}.visits.{group}")
            passes[group] = passes.get(group, 0.0) + more
    return passes
