"""A floorplan as arrays of single blocks, for the kernels that place defects one by one."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from yieldsim.wafer.compile.floorplan import CompiledFloorplan, Holder, Path
from yieldsim.wafer.kernels.points import GUIDE_CELLS, KILL, BlockLayout
from yieldsim.wafer.kernels.points_flat import BORDER, FLAT_CELLS, FLAT_CORES
from yieldsim.wafer.model.die import Block, Group
from yieldsim.wafer.model.wafer_model import WaferModel

__all__ = ["Strip", "make_layout", "strips"]

_WHOLE = 2.0**32


@dataclass(frozen=True)
class Strip:
    """One area of the die, which defects and reticle defects can hit."""

    path: Path
    area: int
    copy: int
    node: int
    memory: int
    kind: int
    share: float


def _nodes(die: Holder) -> Iterator[tuple[Holder, Path, int]]:
    """Yield every holder once per copy, with its path and its parent's number; the die is 0."""
    waiting: list[tuple[Holder, Path, int]] = [(die, (), -1)]
    number = 0
    while waiting:
        holder, path, parent = waiting.pop(0)
        yield holder, path, parent
        for place, (part, count) in enumerate(holder.held):
            waiting += [(part, (*path, (place, copy)), number) for copy in range(count)]
        number += 1


def strips(floorplan: CompiledFloorplan) -> list[Strip]:
    """Return the die's areas from the bottom of its height up, each with its share of the die."""
    placed: list[Strip] = []
    memory = 0
    for node, (holder, path, _) in enumerate(_nodes(floorplan.die)):
        for number, area in enumerate(holder.areas):
            share = area.area_cm2 / floorplan.die_cm2
            for copy in range(area.count):
                which = memory if area.spares is not None else -1
                placed.append(Strip(path, number, copy, node, which, area.kind, share))
                memory += area.spares is not None
    return placed


def make_layout(model: WaferModel, floorplan: CompiledFloorplan) -> BlockLayout:
    """Return the arrays of `wafer.kernels.points.BlockLayout`."""
    nodes = list(_nodes(floorplan.die))
    placed = strips(floorplan)
    ends = np.cumsum([strip.share for strip in placed])
    edge = np.round(ends * _WHOLE).astype(np.uint64) if placed else np.zeros(0, np.uint64)
    filled = bool(placed) and ends[-1] > 1.0 - 1e-12
    if filled:
        edge[-1] = np.uint64(1 << 32)
    end = np.append(edge, np.uint64(1 << 32))  # nothing lies above the last strip
    starts = np.arange(GUIDE_CELLS, dtype=np.uint64) * np.uint64(_WHOLE / GUIDE_CELLS)
    areas = [area for holder, _, _ in nodes for area in holder.areas for _ in range(area.count)]
    memories = [
        (strip.node, area.spares)
        for strip, area in zip(placed, areas, strict=True)
        if area.spares is not None
    ]
    layers = list(model.process.layers.values())
    kill = _kill(model, floorplan)
    flat = not memories and kill.size == 0 and all(h.is_core or not h.name for h, _, _ in nodes)
    shares = [layer.share for layer in layers] or ([1.0] if kill.size else [])
    x0 = [layer.x0_um for layer in layers] or ([1.0] if kill.size else [])
    return BlockLayout(
        area_cm2=floorplan.die_cm2,
        strip_end=end,
        strip_guide=np.searchsorted(end, starts, side="right").astype(np.int64),
        strip_node=np.array([*(s.node for s in placed), -1], np.int64),
        strip_memory=np.array([*(s.memory for s in placed), -1], np.int64),
        strip_kind=np.array([*(s.kind for s in placed), 0], np.int64),
        parent=np.array([parent for _, _, parent in nodes], np.int64),
        min_good=np.array([holder.min_good for holder, _, _ in nodes], np.int64),
        is_core=np.array([holder.is_core for holder, _, _ in nodes], np.int64),
        memory_node=np.array([node for node, _ in memories], np.int64),
        spares=np.array([spares for _, spares in memories], np.int64),
        class_of=floorplan.class_of,
        class_by_lost=np.append(floorplan.classes - 1, floorplan.class_of[0, ::-1]),
        cores=floorplan.die.cores(),
        flat=flat,
        cell_node=_cell_nodes(end, placed, floorplan.die.cores())
        if flat
        else np.zeros(0, np.uint8),
        layer_end=np.cumsum(shares) / max(math.fsum(shares), 1e-300),
        layer_x0_um=np.array(x0, np.float64),
        kill=kill,
    )


def _cell_nodes(end: NDArray[np.uint64], placed: list[Strip], cores: int) -> NDArray[np.uint8]:
    """Return what lies in each cell of a place: a node, nothing (the last bit), or a border."""
    if cores > FLAT_CORES:
        return np.zeros(0, np.uint8)
    node = np.array([*(strip.node for strip in placed), FLAT_CORES + 1])
    starts = np.arange(FLAT_CELLS, dtype=np.uint64) << np.uint64(20)
    first = np.searchsorted(end, starts, side="right")
    last = np.searchsorted(end, starts + np.uint64((1 << 20) - 1), side="right")
    return np.where(first == last, node[first], BORDER).astype(np.uint8)


def _kill(model: WaferModel, floorplan: CompiledFloorplan) -> NDArray[np.void]:
    """Return the records KILL [kind, layer]; empty where every defect kills."""
    layers = list(model.process.layers) or [""]
    rows = [[_kill_ratio(part, name) for name in layers] for part in floorplan.kinds]
    if all(ratio == 1.0 for part in rows for ratio, _, _ in part):
        return np.zeros((0, 0), KILL)
    return np.array(rows, KILL)


def _kill_ratio(part: Block | Group | None, layer: str) -> tuple[float, float, float]:
    """Return (ratio, spacing, width) of a part in a layer group."""
    if part is not None and part.spacing_um is not None and part.width_um is not None:
        return -1.0, part.spacing_um, part.width_um
    kill = None if part is None else part.kill
    if isinstance(kill, Mapping):
        kill = kill.get(layer, 1.0)
    return (1.0 if kill is None else kill), 0.0, 0.0
