"""A fab of a model as a line for the event simulator: plan, tools, passes, and how it runs."""

from __future__ import annotations

import tomllib
from typing import Any

import numpy as np
import pytest

from tests.flow.test_twin import run_both
from yieldsim.errors import ModelError
from yieldsim.flow import compile_line, count_periods, replicate
from yieldsim.flow.beside.fab_steps import fab_steps
from yieldsim.flow.beside.from_model import absences_of, line_of, rates_of
from yieldsim.flow.beside.passes import passes_of
from yieldsim.model import Model
from yieldsim.model.load import ModelFile
from yieldsim.sampling import Medians
from yieldsim.supply.compile import compile_model

SMALL = """
name = "small"
source = "made_up"
grade = "assumed"
[sources.made_up]
title = "round figures"
[simulation]
start = "2026Q1"
end = "2026Q4"
warmup_quarters = 1
process_noise = false
[wafer]
diameter_mm = 300
edge_exclusion_mm = 3
scribe_mm = 0.1

[tool_groups.litho]
defect_weight = 1
service_cv2 = 0.3
[tool_groups.litho.imported]
wafers_per_hour = 100
performance = 0.5
mttf_hours = 60
mttr_hours = 6
pm_fraction = 0.1
[tool_groups.litho.domestic]
wafers_per_hour = 20
mttf_hours = 30
mttr_hours = 10
repair_cv2 = 0.2
engineering_fraction = 0.1
[tool_groups.etch]
defect_weight = 0
service_cv2 = 1
imported = { wafers_per_hour = 30, mttf_hours = 80, mttr_hours = 8 }

[patterning.double]
exposures = 2
visits.etch = 1.5

[processes.p]
d0_mature_per_cm2 = 0
alpha = 2
raw_process_days = 9
rework = 0.1
visits.etch = 2.5
sampling.etch = 0.8
layers.fin = { order = 1, layers = 3, patterning = "double", exposure = "litho" }
[processes.p.layers.metal]
order = 2
layers = 4
patterning = "double"
exposure = "litho"
visits.etch = 0.5
[processes.q]
d0_mature_per_cm2 = 0
alpha = 2
raw_process_days = 4
visits = { litho = 3, etch = 4 }

[fabs.one]
plan.p = { quarters = ["2025Q4", "2026Q2"], values = [2500, 3500], interpolate = "step" }
plan.q = { quarters = ["2026Q1", "2026Q4"], values = [0, 1500], before = "zero" }
allocation.p.die = 1
allocation.q.other = 1
lot_size_wafers = 25
wip_cap_ratio = 2
fleets.litho.imported = { count = 6 }
[fabs.one.fleets.litho.domestic]
count = { quarters = ["2025Q4", "2026Q4"], values = [0, 4] }
install_quarters = 0.5
[fabs.one.fleets.etch.imported]
count = 5
retired = { quarters = ["2025Q4", "2026Q4"], values = [0, 1], interpolate = "step" }

[dies.die]
process = "p"
width_mm = 10
height_mm = 10
[products.product]
die = "die"
start = "2026Q1"
performance.good = { tflops_fp16 = 1 }

[events.lost]
kind = "tools_lost"
start = "2026Q2"
end = "2026Q2"
groups = ["litho"]
share = 0.5
[events.qualified]
kind = "tool_qualified"
start = "2026Q2"
groups = ["litho"]
"""
# Times are sums of whole quarters, converted to minutes.
CLOSE = {"rel": 1e-12}


def model(**changes: Any) -> Model:
    raw = tomllib.loads(SMALL)
    for path, value in changes.items():
        *outer, last = path.split("__")
        table = raw
        for key in outer:
            table = table[key]
        table[last] = value
    return ModelFile("small", raw, {}).model()


def test_plan_and_tools_by_step() -> None:
    steps = fab_steps(model(), "one")
    assert steps.planned["p"].size == 5 * 13
    # 2,500 wafers per month are 7,500 per quarter.
    assert steps.planned["p"].reshape(5, 13).sum(axis=1) == pytest.approx(
        [7500.0, 7500.0, 10500.0, 10500.0, 10500.0], **CLOSE
    )
    assert steps.planned["q"][:13].sum() == 0.0
    count = {
        f"{fleet.group} {fleet.tool_class}": fleet.count.reshape(5, 13) for fleet in steps.fleets
    }
    assert (count["litho imported"] == np.array([6, 6, 3, 6, 6])[:, None]).all()
    # The count rises linearly from 0 to 4 between the middles of 2025Q4 and 2026Q4 and arrives half
    # a quarter later. The tools are qualified from 2026Q2 on; in that quarter half are lost.
    assert (count["litho domestic"][:2] == 0.0).all()
    assert list(count["litho domestic"][3, [0, -1]]) == [2.0, 3.0]
    assert list(count["litho domestic"][2, [0, -1]]) == [1.0, 1.0]
    assert list(count["etch imported"][:, 0]) == [5.0, 5.0, 5.0, 5.0, 4.0]
    litho = next(fleet for fleet in steps.fleets if fleet.tool_class == "domestic")
    assert (litho.wafers_per_hour, litho.up) == (20.0, 0.75)
    assert litho.scheduled == pytest.approx(0.9, **CLOSE)


def test_the_cap_is_what_plan_and_tools_allow_times_the_raw_time() -> None:
    steps = fab_steps(model(), "one")
    days = 365.25 / 4.0 / 13.0
    # A wafer is etched 0.8 x 1.1 times 3 x 1.5 (fins), 4 x (1.5 + 0.5) (metals) and 2.5.
    passes = (3 * 1.5 + 4 * (1.5 + 0.5) + 2.5) * 0.8 * 1.1
    etch = 5 * 30.0 * (80.0 / 88.0) * 24.0 * days
    litho = 6 * 50.0 * (60.0 / 66.0) * 0.9 * 24.0 * days
    fraction = min(etch / passes, litho / (7 * 2 * 1.1)) / (7500.0 / 13.0)
    assert fraction > 1.0
    assert steps.cap["p"][0] == pytest.approx(2.0 * 7500.0 / 13.0 * 9.0 / days, **CLOSE)
    short = fab_steps(model(fabs__one__fleets__etch__imported={"count": 1}), "one")
    fraction = etch / 5.0 / passes / (7500.0 / 13.0)
    assert short.cap["p"][0] == pytest.approx(fraction * steps.cap["p"][0], **CLOSE)


@pytest.mark.parametrize("process", ["p", "q"])
def test_passes_are_those_of_the_line_model(process: str) -> None:
    own = model(simulation__flow_steps=40)  # otherwise short routes have few segments
    compiled = compile_model(own)
    x = np.append(compiled.sampler.draw(1, 0, 1)[0], compiled.constants)[:, None]
    edges = compiled.passes.first[list(own.processes).index(process)]
    visits = np.zeros((len(edges) - 1, len(own.tool_groups)))
    for s, row in enumerate(visits):
        listed = slice(edges[s], edges[s + 1])
        row[compiled.passes.group[listed]] = compiled.passes.values(x)[1][listed, 0]
    passes = passes_of(own, Medians(own).at, process)
    positions = [step.position for step in passes]
    assert positions == sorted(positions)
    by_segment = np.zeros_like(visits)
    for step in passes:
        group = list(own.tool_groups).index(step.group)
        by_segment[int(step.position * len(visits)), group] += step.share * (1.0 + step.rework)
    assert by_segment.sum(axis=0) == pytest.approx(visits.sum(axis=0), rel=1e-9)
    # A pass has one position here and is spread there: up to one pass per stretch and segment end.
    assert np.abs(np.cumsum(by_segment, axis=0) - np.cumsum(visits, axis=0)).max() < 2.2


def test_periods_join_equal_rates() -> None:
    ends, lots = np.array([100.0, 200.0, 300.0]), np.array([10.0, 10.0, 5.0])
    assert rates_of(ends, lots, 10.0) == ((200.0, 1.0), (300.0, 0.5))


def test_absences_by_class_last_in_first_out() -> None:
    ends = np.array([10.0, 20.0, 30.0])
    absences = absences_of("g", [np.array([1.0, 2.0, 1.0]), np.array([0.0, 1.0, 1.0])], ends)
    assert [(away.tool, away.from_min, away.to_min) for away in absences] == [
        (1, 0.0, 10.0), (1, 20.0, np.inf), (2, 0.0, 10.0)]  # fmt: skip


def test_the_line_starts_the_plan_and_takes_the_raw_time() -> None:
    # Ten times the tools: lots wait for repairs only.
    many = {
        "fabs__one__fleets__litho": {"imported": {"count": 60}},
        "fabs__one__fleets__etch": {"imported": {"count": 60}},
        "fabs__one__wip_cap_ratio": 4.0,
    }
    plenty = model(**many)
    line = compile_line(line_of(plenty, "one"))
    ends = fab_steps(plenty, "one").quarter_ends_days
    counts = count_periods(line, 1, 0, ends)
    assert counts.started[:, 0] == pytest.approx([7500, 7500, 10500, 10500, 10500], abs=50.0)
    planned = fab_steps(plenty, "one").planned["q"].reshape(5, 13).sum(axis=1)
    assert counts.started[:, 1] == pytest.approx(planned, abs=50.0)
    days = np.mean([count_periods(line, 1, r, ends).cycle_days[1:] for r in range(4)], axis=(0, 1))
    # A lot is in a tool 28 times for half an hour or more. Tools fail every 60 h for 6 h, which
    # adds 0.08 days. Passes and rework spread by two thirds of a day: 0.01 over 6,500 lots.
    assert days[0] == pytest.approx(9.08, abs=0.04)
    # Seven passes. The line is empty when the plan begins.
    assert days[1] == pytest.approx(4.02, abs=0.03)


def test_tools_are_up_as_the_model_says() -> None:
    small = model(events={}, fabs__one__fleets__litho__domestic={"count": 4})
    line = compile_line(line_of(small, "one"))
    available = np.array([replicate(line, 1, r, 400.0, 40.0).availability for r in range(6)])
    rates = {"litho": (6 * 60.0 / 66.0 * 0.9 + 4 * 0.75 * 0.9) / 10.0, "etch": 80.0 / 88.0}
    for name, expected in rates.items():
        values = available[:, line.group_names.index(name)]
        # Maintenance waits for the lot in the tool, so the last one may fall behind the end.
        assert abs(values.mean() - expected) < 4.0 * values.std(ddof=1) / np.sqrt(6.0) + 0.002


def test_the_kernels_run_such_a_line_like_the_twin() -> None:
    state, twin = run_both(line_of(model(), "one", downstream=True), 120.0, 40)
    assert len(twin.finished) > 50
    assert [order.rates != () for order in twin.data.orders] == [True, True]
    assert int(state.caps["pieces"][0]) == twin.wip["p"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"fabs__one__fleets": {}}, "fleets"),
        ({"tool_groups__etch__imported__initial_mttf_ratio": 0.5}, "initial_mttf_ratio"),
        ({"processes__q__raw_process_days": 0.01}, "less than the work"),
        (
            {"events": {"bad": {"kind": "accident", "start": "2026Q1", "end": "2026Q1",
                                "capacity_ratio": 0.5, "d0_ratio": 1.0}}},
            "event by event",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_simulated_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ModelError, match=words):
        line_of(model(**changes), "one")
