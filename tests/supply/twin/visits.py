"""Passes of a wafer in the readable twin: from mask layers, their patterning, and plain visits.

A route is cut into segments of equal raw process time. Layers lie on it one after another; the
other visits of a process are spread evenly.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from tests.supply.twin.world import World

Passes = dict[str, float]  # by tool group


def passes_by_segment(world: World, process: str, segments: int) -> list[Passes]:
    """Passes of one wafer through each group in each segment, rework and sampling included."""
    entity, path = world.model.processes[process], f"processes.{process}"
    passes: list[Passes] = [defaultdict(float) for _ in range(segments)]
    for group in entity.visits:
        for segment in passes:
            segment[group] += world.values[f"{path}.visits.{group}"] / segments
    for layer, (begin, end) in places_of_layers(world, process).items():
        for group, number in layer_passes(world, world.values, process, layer).items():
            for s, segment in enumerate(passes):
                segment[group] += share_within(begin, end, s, segments) * number
    again = 1.0 + world.number(path, entity, "rework")
    return [
        {
            group: number * world.values.get(f"{path}.sampling.{group}", 1.0) * again
            for group, number in segment.items()
        }
        for segment in passes
    ]


def passes_of(by_segment: list[Passes]) -> Passes:
    """Passes of a wafer through each group on its whole route."""
    total: Passes = defaultdict(float)
    for segment in by_segment:
        for group, number in segment.items():
            total[group] += number
    return total


def layer_passes(world: World, values: Mapping[str, float], process: str, name: str) -> Passes:
    """Passes of one wafer for all mask layers of a kind, before sampling and rework."""
    layer = world.model.processes[process].layers[name]
    path = f"processes.{process}.layers.{name}"
    passes: Passes = defaultdict(float)
    if layer.patterning is not None:
        way = f"patterning.{layer.patterning}"
        if layer.exposure is not None:
            passes[layer.exposure] += values[f"{way}.exposures"]
        for group in world.model.patterning[layer.patterning].visits:
            passes[group] += values[f"{way}.visits.{group}"]
    for group in layer.visits:
        passes[group] += values[f"{path}.visits.{group}"]
    alike = values.get(f"{path}.layers", 1.0)
    return {group: number * alike for group, number in passes.items()}


def places_of_layers(world: World, process: str) -> dict[str, tuple[float, float]]:
    """Where each layer begins and ends on the route from 0 to 1: the same in all realizations.

    A layer is as wide as its share of the raw process time where the model gives these shares, else
    as its share of the passes at the medians of all parameters.
    """
    layers = world.model.processes[process].layers
    in_order = sorted(layers, key=lambda name: layers[name].order)  # ties stay as in the file
    if all(layer.raw_share is not None for layer in layers.values()):
        widths = {name: float(layers[name].raw_share or 0.0) for name in in_order}
    else:
        widths = {
            name: sum(layer_passes(world, world.medians, process, name).values())
            for name in in_order
        }
    if not any(widths.values()):  # all alike
        widths = dict.fromkeys(in_order, 1.0)
    places, total, before = {}, sum(widths.values()), 0.0
    for name in in_order:
        places[name] = (before / total, (before + widths[name]) / total)
        before += widths[name]
    return places


def share_within(begin: float, end: float, segment: int, segments: int) -> float:
    """Share of a layer from ``begin`` to ``end`` that lies in a segment; a point lies in one."""
    if end <= begin:
        return float(segment == segment_of(begin, segments))
    low, high = segment / segments, (segment + 1) / segments
    return max(0.0, min(end, high) - max(begin, low)) / (end - begin)


def segment_of(place: float, segments: int) -> int:
    """The segment that a place of the route belongs to; the end belongs to the last."""
    return sum(place >= s / segments for s in range(1, segments))
