"""The steps of all parts as one array of the event kernels."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from yieldsim.flow.dataset import DataSet, LineToolGroup, Part, Step
from yieldsim.flow.kernels.records import (
    CONSTANT,
    EXPONENTIAL,
    GAMMA,
    LOGNORMAL,
    NORMAL,
    STEP,
    TRIANGULAR,
    UNIFORM,
    Record,
    Records,
)
from yieldsim.flow.laws import Spread

__all__ = ["fill_spread", "step_minutes", "step_tables"]

_LAWS = {
    "constant": CONSTANT,
    "uniform": UNIFORM,
    "exponential": EXPONENTIAL,
    "normal": NORMAL,
    "lognormal": LOGNORMAL,
    "triangular": TRIANGULAR,
    "gamma": GAMMA,
}


def fill_spread(record: Record, spread: Spread) -> None:
    """Write a random time into a SPREAD record."""
    record["mean"], record["width"], record["mode"] = spread.mean, spread.width, spread.mode
    record["law"] = _LAWS[spread.law]


def step_tables(
    data: DataSet, setups: Mapping[str, int]
) -> tuple[Records, dict[tuple[str, int], int], int]:
    """The steps of all parts, the index of each (part, position), and the number of batch kinds."""
    starts: dict[tuple[str, int], int] = {}
    kinds: dict[tuple[str, ...], int] = {}
    total = sum(len(part.steps) for part in data.parts.values())
    out = np.zeros(total, STEP)
    first = 0
    for part in data.parts.values():
        rows = out[first : first + len(part.steps)]
        for position, step in enumerate(part.steps):
            starts[part.name, position] = first + position
            key = _batch_key(data, part, step)
            kind = kinds.setdefault(key, len(kinds)) if step.batch_pieces else 0
            rows[position]["following"] = first + position + 1
            rows[position]["batch_kind"] = kind
            _fill_step(rows[position], step, first, data, setups)
        if len(rows) > 0:
            rows[-1]["following"] = -1
        _fill_slots(rows, part)
        _fill_remaining(rows, part, data)
        first += len(part.steps)
    return out, starts, max(len(kinds), 1)


def _batch_key(data: DataSet, part: Part, step: Step) -> tuple[str, ...]:
    if data.groups[step.group].batch_by == "route step":
        return (step.group, part.route, step.name)
    return (step.group, part.family, step.name)


def _fill_step(
    record: Record, step: Step, first: int, data: DataSet, setups: Mapping[str, int]
) -> None:
    """Fill in the fields of one step; ``first`` is the index of its route's first step."""
    fill_spread(record["time"], step.time)
    record["by_piece"], record["cascade_interval"] = step.by_piece, step.interval_min
    record["group"] = list(data.groups).index(step.group)
    record["sampling"] = step.sampling
    record["batch_min"], record["batch_max"] = step.batch_pieces or (0, 0)
    if step.rework is not None:
        record["rework"], back_to = step.rework
        record["rework_to"] = first + back_to
    fill_spread(record["setup_time"], Spread(-1.0))
    if step.setup is not None:
        record["setup"] = setups[step.setup.name]
        record["setup_always"] = step.setup.always
        if step.setup.time is not None:
            fill_spread(record["setup_time"], step.setup.time)


def _fill_slots(rows: Records, part: Part) -> None:
    """Number the lenses and the queue-time limits of a part.

    The limits that end at one step get consecutive slots.
    """
    for name in ("lens_set", "lens_need", "limit_set"):
        rows[name] = -1
    lenses: dict[int, int] = {}
    limits: list[tuple[int, int, float]] = []
    for position, step in enumerate(part.steps):
        if step.lens_for is not None:
            slot = lenses.setdefault(step.lens_for, len(lenses))
            rows[position]["lens_set"] = slot
            rows[step.lens_for]["lens_need"] = slot
        if step.limit is not None:
            end, minutes = step.limit
            limits.append((end, position, minutes))
    for slot, (end, position, minutes) in enumerate(sorted(limits)):
        rows[position]["limit_set"], rows[position]["limit"] = slot, minutes
        if rows[end]["limits"] == 0:
            rows[end]["first_limit"] = slot
        rows[end]["limits"] += 1


def step_minutes(step: Step, group: LineToolGroup, pieces: int) -> float:
    """Mean minutes from loading to unloading of a lone lot at speed 1, without setup."""
    units = pieces if step.by_piece else 1
    work = step.time.mean * units
    if step.interval_min > 0.0:
        work = step.time.mean + (units - 1) * step.interval_min
    return group.load_min + work + group.unload_min


def _fill_remaining(rows: Records, part: Part, data: DataSet) -> None:
    """Fill in the expected work from each step to the end, for the part's largest lots."""
    pieces = max((order.pieces for order in data.orders if order.part == part.name), default=1)
    left = 0.0
    for position in range(len(part.steps) - 1, -1, -1):
        step = part.steps[position]
        minutes = step_minutes(step, data.groups[step.group], pieces)
        left += step.sampling * minutes
        rows[position]["remaining"], rows[position]["alone"] = left, minutes
