"""Passes of a wafer by segment of its route: those of layers and patterning, and those spread.

A route is cut into segments of equal raw process time. Layers fill the route in their order, and
the passes of a layer fall into its segments. The position of a layer is the same in all
realizations; the number of its passes is drawn.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from yieldsim.model import Model
from yieldsim.model.schema import Layer, Process
from yieldsim.supply.compile.columns import Columns
from yieldsim.units import DAYS_PER_QUARTER

_PARTS_PER_SEGMENT = 2.0
WAITS = ("transport_ratio", "batch_ratio", "hold_ratio")  # of a process, over raw process time
# a term of the passes: shares of the segments, tool group, paths of its two factors
Term = tuple[np.ndarray, str, str, str]


@dataclass(frozen=True)
class Visits:
    """The positions of the passes of each process, and the rows of a draw that they multiply."""

    place: np.ndarray  # visit: its flat index in P S G; a visit is to a group within a segment
    share: csr_array  # (visit, term): share of a term's passes that fall into a segment
    whole: csr_array  # (P G, visit): 1 where a visit is of a process to a group
    passes: np.ndarray  # term: row of the passes per layer, or per wafer where they are spread
    layers: np.ndarray  # term: row of the number of layers, or of the constant 1
    sampling: np.ndarray  # P G: row of the share of wafers that make the passes
    rework: np.ndarray  # P: row of the share of passes that are repeated
    segments: list[int]  # P: segments of each process, at most S
    shape: tuple[int, int, int]  # P S G

    @property
    def group(self) -> np.ndarray:
        """The tool group of each visit."""
        return self.place % self.shape[2]

    @property
    def first(self) -> np.ndarray:
        """The first visit of each segment of a process, then the end, as (P, S + 1)."""
        processes, segments, groups = self.shape
        edges = groups * (
            segments * np.arange(processes)[:, None] + np.arange(segments + 1)[None, :]
        )
        return np.searchsorted(self.place, edges)

    def values(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the passes per wafer in all (P, G, count) and by visit (visit, count).

        ``x`` holds the rows of a draw and the constants (rows, count). The passes are

        v[p,s,g] = (visits[g] / S + sum over layers of overlap[l,s] * layers_l * passes_l[g])
        * sampling[g] * (1 + rework).

        Each realization is summed in a fixed order, so its bits do not depend on the others.
        """
        processes, segments, groups = self.shape
        often = x[self.sampling] * (1.0 + x[self.rework])[:, None, :]
        route, group = self.place // (segments * groups), self.group
        visit = (self.share @ (x[self.passes] * x[self.layers])) * often[route, group]
        return (self.whole @ visit).reshape(processes, groups, x.shape[1]), visit


def visits_of(model: Model, columns: Columns) -> Visits:
    """Return the passes of a checked model, from the columns of its parameters."""
    groups, cuts = list(model.tool_groups), segments_of(model, columns)
    shape = (len(model.processes), model.simulation.segments, len(groups))
    where = np.arange(math.prod(shape)).reshape(shape)
    rows, shares, factors = [], [], []
    medians = columns.sampler.medians() if _has_layers(model) else {}
    for p, (name, process) in enumerate(model.processes.items()):
        for share, group, *paths in _terms(model, medians, name, process, cuts[p]):
            inside = np.flatnonzero(share)
            rows.append(where[p, inside, groups.index(group)])
            shares.append(share[inside])
            factors.append([_row(columns, path) for path in paths])
    terms = np.repeat(np.arange(len(rows)), [len(visited) for visited in rows])
    place, visit = np.unique(np.concatenate([*rows, []]).astype(int), return_inverse=True)
    entries = (np.concatenate([*shares, []]), (visit, terms))
    passes, layers = np.array(factors, np.int64).reshape(len(rows), 2).T
    sampling = [
        [_row(columns, f"processes.{name}.sampling.{group}") for group in groups]
        for name in model.processes
    ]
    return Visits(
        place=place,
        share=csr_array(entries, shape=(place.size, len(rows))),
        whole=_whole(place, shape),
        passes=passes,
        layers=layers,
        sampling=np.array(sampling, np.int64).reshape(shape[0], shape[2]),
        rework=np.array(
            [columns.of(f"processes.{n}", p, "rework") for n, p in model.processes.items()],
            np.int64,
        ),
        segments=cuts,
        shape=shape,
    )


def _whole(place: np.ndarray, shape: tuple[int, int, int]) -> csr_array:
    processes, segments, groups = shape
    route, group = place // (segments * groups), place % groups
    entries = (np.ones(place.size), (route * groups + group, np.arange(place.size)))
    return csr_array(entries, shape=(processes * groups, place.size))


def segments_of(model: Model, columns: Columns) -> list[int]:
    """Return the number of segments of each process, at most as many as the model asks for.

    A segment takes at least two parts of a step, by the medians of the time without waits for
    tools. Wafers move on once per part of a step, so shorter segments would delay them. The
    processes of a fab with tools have the same number, that of the shortest, because segments
    equally far from the ends of their routes share tools: with other numbers, the process of fewer
    segments would be served first. Routes without length come out before all others and count for
    nothing here.
    """
    simulation, medians = model.simulation, columns.sampler.medians()
    parts_per_day = simulation.steps_per_quarter * simulation.flow_steps / DAYS_PER_QUARTER
    counts = {}
    for name in model.processes:
        parts = unqueued_median_days(medians, name) * parts_per_day
        most = min(simulation.segments, int(parts / _PARTS_PER_SEGMENT + 1e-9))
        counts[name] = max(1, most)
    long = {name for name in counts if unqueued_median_days(medians, name) > 0.0}
    together = [long & set(fab.plan) for fab in model.fabs.values() if fab.fleets]
    for _ in together:  # a process in two fabs ties their processes together
        for names in together:
            least = min((counts[name] for name in names), default=1)
            counts |= dict.fromkeys(names, least)
    return [counts[name] for name in model.processes]


def unqueued_median_days(medians: Mapping[str, float], process: str) -> float:
    """Return the time in a line in which wafers never wait for tools, at the medians."""
    path = f"processes.{process}"
    waits = math.fsum(medians.get(f"{path}.{name}", 0.0) for name in WAITS)
    return medians.get(f"{path}.raw_process_days", 0.0) * (1.0 + waits)


def overlaps(widths: np.ndarray, segments: int) -> np.ndarray:
    """Return the share of each layer in each of the equal segments of a route, (layer, segment).

    Layers of the given ``widths`` (any unit, >= 0) fill the route in their order. They are equally
    wide where all widths are zero. A layer without width falls into the segment of its position,
    at the end of the route into the last. Rows sum to 1.
    """
    widths = np.asarray(widths, float)
    if widths.sum() <= 0.0:
        widths = np.ones_like(widths)
    ends = np.cumsum(widths) / np.cumsum(widths)[-1]
    starts = np.concatenate([[0.0], ends[:-1]])
    edges = np.arange(segments + 1) / segments
    before = edges[None, :] - starts[:, None]
    width = (ends - starts)[:, None]
    # share of the layer that lies before an edge
    with np.errstate(divide="ignore", invalid="ignore"):
        part = np.where(width > 0.0, np.clip(before / width, 0.0, 1.0), before > 0.0)
    part[:, 0], part[:, -1] = 0.0, 1.0
    return np.diff(part, axis=1)


def _has_layers(model: Model) -> bool:
    return any(process.layers for process in model.processes.values())


def _row(columns: Columns, path: str) -> int:
    """Return the row of a parameter, or that of the constant 1 where the model has no such one."""
    row = columns.sampler.column.get(path)
    return columns.constant(1.0) if row is None else row


def _terms(
    model: Model, medians: dict[str, float], name: str, process: Process, segments: int
) -> Iterator[Term]:
    """Yield the terms of a process's passes: those spread evenly, then those of its layers."""
    for group in process.visits:
        path = f"processes.{name}.visits.{group}"
        yield np.full(segments, 1.0 / segments), group, path, ""
    if not process.layers:
        return
    flow = sorted(process.layers.items(), key=lambda item: item[1].order)
    paths = [f"processes.{name}.layers.{key}" for key, _ in flow]
    layers = [layer for _, layer in flow]
    widths = [
        _width(model, medians, path, layer) for path, layer in zip(paths, layers, strict=True)
    ]
    shares = overlaps(np.array(widths), segments)
    for path, layer, share in zip(paths, layers, shares, strict=True):
        for group, place in _passes(model, path, layer):
            yield share, group, place, f"{path}.layers"


def _width(model: Model, medians: dict[str, float], path: str, layer: Layer) -> float:
    """Return the width of a layer: its share of raw process time, or its passes at the medians."""
    if layer.raw_share is not None:
        return layer.raw_share
    passes = math.fsum(medians[place] for _, place in _passes(model, path, layer))
    return medians.get(f"{path}.layers", 1.0) * passes


def _passes(model: Model, path: str, layer: Layer) -> Iterator[tuple[str, str]]:
    """Yield the tool group and the path of all passes of a layer."""
    for group in layer.visits:
        yield group, f"{path}.visits.{group}"
    if layer.patterning is None:
        return
    assert layer.exposure is not None  # proven by check_layers
    prefix = f"patterning.{layer.patterning}"
    yield layer.exposure, f"{prefix}.exposures"
    for group in model.patterning[layer.patterning].visits:
        yield group, f"{prefix}.visits.{group}"
