"""Load, capacity, states of the tools and times of a fab, by hand and against the outputs."""

import math
from functools import cache

import numpy as np
import pytest

from tests.paths import VALID
from yieldsim.analysis.fab.capacity import capacity_record
from yieldsim.analysis.fab.capacity_run import FabRun, run_fab
from yieldsim.analysis.fab.capacity_tools import STATES, e10_states, share_of_largest, spread
from yieldsim.errors import UsageError
from yieldsim.model.load import load_file
from yieldsim.supply.simulate import Simulator

HOURS = 365.25 / 4 * 24  # of a quarter
ROUND = 1e-6  # outputs are float32, 6e-8 of each figure
ETCH = (  # a second group: 1 imported tool and 1 domestic one, 9 passes a wafer
    'tool_groups.etch={source="made_up",defect_weight=0,'
    "imported={wafers_per_hour=20,mttf_hours=90,mttr_hours=10,pm_fraction=0.2,"
    "engineering_fraction=0.1,nonscheduled_fraction=0.1},"
    "domestic={wafers_per_hour=10,performance=0.5,mttf_hours=50,mttr_hours=50}}",
    "processes.n2.visits.etch=9",
    'fabs.line.fleets.etch={imported={source="made_up",count=1},'
    'domestic={source="made_up",count=1}}',
)
EITHER = (  # the scanners carry 10 or 8 wafers an hour
    'tool_groups.litho.imported.wafers_per_hour={dist="discrete",values=[8,10],weights=[0.3,0.7]}'
)
FIRE = (
    'events.fire={kind="accident",start="2026Q2",end="2026Q3",capacity_ratio=0.5,d0_ratio=1,'
    'source="made_up",grade="assumed"}'
)


@cache
def ran(
    name: str, *changes: str, fab: str = "line", realizations: int = 2, seed: int = 5
) -> FabRun:
    file = load_file(VALID / f"{name}.toml").with_changes(changes)
    return run_fab(file, fab, "baseline", realizations, seed, threads=1)


def group(record: dict, name: str) -> dict:
    return next(entry for entry in record["tool_groups"] if entry["tool_group"] == name)


def test_load_over_capacity_by_hand() -> None:
    """30,000 passes a quarter on 2 tools x 10 wafers an hour x 0.9."""
    record = capacity_record(ran("one_group", "simulation.warmup_quarters=16"), "2026Q4")
    litho = group(record, "litho")
    possible = 2 * 10 * 0.9 * HOURS
    assert litho["load_over_capacity"]["p50"] == pytest.approx(30_000 / possible, rel=ROUND)
    assert litho["passes_planned_per_month"]["mean"] == pytest.approx(10_000, rel=ROUND)
    assert litho["passes_possible_per_month"]["mean"] == pytest.approx(possible / 3, rel=ROUND)
    assert litho["visits_per_wafer"]["p90"] == pytest.approx(10, rel=ROUND)
    assert litho["capacity_wafers_per_month"]["p10"] == pytest.approx(possible / 30, rel=ROUND)
    assert litho["rank"] == 1
    assert litho["share_scarcest"] == 1.0
    assert list(litho["classes"]) == ["imported"]
    imported = litho["classes"]["imported"]
    assert imported["tools"]["p50"] == 2.0
    assert imported["availability"]["p50"] == pytest.approx(0.9, rel=ROUND)
    # the line is in its steady state: it makes what the plan asks for
    assert litho["utilization"]["p50"] == pytest.approx(30_000 / possible, rel=1e-4)
    assert imported["e10"]["productive"] == pytest.approx(0.9 * 30_000 / possible, rel=1e-4)
    assert imported["e10"]["unscheduled_down"] == pytest.approx(0.1, rel=ROUND)
    (process,) = record["processes"]
    assert process["planned_wafers_per_month"]["p50"] == pytest.approx(1000, rel=ROUND)
    assert process["raw_process_days"]["p50"] == 20.0
    days = process["cycle_time_days"]["p50"]
    assert process["x_factor"]["p50"] == pytest.approx(days / 20.0, rel=ROUND)
    assert process["wip_wafers"]["p50"] == pytest.approx(3000 * days / (HOURS / 24), rel=1e-4)


def test_the_bottleneck_of_two_groups_by_hand() -> None:
    record = capacity_record(ran("one_group", *ETCH), "2026Q4")
    imported, domestic = 20 * 0.9 * 0.8 * 0.9 * 0.9 * HOURS, 10 * 0.5 * 0.5 * HOURS
    loads = {"etch": 27_000 / (imported + domestic), "litho": 30_000 / (2 * 10 * 0.9 * HOURS)}
    assert loads["etch"] > loads["litho"]
    assert [entry["tool_group"] for entry in record["tool_groups"]] == list(loads)
    for rank, (name, load) in enumerate(loads.items(), start=1):
        entry = group(record, name)
        assert entry["rank"] == rank
        assert entry["load_over_capacity"]["p50"] == pytest.approx(load, rel=ROUND)
        assert entry["share_scarcest"] == (1.0 if rank == 1 else 0.0)
    classes = group(record, "etch")["classes"]
    for kind, possible in (("imported", imported), ("domestic", domestic)):
        tools = classes[kind]
        assert tools["passes_possible_per_month"]["p50"] == pytest.approx(possible / 3, rel=ROUND)
        assert tools["share_of_possible"] == pytest.approx(
            possible / (imported + domestic), rel=ROUND
        )
    states = classes["imported"]["e10"]
    assert states["nonscheduled"] == pytest.approx(0.1, rel=ROUND)
    assert states["scheduled_down"] == pytest.approx(0.9 * 0.2, rel=ROUND)
    assert states["unscheduled_down"] == pytest.approx(0.9 * 0.8 * 0.1, rel=ROUND)
    assert states["engineering"] == pytest.approx(0.9 * 0.8 * 0.9 * 0.1, rel=ROUND)
    available = 0.9 * 0.8 * 0.9 * 0.9
    made = classes["imported"]["passes_made_per_month"]["mean"] * 3
    assert states["productive"] == pytest.approx(made / (20 * HOURS), rel=ROUND)
    assert states["standby"] == pytest.approx(available - made / (20 * HOURS), rel=1e-5)
    by_quarter = record["quarters"][-1]
    assert by_quarter["bottleneck"] == "etch"
    assert by_quarter["load_over_capacity"] == group(record, "etch")["load_over_capacity"]
    assert by_quarter["share_carried"] == 1.0


def test_shares_and_ranks_where_either_group_may_be_the_scarcest() -> None:
    """Litho's load is 0.76 or 0.95 of its capacity, etch's 0.87."""
    run = ran("one_group", *ETCH, EITHER, realizations=64)
    slow = float((run.passes_per_hour[:, run.groups.index("litho"), 0] == 8.0).mean())
    assert 0.0 < slow < 0.5  # so that the median of litho is 0.76
    record = capacity_record(run, "2026Q3")
    assert group(record, "litho")["share_scarcest"] == slow
    assert group(record, "etch")["share_scarcest"] == 1.0 - slow
    assert [entry["tool_group"] for entry in record["tool_groups"]] == ["etch", "litho"]
    litho = group(record, "litho")["load_over_capacity"]
    assert litho["p90"] == pytest.approx(30_000 / (16 * 0.9 * HOURS), rel=ROUND)
    assert record["quarters"][2]["share_carried"] == 1.0
    more = capacity_record(
        ran("one_group", *ETCH, EITHER, "fabs.line.plan.n2=1100", realizations=64), "2026Q3"
    )
    assert more["quarters"][2]["share_carried"] == 1.0 - slow  # 0.95 x 1.1 is above 1


def test_states_are_shares_of_total_time() -> None:
    """Of every class that is there, in every realization and quarter, with all that may be."""
    for name, fab in (("layers", "shared"), ("shocks", None), ("two_fabs", "north")):
        model = load_file(VALID / f"{name}.toml").model()
        run = ran(name, fab=fab or next(iter(model.fabs)), realizations=6)
        assert run.groups
        for q in range(len(run.quarters)):
            states = e10_states(run, q)
            assert list(states) == list(STATES)
            there = run.figures["tools"][:, q] > 0.0
            total = sum(states.values())
            # drawn shares in double precision, availability in float32
            np.testing.assert_allclose(total[there], 1.0, rtol=0.0, atol=3e-7)
            assert np.isnan(total[~there]).all()
            for state, share in states.items():
                assert (share[there] >= -3e-7).all(), state
            # productive time is that of the passes made, at the rate of a tool in production
            made, tools = run.figures["tool_passes"][:, q], run.figures["tools"][:, q]
            hours = made[there] / run.passes_per_hour[there] / (tools[there] * HOURS)
            np.testing.assert_allclose(states["productive"][there], hours, rtol=1e-5, atol=1e-9)


def test_the_time_that_an_accident_takes_is_down() -> None:
    run = ran("one_group", FIRE)
    record = capacity_record(run, "2026Q2")
    states = group(record, "litho")["classes"]["imported"]["e10"]
    assert states["unscheduled_down"] == pytest.approx(0.1 + 0.5 * 0.9, rel=ROUND)
    assert states["productive"] + states["standby"] == pytest.approx(0.45, rel=ROUND)
    assert record["quarters"][1]["load_over_capacity"]["p50"] == pytest.approx(
        30_000 / (0.5 * 2 * 10 * 0.9 * HOURS), rel=ROUND
    )
    assert capacity_record(run)["quarter"] == "2026Q2"  # the quarter with the largest load


def test_a_group_without_tools_has_an_infinite_load() -> None:
    later = '{quarters=["2027Q1"], values=[2], interpolate="step", before="zero"}'
    run = ran("one_group", f"fabs.line.fleets.litho.imported.count={later}")
    record = capacity_record(run, "2026Q4")
    litho = group(record, "litho")
    assert litho["load_over_capacity"] == dict.fromkeys(spread(np.array([])))
    assert litho["rank"] == 1
    assert litho["share_scarcest"] == 1.0
    assert litho["utilization"]["p50"] == 0.0
    assert litho["classes"]["imported"]["availability"]["p50"] is None
    assert litho["classes"]["imported"]["e10"] == dict.fromkeys(STATES)
    assert record["quarters"][3]["share_carried"] == 0.0


def test_a_group_without_limit_stands_by() -> None:
    record = capacity_record(ran("one_group", 'simulation.no_limit=["tools"]'), "2026Q4")
    states = group(record, "litho")["classes"]["imported"]["e10"]
    assert math.fsum(states.values()) == pytest.approx(1.0, abs=3e-7)
    assert states["standby"] == pytest.approx(0.9, rel=1e-5)
    assert record["no_limit"] == ["tools"]


def test_a_fab_without_tools_has_its_wafers_alone() -> None:
    record = capacity_record(ran("one_line"))
    assert record["has_tools"] is False
    assert record["tool_groups"] == []
    assert record["chosen"] == "largest plan"
    assert record["quarters"][0]["bottleneck"] is None
    assert record["quarters"][0]["share_carried"] is None
    (process,) = record["processes"]
    assert process["out_wafers_per_month"]["p50"] == pytest.approx(1000, rel=ROUND)
    assert process["x_factor"]["p50"] is None  # no raw process time in the model


def test_nothing_planned_is_no_bottleneck() -> None:
    record = capacity_record(ran("one_group", "fabs.line.plan.n2=0"))
    assert group(record, "litho")["rank"] is None
    assert record["chosen"] == "largest plan"
    assert record["quarters"][0]["bottleneck"] is None
    assert record["quarters"][0]["cycle_time_days"]["p50"] is None
    assert record["quarters"][0]["share_carried"] == 1.0


def test_figures_and_draws_are_those_of_the_fab() -> None:
    """The second fab of two, in two blocks, against the whole output of the simulator."""
    count = 40
    run = ran("two_fabs", fab="south", realizations=count)
    setting = f"simulation.outputs={list(run.figures)}"
    file = load_file(VALID / "two_fabs.toml").with_changes([setting])
    simulator = Simulator(file, ["baseline"], 5)
    block = simulator.block(0, count)
    model = simulator.models["baseline"]
    fab = list(model.fabs).index("south")
    for name, figure in run.figures.items():
        names = run.processes if name.startswith(("wafer", "cycle")) else run.groups
        all_names = list(model.processes if names is run.processes else model.tool_groups)
        for place, label in enumerate(names):
            wanted = block[name][0, :, :, fab, all_names.index(label)]
            np.testing.assert_array_equal(figure[:, :, place], wanted, err_msg=name)
    assert run.processes == list(model.fabs["south"].plan)
    paths = [p.path for p in simulator.parameters]
    raw = block["parameter_value"][0, :, paths.index("processes.n2.raw_process_days")]
    np.testing.assert_array_equal(run.raw_days[:, run.processes.index("n2")], raw)


def test_threads_do_not_matter() -> None:
    file = load_file(VALID / "two_fabs.toml")
    records = [
        capacity_record(run_fab(file, "north", "baseline", 70, 5, threads=threads))
        for threads in (1, 2)
    ]
    assert records[0] == records[1]


LONG = ('simulation.end="2045Q4"', "simulation.steps_per_quarter=13")
LITTLE = ("wafer_outs", "cycle_time_days", "wafer_wip")


def test_littles_law_without_noise() -> None:
    """WIP at the end of a step = wafers out a day x days in the line, in the steady state.

    A cohort that stays n - m steps is counted at the end of so many; its wafers enter evenly over
    the first one and leave in the middle of the last, so the mean stay is as long.
    """
    run = ran("one_group", *ETCH, *LONG, "fabs.line.plan.n2=900")
    outs, days, wip = (run.figures[name][0, 40:, 0].astype(float) for name in LITTLE)
    assert days.min() > 21.0  # some of it is waiting
    # what is left of the way to the steady state, and float32
    np.testing.assert_allclose(wip, outs * days / (HOURS / 24), rtol=1e-5)
    np.testing.assert_allclose(outs, 2700, rtol=1e-5)


@pytest.mark.statistical
@pytest.mark.parametrize("plan", [900, 1050])
def test_littles_law_with_noise(plan: int) -> None:
    """Mean WIP = mean wafers out a day x mean days, each over many quarters of many worlds.

    What the ends of the 72 quarters say of WIP against what left in between: four standard errors,
    and a thousandth for the wafers that are in the line at both ends.
    """
    noise = "simulation.process_noise=true"
    run = ran("one_group", *ETCH, *LONG, noise, f"fabs.line.plan.n2={plan}", realizations=64)
    outs, days, wip = (run.figures[name][:, 8:, 0].astype(float) for name in LITTLE)
    gap = (wip - outs * days / (HOURS / 24)).mean(axis=1)
    error = gap.std(ddof=1) / math.sqrt(len(gap))
    assert wip.mean() > 1.1 * 3 * plan * 20 / (HOURS / 24)  # wafers wait
    assert 4.0 * error < 0.01 * wip.mean()  # the test can tell a step from two
    assert abs(gap.mean()) < 4.0 * error + 1e-3 * wip.mean()


def test_statistics_of_what_may_be_infinite_or_undefined() -> None:
    statistics = spread(np.array([1.0, np.inf, np.nan, 2.0, np.inf]))
    assert statistics["p10"] == 2.0  # the order statistic above
    assert statistics["p50"] is None
    assert statistics["mean"] is None
    assert spread(np.array([np.nan]))["p50"] is None
    assert spread(np.array([1.0, 3.0]))["p50"] == 2.0


def test_ties_and_idle_worlds() -> None:
    ratio = np.array([[0.5, 0.5, 0.1], [0.0, 0.0, 0.0], [0.2, np.inf, np.inf], [0.1, 0.2, 0.3]])
    np.testing.assert_array_equal(share_of_largest(ratio), [0.25, 0.25, 0.25])


@pytest.mark.parametrize(
    ("quarter", "message"),
    [
        ("2030Q1", "--quarter: is not in the model's time, got '2030Q1'; allowed: 2026Q1 to"),
        ("2026", "--quarter: must be a quarter, got '2026'; allowed: such as \"2026Q3\""),
    ],
)
def test_a_quarter_must_be_one_of_the_model(quarter: str, message: str) -> None:
    with pytest.raises(UsageError) as error:
        capacity_record(ran("one_group"), quarter)
    assert str(error.value).startswith(message)
