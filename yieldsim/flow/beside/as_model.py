"""A data set as the tables of a model: one fab with its tool groups, and a process for each part.

How the line model represents the rules of the data set, for lots of one size:

- *Pass*: one visit of a lot of mean length. ``wafers_per_hour`` is the lot size over the mean
  minutes for which a visit blocks a tool; visits are counted in units of this mean.
- *Minutes of a visit*: loading, work and unloading. Where a tool holds two jobs, only the intervals
  at which lots enter (or half of the time that a lot is inside, if that is more). Lots of a batch
  share its minutes, with the fill of batches from a calibration run. Each visit adds the run's mean
  setup time, and maintenance after pieces adds its minutes per piece.
- *Downtime*: failures and maintenance by date together, with the mean and the spread of both.
- *Raw process time*: loading, work, unloading and transport of each step, and the wait for a batch
  to fill at the calibration run's rate. Its slices along the route are the layers.
- *Sampling and rework*: part of the visits, which are means. The spread of work is that of a visit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yieldsim.errors import ModelError
from yieldsim.flow.beside.fab_steps import fab_steps
from yieldsim.flow.beside.from_model import absences_of, rates_of
from yieldsim.flow.compile import CompiledLine
from yieldsim.flow.dataset import DataSet, LineToolGroup, Part, Step
from yieldsim.flow.replicate import Outcome
from yieldsim.flow.step_tables import step_minutes
from yieldsim.model import Model
from yieldsim.units import DAYS_PER_QUARTER, MONTHS_PER_QUARTER

__all__ = ["Calibration", "calibrate", "line_tables", "often_done", "with_plan", "work_tables"]

FAB = "line"
_HOUR_MIN, _DAY_MIN = 60.0, 1440.0
_FAR_MIN = 1e9
_SLICES = 40
_ORIGIN = {"source": "data_set", "grade": "measured"}


@dataclass(frozen=True)
class Calibration:
    """What a calibration run tells of each tool group.

    ``setup_min`` is the mean setup of a lot's visit, ``fill`` the lots in a batch (1 without
    batches). ``load`` is the release rate of the run relative to the data set's.
    """

    setup_min: dict[str, float]
    fill: dict[str, float]
    load: float


def calibrate(data: DataSet, line: CompiledLine, outcome: Outcome, load: float) -> Calibration:
    """Measure in a replication what the data set does not determine."""
    tools = np.bincount(line.tools["group"], minlength=len(line.groups))
    minutes = outcome.window_min * tools / np.maximum(outcome.started, 1)
    setup = np.nan_to_num(outcome.setup) * minutes
    busy = np.nan_to_num(outcome.utilization * outcome.availability) * minutes
    batched: dict[str, list[float]] = {}
    for part in data.parts.values():
        for step, often in zip(part.steps, often_done(part), strict=True):
            if step.batch_pieces is not None:
                alone = step_minutes(step, data.groups[step.group], 1)
                batched.setdefault(step.group, []).extend([alone * often, often])
    fill = dict.fromkeys(line.group_names, 1.0)
    for name, sums in batched.items():
        group = line.group_names.index(name)
        fill[name] = sum(sums[::2]) / sum(sums[1::2]) / (busy[group] - setup[group])
    return Calibration(dict(zip(line.group_names, map(float, setup), strict=True)), fill, load)


def often_done(part: Part) -> NDArray[np.float64]:
    """Mean number of times that a lot does each step of a route, by sampling and rework."""
    count = len(part.steps)
    transition = np.zeros((count, count))  # [a, b]: from step b to step a next
    for position, step in enumerate(part.steps):
        share, back_to = step.rework or (0.0, 0)
        transition[back_to, position] += step.sampling * share
        if position + 1 < count:
            transition[position + 1, position] += 1.0 - step.sampling * share
    start = np.zeros(count)
    start[0] = 1.0
    reached = np.linalg.solve(np.eye(count) - transition, start)
    return reached * np.array([step.sampling for step in part.steps])


@dataclass(frozen=True)
class _Visits:
    """The steps of a part: visits of a lot, tool ``minutes`` of one visit, raw minutes in all."""

    often: NDArray[np.float64]
    minutes: NDArray[np.float64]
    cv2: NDArray[np.float64]  # variance of the minutes of one visit over their square
    raw_min: NDArray[np.float64]


def _visits(data: DataSet, part: Part, pieces: int, run: Calibration, every_min: float) -> _Visits:
    minutes, cv2, raw = [], [], []
    move = np.mean([minutes.mean for minutes in data.moves.values()]) if data.moves else 0.0
    by_pieces = _piece_minutes(data)
    for step in part.steps:
        group, fill = data.groups[step.group], run.fill[step.group]
        own = _blocked_min(step, group, pieces) / fill
        more = run.setup_min[step.group] + by_pieces.get(step.group, 0.0) * pieces
        minutes.append(own + more)
        cv2.append((step.time.sd / max(step.time.mean, 1e-9)) ** 2)
        waits = (fill - 1.0) / 2.0 * every_min / run.load if step.batch_pieces else 0.0
        alone = step_minutes(step, group, 1 if step.batch_pieces else pieces)
        raw.append(alone + move + run.setup_min[step.group] + waits)
    often = often_done(part)
    return _Visits(often, np.array(minutes), np.array(cv2), np.array(raw) * often)


def _blocked_min(step: Step, group: LineToolGroup, pieces: int) -> float:
    """Minutes for which a job blocks a tool of speed 1."""
    alone = step_minutes(step, group, pieces)
    if group.capacity == 1:
        return alone
    units = pieces if step.by_piece else 1
    each = step.interval_min if step.interval_min > 0.0 else step.time.mean
    return max(units * each, alone / group.capacity)


def _piece_minutes(data: DataSet) -> dict[str, float]:
    """Minutes of maintenance per piece, by tool group."""
    minutes: dict[str, float] = {}
    for calendar in data.calendars:
        if calendar.kind == "pieces":
            per_piece = calendar.duration.mean / calendar.interval.mean
            minutes[calendar.group] = minutes.get(calendar.group, 0.0) + per_piece
    return minutes


def work_tables(data: DataSet, run: Calibration) -> dict[str, Any]:
    """The tables ``tool_groups``, ``processes`` and ``fabs`` of a data set.

    The plan of each process follows the data set's orders. Groups without a calendar, such as
    delays, never have a queue: their work counts as raw process time only.

    Raises
    ------
    ModelError
        if lots differ in their number of pieces.
    """
    sizes = {order.pieces for order in data.orders}
    if len(sizes) > 1:
        raise ModelError("orders", "differ in pieces", got=sorted(sizes), allowed="one lot size")
    pieces = sizes.pop()
    lots = {name: 0.0 for name in data.parts}  # per minute
    for order in data.orders:
        lots[order.part] += order.lots / order.interval.mean
    visits = {
        name: _visits(data, part, pieces, run, 1.0 / lots[name])
        for name, part in data.parts.items()
    }
    timed = {calendar.group for calendar in data.calendars}
    mean, cv2 = _means(data, visits, lots)
    groups = {
        name: _group(data, name, pieces / mean[name], cv2[name]) for name in mean if name in timed
    }
    return {
        "tool_groups": groups,
        "processes": {
            name: _process(part, visits[name], mean, timed) for name, part in data.parts.items()
        },
        "fabs": {
            FAB: {
                "plan": {
                    name: rate * pieces * _DAY_MIN * DAYS_PER_QUARTER / MONTHS_PER_QUARTER
                    for name, rate in lots.items()
                },
                "fleets": {
                    name: {"imported": {"count": len(data.groups[name].speeds), **_ORIGIN}}
                    for name in groups
                },
                "lot_size_wafers": pieces,
                **_ORIGIN,
            }
        },
    }


def _means(
    data: DataSet, visits: Mapping[str, _Visits], lots: Mapping[str, float]
) -> tuple[dict[str, float], dict[str, float]]:
    """Mean tool minutes of a visit, and their squared coefficient of variation, by group."""
    sums: dict[str, NDArray[np.float64]] = {}
    for name, own in visits.items():
        for k, step in enumerate(data.parts[name].steps):
            weight, minutes = lots[name] * own.often[k], own.minutes[k]
            squares = minutes**2 * (1.0 + own.cv2[k])
            row = np.array([weight, weight * minutes, weight * squares])
            sums[step.group] = sums.get(step.group, np.zeros(3)) + row
    mean = {name: float(row[1] / row[0]) for name, row in sums.items() if row[0] > 0.0}
    cv2 = {
        name: float(max(sums[name][2] / sums[name][0] / mean[name] ** 2 - 1.0, 0.0))
        for name in mean
    }
    return mean, cv2


def _group(data: DataSet, name: str, wafers_per_min: float, cv2: float) -> dict[str, Any]:
    """One class of tools, whose downtimes are failures and maintenance by date together.

    Waits depend on the first two moments of a downtime; each kind counts by its frequency.
    """
    often = mean = square = 0.0
    for calendar in data.calendars:
        if calendar.group == name and calendar.kind != "pieces":
            time = calendar.duration
            # Failures run from repair to failure, maintenance from start to start.
            every = calendar.interval.mean + (time.mean if calendar.kind == "failure" else 0.0)
            cv2_down = (time.sd / max(time.mean, 1e-9)) ** 2
            often += 1.0 / every
            mean += time.mean / every
            square += time.mean**2 * (1.0 + cv2_down) / every
    down = mean / often if often > 0.0 else _HOUR_MIN
    up = (1.0 - mean) / often if often > 0.0 else _FAR_MIN
    return {
        "defect_weight": 0.0,
        "service_cv2": cv2,
        "imported": {
            "wafers_per_hour": wafers_per_min
            * _HOUR_MIN
            * float(np.mean(data.groups[name].speeds)),
            "mttf_hours": up / _HOUR_MIN,
            "mttr_hours": down / _HOUR_MIN,
            "repair_cv2": max(square / often / down**2 - 1.0, 0.0) if often > 0.0 else 0.0,
        },
        **_ORIGIN,
    }


def _process(
    part: Part, own: _Visits, mean: Mapping[str, float], timed: set[str]
) -> dict[str, Any]:
    layers = {}
    ends = np.cumsum(own.raw_min) / own.raw_min.sum()
    slices = np.minimum((ends * _SLICES - 1e-9).astype(int), _SLICES - 1)
    for number in range(_SLICES):
        inside = np.flatnonzero(slices == number)
        if inside.size == 0:
            continue
        visits: dict[str, float] = {}
        for k in inside:
            group = part.steps[k].group
            if group in timed:
                passes = own.often[k] * own.minutes[k] / mean[group]
                visits[group] = visits.get(group, 0.0) + float(passes)
        raw = float(own.raw_min[inside].sum())
        layers[f"slice_{number + 1}"] = {"order": number, "raw_share": raw, "visits": visits}
    return {
        "d0_mature_per_cm2": 0.0,
        "alpha": 2.0,
        "raw_process_days": float(own.raw_min.sum()) / _DAY_MIN,
        "layers": layers,
        **_ORIGIN,
    }


def line_tables(
    data: DataSet, run: Calibration, ratios: Sequence[float], quarters: Sequence[str]
) -> dict[str, Any]:
    """A whole model except its [simulation].

    It has the work of the data set, its plan times ``ratios`` in each of ``quarters``, and one
    product with a die of the first process.
    """
    tables = work_tables(data, run)
    plan = tables["fabs"][FAB]["plan"]
    tables["fabs"][FAB]["plan"] = {
        name: {
            "quarters": list(quarters),
            "values": [rate * ratio for ratio in ratios],
            "interpolate": "step",
            **_ORIGIN,
        }
        for name, rate in plan.items()
    }
    first = next(iter(plan))
    tables["fabs"][FAB]["allocation"] = {
        name: {"die" if name == first else "other": 1.0, **_ORIGIN} for name in plan
    }
    product = {"die": "die", "start": quarters[0], "performance": {"good": {"tflops_fp16": 1.0}}}
    return {
        "name": data.name,
        "sources": {"data_set": {"title": data.name}},
        "wafer": {"diameter_mm": 300.0, "edge_exclusion_mm": 3.0, "scribe_mm": 0.1, **_ORIGIN},
        "dies": {"die": {"process": first, "width_mm": 10.0, "height_mm": 10.0, **_ORIGIN}},
        "products": {"product": {**product, **_ORIGIN}},
        **tables,
    }


def with_plan(data: DataSet, model: Model) -> DataSet:
    """The data set with the releases, WIP caps and tools of a model made by `line_tables`."""
    steps = fab_steps(model, FAB)
    spans = np.diff(np.concatenate([[0.0], steps.ends_min]))
    orders = []
    for order in data.orders:
        same_part = [other for other in data.orders if other.part == order.part]
        plain = sum(other.lots * other.pieces / other.interval.mean for other in same_part)
        ratio = steps.planned[order.part] / spans / plain
        lots = ratio * spans / order.interval.mean
        rates = rates_of(steps.ends_min, lots, order.interval.mean)
        orders.append(replace(order, rates=rates, cap=order.part))
    caps = {
        name: tuple(zip(steps.ends_min.tolist(), most.tolist(), strict=True))
        for name, most in steps.cap.items()
    }
    absences = [
        absence
        for fleet in steps.fleets
        for absence in absences_of(fleet.group, [fleet.count], steps.ends_min)
    ]
    return replace(data, orders=tuple(orders), caps=caps, absences=tuple(absences))
