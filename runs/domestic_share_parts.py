"""A line with two classes of tools by plain formulas, on the same drawn numbers as the engine.

It uses closed forms instead of the engine's kernels. Capacity is the minimum of mu_g / v_g. Density
is the mature density times learning and the weighted adders of the passes. Overlay and die yields
are closed forms. Axes: r realization, g tool group, c class (imported, domestic).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yieldsim.closed_form import (
    effective_process_cv2,
    exponential_learning,
    harvest_yield,
    overlay_yield,
    sakasegawa_wait,
)
from yieldsim.model import Model
from yieldsim.model.schema.calendar import quarter_index
from yieldsim.sampling import Sampler
from yieldsim.supply.compile.visits import WAITS
from yieldsim.units import DAYS_PER_QUARTER, HOURS_PER_DAY, MONTHS_PER_QUARTER
from yieldsim.wafer.kernels.geometry import count_best_of_four

Floats = NDArray[np.float64]

CLASSES = ("imported", "domestic")
DAYS_PER_MONTH = DAYS_PER_QUARTER / MONTHS_PER_QUARTER
HOURS_PER_MONTH = DAYS_PER_MONTH * HOURS_PER_DAY
HIGHEST_USE = 0.97  # above it waits keep this value; the formula diverges at 1
HALVINGS = 25  # of the interval that contains the flow: 2^-25 = 3e-8 of the capacity
# field of a tool -> its value if the model does not give one (None: required)
TOOL_FIELDS = {
    "wafers_per_hour": None,
    "performance": 1.0,
    "mttf_hours": None,
    "mttr_hours": None,
    "repair_cv2": 1.0,
    "pm_fraction": 0.0,
    "engineering_fraction": 0.0,
    "nonscheduled_fraction": 0.0,
    "defect_adder": 1.0,
    "overlay_sigma_nm": 0.0,
    "initial_adder_ratio": 1.0,
    "initial_mttf_ratio": 1.0,
    "maturity_kpasses": 1.0,
}


class Draws:
    """Drawn values of the first realizations by path in the model, each (r,)."""

    def __init__(self, model: Model, count: int, seed: int) -> None:
        sampler = Sampler(model)
        self.values, self.column, self.count = sampler.draw(seed, 0, count), sampler.column, count

    def __call__(self, path: str, neutral: float | None = None) -> Floats:
        if path in self.column:
            return self.values[:, self.column[path]]
        if neutral is None:
            raise KeyError(path)
        return np.full(self.count, neutral)


@dataclass(frozen=True)
class Figures:
    """Means over the last year, each (r,); `binding` is the index of the binding tool group."""

    outs_per_month: Floats
    d0_per_cm2: Floats
    overlay: Floats
    die_yield: Floats
    good_dies_per_month: Floats
    binding: NDArray[np.int64]


@dataclass(frozen=True)
class Line:
    """One line and its process: tool fields (r, g, c), passes (r, g), other values (r,)."""

    tools: Floats
    field: dict[str, Floats]
    passes: Floats
    defect_weight: Floats
    cv2: Floats  # of arrivals plus that of service without failures
    lot: Floats
    raw_months: Floats
    unqueued_months: Floats  # in the line without waits for tools
    wip_cap: Floats


def what_parts_say(model: Model, count: int, seed: int, *, late: bool = False) -> Figures:
    """The figures of a model with one line, one process and one design.

    The calculation goes step by step, because tools mature with the passes that they made. Wafers
    out in a step met the defects of one cycle time earlier, and cycle time is WIP over flow
    (Little's law). The line starts empty: passes counted from the first step are too many, and
    passes counted from the first wafers out (``late``) are too few.
    """
    value = Draws(model, count, seed)
    (fab, line), (process, die) = _one(model.fabs), (_one(model.processes)[0], _one(model.dies)[0])
    read = _line(model, value, fab, process)
    steps = _Steps.of(model)
    plan = _series(line.plan[process], value, steps.times)
    kpasses = np.zeros_like(read.tools)
    flows, delays, d0s, overlays, scarcest = [], [], [], [], []
    for n, time in enumerate(steps.times):
        passes, adder = _passes_per_month(read, kpasses)
        capacity, binding = _capacity(read, passes)
        flow = np.minimum(plan[:, n], _sustained(read, passes, capacity))
        share = passes / passes.sum(axis=2, keepdims=True)
        flows.append(flow)
        delays.append(read.wip_cap * capacity * read.raw_months / flow / steps.months)
        d0s.append(_d0(model, value, process, read, share * adder, time))
        overlays.append(_overlay(read, value, process, share))
        scarcest.append(binding)
        made = flow * (n >= delays[0]) if late else flow
        kpasses += made[:, None, None] * read.passes[:, :, None] * share * steps.months / 1000.0
    year = np.arange(len(steps.times))[-steps.in_year :]
    by_start = [_delayed(np.array(series), np.array(delays), year) for series in (d0s, overlays)]
    outs = np.array(flows)[year]
    # by quarter: within one, yield is almost linear in the density
    weights = outs.reshape(4, -1, count)
    quarters = weights.sum(axis=1) / outs.sum(axis=0)
    met = [
        (series.reshape(weights.shape) * weights).sum(axis=1) / weights.sum(axis=1)
        for series in by_start
    ]
    die_yield = (quarters * _die_yield(model, value, process, die, *met)).sum(axis=0)
    saved = value(f"processes.{process}.line_yield", 1.0)
    saved = saved * (1.0 - value(f"processes.{process}.engineering_fraction", 0.0))
    good = outs.mean(axis=0) * saved * _gross_dies(value, die) * die_yield
    started = np.array(d0s)[year].mean(axis=0)
    binding = np.array(scarcest)[year][len(year) // 2]
    overlay = (quarters * met[1]).sum(axis=0)
    return Figures(outs.mean(axis=0), started, overlay, die_yield, good, binding)


@dataclass(frozen=True)
class _Steps:
    times: Floats  # midpoints of the steps, as quarter indices
    months: float  # per step
    in_year: int

    @classmethod
    def of(cls, model: Model) -> _Steps:
        simulation = model.simulation
        first = quarter_index(simulation.start) - simulation.warmup_quarters
        per_quarter = simulation.steps_per_quarter
        count = (quarter_index(simulation.end) + 1 - first) * per_quarter
        times = first + (np.arange(count) + 0.5) / per_quarter
        return cls(times, MONTHS_PER_QUARTER / per_quarter, 4 * per_quarter)


def _one(table: dict[str, Any]) -> tuple[str, Any]:
    ((name, entry),) = table.items()
    return name, entry


def _series(schedule: Any, value: Draws, times: Floats) -> Floats:
    """A schedule by realization and time, between its low and high series at the drawn level."""
    low, high = schedule.curves(times)
    position = np.zeros(value.count)
    if schedule.position is not None:
        position = value(f"shared.{schedule.position.ref}")
    return low + position[:, None] * (high - low)


def _line(model: Model, value: Draws, fab: str, process: str) -> Line:
    groups = list(model.tool_groups)
    tools = np.zeros((value.count, len(groups), len(CLASSES)))
    field = {name: np.ones_like(tools) for name in TOOL_FIELDS}
    for g, group in enumerate(groups):
        for c, kind in enumerate(CLASSES):
            count = _series(model.fabs[fab].fleets[group][kind].count, value, np.array([0.0]))
            tools[:, g, c] = np.floor(count[:, 0] + 0.5)
            for name, neutral in TOOL_FIELDS.items():
                field[name][:, g, c] = value(f"tool_groups.{group}.{kind}.{name}", neutral)
    service = np.stack([value(f"tool_groups.{g}.service_cv2", 1.0) for g in groups], axis=1)
    raw_months = value(f"processes.{process}.raw_process_days") / DAYS_PER_MONTH
    waits = sum(value(f"processes.{process}.{name}", 0.0) for name in WAITS)
    return Line(
        tools=tools,
        field=field,
        passes=np.stack([_passes_of_wafer(model, value, process, g) for g in groups], axis=1),
        defect_weight=np.stack([value(f"tool_groups.{g}.defect_weight") for g in groups], axis=1),
        cv2=value(f"fabs.{fab}.arrival_cv2", 1.0)[:, None] + service,
        lot=value(f"fabs.{fab}.lot_size_wafers", 25.0)[:, None],
        raw_months=raw_months,
        unqueued_months=raw_months * (1.0 + waits),
        wip_cap=value(f"fabs.{fab}.wip_cap_ratio", 4.0),
    )


def _passes_of_wafer(model: Model, value: Draws, process: str, group: str) -> Floats:
    """v_g = sum of visits * sampling * (1 + rework), over all layers and the visits of no layer."""
    prefix = f"processes.{process}"
    total = value(f"{prefix}.visits.{group}", 0.0).copy()
    for name, layer in model.processes[process].layers.items():
        each = value(f"{prefix}.layers.{name}.visits.{group}", 0.0).copy()
        if layer.patterning is not None:
            if layer.exposure == group:
                each += value(f"patterning.{layer.patterning}.exposures")
            each += value(f"patterning.{layer.patterning}.visits.{group}", 0.0)
        total += value(f"{prefix}.layers.{name}.layers", 1.0) * each
    return total * value(f"{prefix}.sampling.{group}", 1.0) * (1.0 + value(f"{prefix}.rework", 0.0))


def _passes_per_month(line: Line, kpasses: Floats) -> tuple[Floats, Floats]:
    """(Passes a month, defect adder) after ``kpasses`` thousand passes, both (r, g, c)."""
    field = line.field
    young = np.exp(-kpasses / field["maturity_kpasses"])
    mttf = field["mttf_hours"] * (1.0 - (1.0 - field["initial_mttf_ratio"]) * young)
    adder = field["defect_adder"] * (1.0 + (field["initial_adder_ratio"] - 1.0) * young)
    up = mttf / (mttf + field["mttr_hours"])
    for stop in ("pm", "engineering", "nonscheduled"):
        up = up * (1.0 - field[f"{stop}_fraction"])
    return _rated(line) * up, adder


def _rated(line: Line) -> Floats:
    return line.tools * line.field["wafers_per_hour"] * line.field["performance"] * HOURS_PER_MONTH


def _capacity(line: Line, passes: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """(Wafers a month that the bottleneck group allows, its index), both (r,)."""
    with np.errstate(divide="ignore"):  # a group that no wafer visits is no limit
        wafers = np.where(line.passes > 0.0, passes.sum(axis=2) / line.passes, np.inf)
    return wafers.min(axis=1), wafers.argmin(axis=1)


def _sustained(line: Line, passes: Floats, capacity: Floats) -> Floats:
    """Flow (r,) at which WIP equals the cap of the release rule, at most the capacity.

    WIP is flow times cycle time, and cycle time is the time without queues plus the waits of all
    visits. A line whose WIP cap is below the WIP of full use runs below its capacity.
    """
    rated = _rated(line)
    possible, pure = passes.sum(axis=2), rated.sum(axis=2)
    count = line.tools.sum(axis=2)
    work = count * line.lot * HOURS_PER_MONTH  # over passes a month: tool hours for a lot
    mttr, repair_cv2 = (
        (rated * line.field[name]).sum(axis=2) / pure for name in ("mttr_hours", "repair_cv2")
    )
    failures = effective_process_cv2(0.0, possible / pure, mttr, work / pure, repair_cv2)
    cap = line.wip_cap * capacity * line.raw_months
    low, high = np.zeros_like(capacity), capacity
    for _ in range(HALVINGS):
        flow = 0.5 * (low + high)
        use = np.minimum(flow[:, None] * line.passes / possible, HIGHEST_USE)
        wait_hours = sakasegawa_wait(count, use, work / possible, line.cv2, failures)
        waits = (line.passes * wait_hours).sum(axis=1) / HOURS_PER_MONTH
        fits = flow * (line.unqueued_months + waits) <= cap
        low, high = np.where(fits, flow, low), np.where(fits, high, flow)
    return 0.5 * (low + high)


def _d0(
    model: Model, value: Draws, process: str, line: Line, adders: Floats, time: float
) -> Floats:
    """Mature density * learning * (sum_g w_g sum_c share * adder) / sum_g w_g."""
    prefix = f"processes.{process}"
    elapsed = time - quarter_index(model.processes[process].learning.start)
    ratio, tau = (value(f"{prefix}.learning.{key}") for key in ("start_ratio", "tau_quarters"))
    weight = line.defect_weight * (line.passes > 0.0)
    tools = (weight * adders.sum(axis=2)).sum(axis=1) / weight.sum(axis=1)
    learning = exponential_learning(ratio, max(0.0, elapsed), tau)
    return value(f"{prefix}.d0_mature_per_cm2") * learning * tools


def _overlay(line: Line, value: Draws, process: str, share: Floats) -> Floats:
    """Probability that every critical layer is aligned; classes expose in proportion to passes."""
    tolerance = value(f"processes.{process}.overlay_tolerance_nm", 1.0)[:, None, None]
    aligned = share * overlay_yield(line.field["overlay_sigma_nm"], tolerance, 1.0)
    layers = value(f"processes.{process}.overlay_layers", 0.0)
    every: Floats = np.prod(np.where(line.passes > 0.0, aligned.sum(axis=2), 1.0), axis=1) ** layers
    return every


def _delayed(series: Floats, delays: Floats, places: NDArray[np.int64]) -> Floats:
    """A series (step, r) at ``places``, read ``delays`` steps earlier."""
    steps = np.arange(len(series), dtype=float)
    columns = [
        np.interp(places - delays[places, r], steps, series[:, r]) for r in range(series.shape[1])
    ]
    return np.array(columns).T


def _die_yield(
    model: Model, value: Draws, process: str, die: str, d0: Floats, overlay: Floats
) -> Floats:
    """Good over gross dies: harvest, overlay, systematic and parametric loss, test overkill."""
    design, prefix = model.dies[die], f"dies.{die}"
    area = value(f"{prefix}.width_mm") * value(f"{prefix}.height_mm")
    core, memory = (value(f"{prefix}.{kind}_fraction", 0.0) for kind in ("core", "memory"))
    fatal = area * (1.0 - core - memory * value(f"{prefix}.memory_repair", 0.0))
    least = min(one.min_good_cores for one in design.bins.values())
    alpha = value(f"processes.{process}.alpha")
    harvest = harvest_yield(fatal, area * core / design.cores, design.cores, least, d0, alpha)
    tested = value(f"{prefix}.parametric_yield", 1.0) * (
        1.0 - value(f"{prefix}.test_overkill", 0.0)
    )
    return harvest * overlay * value(f"processes.{process}.systematic_yield", 1.0) * tested


def _gross_dies(value: Draws, die: str) -> Floats:
    """Gross die per wafer (r,), counted by geometry."""
    radius = 0.5 * value("wafer.diameter_mm") - value("wafer.edge_exclusion_mm")
    width, height = value(f"dies.{die}.width_mm"), value(f"dies.{die}.height_mm")
    scribe = value("wafer.scribe_mm")
    sizes = zip(width + scribe, height + scribe, width, height, radius, strict=True)
    return np.array([float(count_best_of_four(*one)) for one in sizes])
