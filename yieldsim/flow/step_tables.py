"""The steps of all parts as one array of the event kernels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yieldsim.flow.dataset import DataSet, Part, Step, ToolGroup
from yieldsim.flow.kernels import records as k
from yieldsim.flow.smt2020.tsv import Spread

__all__ = ["put", "step_minutes", "step_tables"]

_LAWS = {"constant": k.CONSTANT, "uniform": k.UNIFORM, "exponential": k.EXPONENTIAL}


def put(record: Any, spread: Spread) -> None:
    """Write a law into a SPREAD record."""
    record["mean"], record["half"], record["law"] = spread.mean, spread.half, _LAWS[spread.law]


def step_tables(
    data: DataSet, setups: Mapping[str, int]
) -> tuple[NDArray[Any], dict[tuple[str, int], int], int]:
    """All steps of all parts in one array; where each begins; how many kinds of batches."""
    starts: dict[tuple[str, int], int] = {}
    batches: dict[tuple[str, ...], int] = {}
    total = sum(len(part.steps) for part in data.parts.values())
    out = np.zeros(total, k.STEP)
    first = 0
    for part in data.parts.values():
        records = out[first : first + len(part.steps)]
        for place, step in enumerate(part.steps):
            starts[part.name, place] = first + place
            key = _batch_key(data, part, step)
            batch = batches.setdefault(key, len(batches)) if step.batch_pieces else 0
            _fill_step(records[place], step, first, place, batch, data, setups)
        if len(records) > 0:
            records[-1]["following"] = -1
        _fill_slots(records, part)
        _fill_remaining(records, part, data)
        first += len(part.steps)
    return out, starts, max(len(batches), 1)


def _batch_key(data: DataSet, part: Part, step: Step) -> tuple[str, ...]:
    if data.groups[step.group].batch_by == "route step":
        return (step.group, part.route, step.name)
    return (step.group, part.family, step.name)


def _fill_step(
    record: Any,
    step: Step,
    first: int,
    place: int,
    batch: int,
    data: DataSet,
    setups: Mapping[str, int],
) -> None:
    put(record["time"], step.time)
    record["by_piece"], record["interval"] = step.by_piece, step.interval_min
    record["group"] = list(data.groups).index(step.group)
    record["following"] = first + place + 1
    record["sampled"] = step.sampled
    record["batch"] = batch
    record["least"], record["most"] = step.batch_pieces or (0, 0)
    if step.rework is not None:
        record["reworked"], back_to = step.rework
        record["rework_to"] = first + back_to
    put(record["setup_time"], Spread(-1.0))
    if step.setup is not None:
        record["setup"] = setups[step.setup.name]
        record["setup_always"] = step.setup.always
        if step.setup.time is not None:
            put(record["setup_time"], step.setup.time)


def _fill_slots(records: NDArray[Any], part: Part) -> None:
    """Number the lenses and the queue-time limits of a part; a step that ends them names them."""
    for name in ("lens_set", "lens_need", "limit_set"):
        records[name] = -1
    lenses: dict[int, int] = {}
    limits: list[tuple[int, int, float]] = []
    for place, step in enumerate(part.steps):
        if step.lens_for is not None:
            slot = lenses.setdefault(step.lens_for, len(lenses))
            records[place]["lens_set"] = slot
            records[step.lens_for]["lens_need"] = slot
        if step.limit is not None:
            limits.append((step.limit[0], place, step.limit[1]))
    for slot, (end, place, minutes) in enumerate(sorted(limits)):
        records[place]["limit_set"], records[place]["limit"] = slot, minutes
        if records[end]["limit_checks"] == 0:
            records[end]["limit_check"] = slot
        records[end]["limit_checks"] += 1


def step_minutes(step: Step, group: ToolGroup, pieces: int) -> float:
    """Mean minutes of one lot alone in a tool of speed 1, from loading to unloading, no setup."""
    units = pieces if step.by_piece else 1
    work = step.time.mean * units
    if step.interval_min > 0.0:
        work = step.time.mean + (units - 1) * step.interval_min
    return group.load_min + work + group.unload_min


def _fill_remaining(records: NDArray[Any], part: Part, data: DataSet) -> None:
    pieces = max((order.pieces for order in data.orders if order.part == part.name), default=1)
    left = 0.0
    for place in range(len(part.steps) - 1, -1, -1):
        step = part.steps[place]
        left += step.sampled * step_minutes(step, data.groups[step.group], pieces)
        records[place]["remaining"] = left
