"""Two lines, each as a model and as a line of the event simulator, and three plans for them.

`bench_fluid.py` and tests/flow/beside/test_fluid.py use them.

- *hvlm*: SMT2020's high-volume line as a model (`yieldsim.flow.beside.as_model`). A run of the
  event simulator at a steady nine tenths of its releases gives setups, the fill of batches, and one
  number from its mean cycle time: the squared coefficient of variation of arrivals.
- *mixed fleet*: a fab of the baseline as a line (`yieldsim.flow.beside.from_model`), with imported
  and domestic tools in nearly every group. It needs no calibration run.

Plans change by quarter, and tools are lost from LOSS_QUARTER on. Both simulators start empty, leave
out the first WARMUP_QUARTERS, and have the same plan, fleets, WIP cap and release rule.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from yieldsim.flow import DataSet, compile_line, count_periods, read_dataset, replicate
from yieldsim.flow.beside.as_model import FAB, Calibration, calibrate, line_tables, with_plan
from yieldsim.flow.beside.fab_steps import fab_steps
from yieldsim.flow.beside.from_model import line_of, with_downstream_first
from yieldsim.model import Model, load_file
from yieldsim.model.load import ModelFile
from yieldsim.model.parameters import parameters
from yieldsim.model.schema.calendar import quarter_index
from yieldsim.model.schema.quantity import Quantity
from yieldsim.sampling import Medians, Sampler
from yieldsim.supply.simulate import Simulator
from yieldsim.units import DAYS_PER_QUARTER

ORIGIN = {"source": "benchmark", "grade": "assumed"}


def at_medians(model: Model) -> dict[str, Any]:
    """The tables of a model with each uncertain parameter at its median."""
    raw = model.model_dump(exclude_none=True)
    raw["correlations"] = {}
    medians = Sampler(model).medians()
    for parameter in parameters(model):
        if not parameter.uncertain:
            continue
        item = parameter.item
        assert isinstance(item, Quantity)
        *path, name = parameter.path.split(".")
        place = raw
        for key in path:
            place = place[key]
        place[name] = {"value": medians[parameter.path] / item.factor, **ORIGIN}
        if item.unit is not None:
            place[name]["unit"] = item.unit
    _without_units_of_references(raw)
    raw["sources"]["benchmark"] = {"title": "medians of the model's parameters"}
    return raw


def _without_units_of_references(table: Any) -> None:
    """A reference has the unit of what it refers to."""
    for item in table.values() if isinstance(table, dict) else ():
        if isinstance(item, dict) and "ref" in item:
            item.pop("unit", None)
        _without_units_of_references(item)


WARMUP_QUARTERS = 2
LOSS_QUARTER = 11  # from the start of what is counted: three quarters of the scanners are left
FIRST_YEAR = 2028
# For hvlm, coarser than the defaults of a model: finer ones move its mean errors by 0.2 points and
# cost two to five times as much (benchmarks/README.md). A segment takes at least two flow steps.
STEPS_PER_QUARTER, SEGMENTS, PARTS_PER_SEGMENT = 6, 4, 2
HVLM = Path(__file__).resolve().parents[2] / "shared" / "data" / "smt2020" / "hvlm"
# Plan by quarter relative to the data set's releases or to the baseline's plan times SCALE. The
# tools of both lines allow 1.02 in the long run.
PLANS = {
    "ramp": [0.60, 0.60, 0.65, 0.65, 0.70, 0.70, 0.75, 0.75, 0.80, 0.80, 0.85, 0.85, 0.90, 0.90,
             0.95, 0.95],
    "overload": [0.70, 0.70, 0.80, 0.80, 0.90, 0.90, 1.20, 1.20, 1.20, 1.20, 0.90, 0.90, 0.90,
                 0.80, 0.80, 0.80],
    "all": [0.70, 0.70, 0.75, 0.80, 0.85, 0.90, 0.95, 0.95, 1.10, 1.10, 1.10, 0.90, 0.90, 0.90,
            0.90, 0.90],
}  # fmt: skip
LOST = {"ramp": 0.0, "overload": 0.0, "all": 0.25}
# Plans that nothing was set by: written down before either simulator had run them, scored once.
# Another share of the scanners is lost at another time.
BLIND_PLANS = {
    "third early": [0.75, 0.75, 0.80, 0.80, 0.85, 0.85, 0.90, 0.90, 0.95, 0.95, 1.00, 1.00, 0.90,
                    0.85, 0.80, 0.80],
    "quarter at the height": [0.80, 0.80, 0.90, 0.90, 1.05, 1.05, 1.05, 1.05, 0.95, 0.90, 0.85,
                              0.85, 0.80, 0.80, 0.75, 0.75],
    "fifth late": [0.90, 0.90, 0.85, 0.85, 0.80, 0.80, 0.85, 0.90, 0.95, 1.00, 1.00, 1.00, 1.00,
                   1.00, 1.00, 1.00],
}  # fmt: skip
BLIND_LOSSES = {  # share of the scanners, quarter from the start of what is counted
    "third early": (1.0 / 3.0, 5),
    "quarter at the height": (0.25, 6),
    "fifth late": (0.20, 8),
}
# Three more, drawn by `drawn_plan` before either simulator had run them, and scored once.
DRAWN_SEED = 20261130
DRAWN = ("drawn 0", "drawn 1", "drawn 2")
STEADY_LOAD = 0.9
STEADY_DAYS, STEADY_WARMUP_DAYS = 400.0, 150.0
HVLM_CAP = 2.2  # WIP cap over the wafers of one raw process time
SCALE = 0.83
SCARCE = 0.76  # low value of shared.inspection_fleet_scale
# Imported ones of the mixed fleet: so few that losing a quarter hurts. Those left allow AFTER_LOSS
# of the plan's unit, to half a scanner. So a new baseline leaves the case as hard as it was.
SCANNERS, AFTER_LOSS = 32, 0.83


def drawn_plan(number: int) -> tuple[list[float], float, int]:
    """A plan by quarter, the share of the scanners that is lost, and the quarter of the loss.

    The plan walks in steps of 0.05 or 0.1, two quarters each, between 0.6 and 1.1.
    """
    rng = np.random.default_rng([DRAWN_SEED, number])
    level, ratios = float(rng.choice([0.7, 0.75, 0.8, 0.85, 0.9])), []
    for _ in range(8):
        ratios += [round(level, 2)] * 2
        level = min(1.1, max(0.6, level + float(rng.choice([-0.1, -0.05, 0.05, 0.1]))))
    share = float(rng.choice([0.2, 0.25, 0.3, 1.0 / 3.0]))
    return ratios, share, int(rng.integers(4, 12))


def quarter_name(number: int) -> str:
    """The ``number``-th quarter after the start of what is counted."""
    return f"{FIRST_YEAR + number // 4}Q{number % 4 + 1}"


def series(values: Sequence[float]) -> dict[str, Any]:
    """A schedule with one value per counted quarter; the first also holds before."""
    return {
        "quarters": [quarter_name(k) for k in range(len(values))],
        "values": [float(v) for v in values],
        "interpolate": "step",
        **ORIGIN,
    }


def mixed_fleet(
    ratios: Sequence[float],
    lost: float,
    *,
    at: int = LOSS_QUARTER,
    fab: str = "smic_sn2",
    of: str = "2027Q4",
) -> ModelFile:
    """A fab of the baseline with the tools and the plan of quarter ``of``, and steady tools.

    ``ratios`` is the plan by quarter relative to SCALE times that of ``of``. From quarter ``at``
    on, the share ``lost`` of the immersion scanners is lost.
    """
    raw = at_medians(load_file("baseline").model())
    model = ModelFile("baseline", raw, {}).model()
    medians, own = Medians(model), raw["fabs"][fab]
    when = np.array([quarter_index(of) + 0.5])
    for name in own["plan"]:
        planned = medians.curve(f"fabs.{fab}.plan.{name}", model.fabs[fab].plan[name], when)[0]
        own["plan"][name] = series(planned * SCALE * np.asarray(ratios))
    for group, classes in own["fleets"].items():
        for kind in classes:
            fleet = model.fabs[fab].fleets[group][kind]
            count = medians.curve(f"fabs.{fab}.fleets.{group}.{kind}.count", fleet.count, when)[0]
            if group == "inspection":
                count *= SCARCE  # the world in which control tools are short
            classes[kind] = {"count": round(float(count)), **ORIGIN}
    own["fleets"]["arf_immersion"]["imported"]["count"] = SCANNERS
    own.pop("excursions", None)  # they concern dies
    for group in raw["tool_groups"].values():
        group.pop("sampling_floor", None)  # no line here gives way in its control steps
        for kind in ("imported", "domestic"):
            if kind in group:
                group[kind]["initial_mttf_ratio"] = 1.0
    kept = ("simulation", "wafer", "sources", "shared", "tool_groups", "patterning", "processes")
    kept_raw = {key: raw[key] for key in kept if key in raw}
    kept_raw |= {"name": "mixed fleet", "fabs": {fab: own}}
    kept_raw["events"] = losses(lost, ["arf_immersion"], at)
    kept_raw["simulation"] |= span(len(ratios))
    return ModelFile("mixed fleet", kept_raw | chips(own), {})


def chips(fab: dict[str, Any]) -> dict[str, Any]:
    """The die and the product that a model must have; sets the fab's allocation to match."""
    first = next(iter(fab["plan"]))
    fab["allocation"] = {
        name: {"die" if name == first else "other": {"value": 1.0, **ORIGIN}}
        for name in fab["plan"]
    }
    die = {"process": first, "width_mm": 10.0, "height_mm": 10.0, **ORIGIN}
    return {
        "dies": {"die": die},
        "products": {
            "product": {
                "die": "die",
                "start": quarter_name(0),
                "performance": {"good": {"tflops_fp16": 1.0}},
                **ORIGIN,
            }
        },
    }


def losses(share: float, groups: list[str], at: int = LOSS_QUARTER) -> dict[str, Any]:
    """The event by which tools are lost."""
    if share == 0.0:
        return {}
    start = quarter_name(at)
    return {
        "scanners": {
            "kind": "tools_lost", "start": start, "groups": groups, "share": share, **ORIGIN
        }
    }  # fmt: skip


def span(quarters: int) -> dict[str, Any]:
    """The part of [simulation] that all cases share."""
    return {
        "start": quarter_name(0),
        "end": quarter_name(quarters - 1),
        "warmup_quarters": WARMUP_QUARTERS,
        "process_noise": False,
        "outputs": ["wafer_plan", "wafer_starts", "wafer_outs", "wafer_wip", "cycle_time_days",
                    "utilization"],
    }  # fmt: skip


@dataclass(frozen=True)
class CalibratedLine:
    """A data set with its steady run of the event simulator; no plan that is scored enters."""

    data: DataSet
    calibration: Calibration
    arrival_cv2: float


def calibrated(
    days: float = STEADY_DAYS, warmup_days: float = STEADY_WARMUP_DAYS
) -> CalibratedLine:
    """HVLM and its steady run, without its few super hot lots."""
    data = read_dataset(HVLM)
    data = replace(data, orders=tuple(order for order in data.orders if order.priority < 30))
    steady = tuple(replace(o, interval=o.interval.scaled(1.0 / STEADY_LOAD)) for o in data.orders)
    line = compile_line(replace(data, orders=steady))
    outcome = replicate(line, 7, 0, days, warmup_days)
    calibration = calibrate(data, line, outcome, STEADY_LOAD)
    lots = outcome.lots_counted
    parts = [next(o.part for o in data.orders if o.name == name) for name in line.report]
    want = [
        np.average(outcome.cycle_days[own], weights=lots[own])
        for own in ([part == name for part in parts] for name in data.parts)
    ]
    # Waits are linear in arrival_cv2: two runs of the line model at the same load give the line.
    low, high = (steady_days(CalibratedLine(data, calibration, cv2)) for cv2 in (1.0, 3.0))
    slope = (high - low).sum() / 2.0
    return CalibratedLine(
        data, calibration, max(1.0 + float((np.array(want) - low).sum() / slope), 0.1)
    )


def steady_days(line: CalibratedLine) -> np.ndarray:
    """Cycle time of each process in the line model at the steady load."""
    arrays = Simulator(hvlm(line, [STEADY_LOAD] * 3, 0.0), ["baseline"], 1).block(0, 1)
    return arrays["cycle_time_days"][0, 0, -1, 0]


def hvlm(
    line: CalibratedLine, ratios: Sequence[float], lost: float, at: int = LOSS_QUARTER
) -> ModelFile:
    """SMT2020's high-volume line as a model; the share ``lost`` of its scanners is lost."""
    names = [quarter_name(k) for k in range(len(ratios))]
    raw = line_tables(line.data, line.calibration, ratios, names)
    raw["fabs"][FAB] |= {"arrival_cv2": line.arrival_cv2, "wip_cap_ratio": HVLM_CAP}
    scanners = [g for g in line.data.groups if g.startswith(("Litho_FE", "Litho_BE"))]
    raw["sources"]["benchmark"] = {"title": "plans of the benchmark"}
    # Its routes are short, and a segment takes at least PARTS_PER_SEGMENT flow steps.
    shortest = min(process["raw_process_days"] for process in raw["processes"].values())
    parts = PARTS_PER_SEGMENT * SEGMENTS * DAYS_PER_QUARTER / STEPS_PER_QUARTER / shortest
    simulation = span(len(ratios)) | {
        "steps_per_quarter": STEPS_PER_QUARTER,
        "segments": SEGMENTS,
        "flow_steps": math.ceil(parts),
    }
    return ModelFile(
        "hvlm", raw | {"simulation": simulation, "events": losses(lost, scanners, at)}, {}
    )


@dataclass(frozen=True)
class Case:
    """One line under one plan, as a model and for the event simulator."""

    name: str
    file: ModelFile
    fab: str
    line: DataSet


def cases(
    plan: str, line: CalibratedLine | None, *, downstream: bool = True, quarters: int = 16
) -> list[Case]:
    """The lines under a plan; hvlm only where it was calibrated.

    With ``downstream`` the tools of the event simulator take lots by age over work left, as in the
    line model. Otherwise hvlm ranks as in the data set, the mixed fleet first come first served.
    """
    if plan in DRAWN:
        ratios, share, at = drawn_plan(DRAWN.index(plan))
    else:
        ratios = (PLANS | BLIND_PLANS)[plan]
        share, at = BLIND_LOSSES.get(plan, (LOST.get(plan, 0.0), LOSS_QUARTER))
    ratios, lost = ratios[:quarters], share if quarters > at else 0.0
    lines = []
    if line is not None:
        file = hvlm(line, ratios, lost, at)
        data = with_plan(line.data, file.model())
        lines.append(Case("hvlm", file, FAB, with_downstream_first(data) if downstream else data))
    file = mixed_fleet(ratios, lost, at=at)
    fab = next(iter(file.raw["fabs"]))
    data = line_of(file.model(), fab, downstream=downstream)
    return [*lines, Case("mixed fleet", file, fab, data)]


def fluid_outs(case: Case) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Wafers planned, started and out by quarter and process, by the line model without noise."""
    arrays = Simulator(case.file, ["baseline"], 1).block(0, 1)
    names = ("wafer_plan", "wafer_starts", "wafer_outs")
    plan, starts, outs = (arrays[name][0, 0, :, 0].astype(float) for name in names)
    return plan, starts, outs


def event_outs(case: Case, replications: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Wafers due, started and out by quarter and process: means over replications."""
    ends = fab_steps(case.file.model(), case.fab).quarter_ends_days
    line = compile_line(case.line)
    counts = [count_periods(line, 1, r, ends) for r in range(replications)]
    parts = [next(o.part for o in case.line.orders if o.name == name) for name in line.report]
    to_part = np.array([[part == name for name in case.line.parts] for part in parts], float)
    started, lost, finished = (
        np.mean([getattr(count, name) for count in counts], axis=0)[1:] @ to_part
        for name in ("started", "lost", "finished")
    )
    return started + lost, started, finished


def errors(fluid: np.ndarray, events: np.ndarray) -> np.ndarray:
    """Relative error of the wafers out by quarter, all processes together."""
    return fluid.sum(axis=1) / events.sum(axis=1) - 1.0
