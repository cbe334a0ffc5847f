"""Each rule of the event simulator on a line so small that its times are summed by hand."""

from __future__ import annotations

import numpy as np
import pytest

from tests.flow.lines import data_set, order, step, tool_group
from yieldsim.errors import UsageError
from yieldsim.flow import DataSet, Outcome, compile_line, replicate
from yieldsim.flow.dataset import Calendar, Part, Setup
from yieldsim.flow.laws import Spread
from yieldsim.flow.replicate import new_state, run_to

DAY_MIN = 1440.0
# Times are sums of a few whole minutes, converted to days and back.
CLOSE = {"rel": 1e-12}


def run(data: DataSet, days: float = 20.0, dispatch: str = "data") -> Outcome:
    return replicate(compile_line(data, dispatch), seed=1, replication=0, days=days)


def cycle_min(outcome: Outcome, lot: int = 0) -> float:
    return float(outcome.cycle_days[lot]) * DAY_MIN


def lone(groups: dict[str, object], **of_step: object) -> float:
    """Minutes that a lone lot takes for one step."""
    data = data_set([tool_group(**groups)], [step("1", **of_step)], [order(1.0, releases=1)])
    return cycle_min(run(data))


def pair(groups: dict[str, object], **of_step: object) -> float:
    """Mean minutes of two lots that arrive together at one tool."""
    data = data_set(
        [tool_group(**groups)], [step("1", **of_step)], [order(1.0, releases=1, lots=2)]
    )
    return cycle_min(run(data))


def test_a_lot_is_loaded_processed_and_unloaded() -> None:
    handling = {"load_min": 1.0, "unload_min": 2.0}
    assert lone(handling) == pytest.approx(63.0, **CLOSE)
    assert lone(handling, by_piece=True, time=Spread(2.0)) == pytest.approx(53.0, **CLOSE)
    assert pair(handling) == pytest.approx((63.0 + 126.0) / 2.0, **CLOSE)


def test_a_cascading_tool_takes_the_next_lot_while_it_works() -> None:
    handling = {"load_min": 1.0, "unload_min": 2.0, "capacity": 2}
    by_piece = {"by_piece": True, "time": Spread(4.0), "interval_min": 3.0}
    # The last of 25 pieces enters 24 intervals after the first, and is done 4 minutes later.
    alone = 1.0 + 24 * 3.0 + 4.0 + 2.0
    assert lone(handling, **by_piece) == pytest.approx(alone, **CLOSE)
    # The second lot is loaded at once. Its first piece enters one interval after the last piece.
    assert pair(handling, **by_piece) == pytest.approx(alone + 25 * 3.0 / 2.0, **CLOSE)
    by_lot = {"time": Spread(60.0), "interval_min": 40.0}
    assert lone(handling, **by_lot) == pytest.approx(63.0, **CLOSE)
    assert pair(handling, **by_lot) == pytest.approx(63.0 + 40.0 / 2.0, **CLOSE)


def test_a_hot_lot_goes_into_a_cascading_tool_next() -> None:
    # One lot is in the tool from 0 to 60. Its front is free at 40 and takes the hot lot, which came
    # at 10, then at 80 the second normal lot, which has waited from 0.
    orders = [
        order(1.0, releases=1, lots=2),
        order(1.0, releases=1, name="hot", priority=20, first_min=10.0),
    ]
    steps = [step("1", interval_min=40.0)]
    outcome = run(data_set([tool_group(capacity=2)], steps, orders))
    assert cycle_min(outcome, 1) == pytest.approx(90.0, **CLOSE)
    assert cycle_min(outcome, 0) == pytest.approx((60.0 + 140.0) / 2.0, **CLOSE)


@pytest.mark.parametrize(("setup_min", "second"), [(30.0, 100.0), (100.0, 160.0)])
def test_a_cascading_tool_sets_up_beside_its_work(setup_min: float, second: float) -> None:
    # The first lot needs no setup and enters at 0; the front is free at 40. The second's setup
    # begins with the first lot at 0: it costs nothing, or the second enters at its end.
    parts = {
        "part": Part("part", "family", "r", (step("1", interval_min=40.0),)),
        "other": Part(
            "other", "family", "o",
            (step("1", interval_min=40.0, setup=Setup("o", False, Spread(setup_min))),),
        ),
    }  # fmt: skip
    orders = [order(1.0, releases=1), order(1.0, releases=1, part="other", name="other")]
    outcome = run(data_set([tool_group(capacity=2)], [], orders, parts=parts))
    assert cycle_min(outcome, 1) == pytest.approx(second, **CLOSE)


def test_a_tool_with_minimum_runs_avoids_setups_before_priority() -> None:
    # The tool is set up for a until 70. Then a normal lot of a goes before the hot lot of b.
    parts = {
        name: Part(name, name, name, (step("1", setup=Setup(name, False, Spread(10.0))),))
        for name in "ab"
    }
    orders = [
        order(1.0, releases=1, part="a", name="a", lots=2),
        order(1.0, releases=1, part="b", name="hot", priority=20, first_min=1.0),
    ]
    for min_run_group, hot in (("gas", 70.0 + 60.0 + 70.0 - 1.0), ("", 70.0 + 70.0 - 1.0)):
        group = tool_group(min_run_group=min_run_group)
        data = data_set([group], [], orders, parts=parts, min_runs={"gas": {"a": 1, "b": 1}})
        assert cycle_min(run(data), 1) == pytest.approx(hot, **CLOSE), min_run_group


def test_transport_is_between_steps_and_by_location() -> None:
    groups = [tool_group(name, location=place) for name, place in zip("abc", "xyx", strict=True)]
    steps = [step("1", "a"), step("2", "a"), step("3", "b"), step("4", "c")]
    moves = {("x", "x"): Spread(5.0), ("x", "y"): Spread(7.0)}  # none from y
    data = data_set(groups, steps, [order(1.0, releases=1)], moves=moves)
    assert cycle_min(run(data)) == pytest.approx(4 * 60.0 + 5.0 + 7.0, **CLOSE)


def test_batches_wait_for_the_minimum_and_fill_to_the_maximum() -> None:
    def of(lots: int) -> Outcome:
        batch = step("1", batch_pieces=(50, 75))
        return run(data_set([tool_group()], [batch], [order(1.0, releases=1, lots=lots)]))

    assert of(1).lots_out[0] == 0  # waits forever
    # The second of two lots reaches the minimum. A third and a fourth make the next batch.
    assert cycle_min(of(2)) == pytest.approx(60.0, **CLOSE)
    assert cycle_min(of(4)) == pytest.approx(90.0, **CLOSE)
    assert of(3).lots_out[0] == 2
    assert cycle_min(of(5)) == pytest.approx((2 * 60.0 + 3 * 120.0) / 5.0, **CLOSE)


def test_hot_lots_go_first() -> None:
    orders = [
        order(1.0, releases=1, lots=3),
        order(1.0, releases=1, name="hot", priority=20, first_min=1.0),
    ]
    outcome = run(data_set([tool_group()], [step("1")], orders))
    assert cycle_min(outcome, 1) == pytest.approx(119.0, **CLOSE)
    blind = run(data_set([tool_group(ranks=("rank_FIFO",))], [step("1")], orders))
    assert cycle_min(blind, 1) == pytest.approx(239.0, **CLOSE)


def test_critical_ratio_overtakes_and_first_come_does_not() -> None:
    orders = [
        order(1.0, releases=1, lots=2, due_after_min=1000.0),
        order(1.0, releases=1, name="late", first_min=1.0, due_after_min=500.0),
    ]
    data = data_set([tool_group()], [step("1")], orders)
    assert cycle_min(run(data), 1) == pytest.approx(179.0, **CLOSE)
    assert cycle_min(run(data, dispatch="cr"), 1) == pytest.approx(119.0, **CLOSE)
    assert cycle_min(run(data, dispatch="fifo"), 1) == pytest.approx(179.0, **CLOSE)


def test_due_date_slack_and_shortest_step_by_hand() -> None:
    # One tool, taken until minute 60. Three lots wait; each rule takes another one first.
    short, long = step("1", minutes=30.0), step("1", minutes=100.0)
    parts = {
        "part": Part("part", "family", "route", (step("1"),)),
        # due first, but hardly any work left
        "due": Part("due", "family", "b", (step("1", minutes=50.0),)),
        # due later, with 500 minutes of work behind this step: the least slack
        "slack": Part("slack", "family", "c", (long, step("2", "other", 500.0))),
        "short": Part("short", "family", "d", (short,)),
    }
    orders = [order(1.0, releases=1)] + [
        order(1.0, releases=1, part=name, name=name, first_min=at, due_after_min=due - at)
        for name, at, due in (("due", 1.0, 600.0), ("slack", 2.0, 900.0), ("short", 3.0, 5000.0))
    ]
    data = data_set([tool_group(), tool_group("other")], [], orders, parts=parts)
    for rule, first in (("edd", 1), ("slack", 2), ("spt", 3), ("fifo", 1)):
        outcome = run(data, dispatch=rule)
        work = 50.0 if first == 1 else 600.0 if first == 2 else 30.0
        released = float(first)
        assert cycle_min(outcome, first) == pytest.approx(60.0 + work - released, **CLOSE), rule


def two_recipes(min_run: int, ranks: tuple[str, ...]) -> DataSet:
    """Two parts in turn at one tool, each with its own setup."""
    parts = {
        name: Part(name, name, name, (step("1", setup=Setup(name, False, None)),)) for name in "ab"
    }
    orders = [order(200.0, releases=6, lots=2, part=name, name=name) for name in "ab"]
    return data_set(
        [tool_group(min_run_group="gas" if min_run else "", ranks=ranks)], [], orders,
        parts=parts,
        setup_times={("", "a"): Spread(10.0), ("", "b"): Spread(10.0), ("b", "a"): Spread(30.0)},
        min_runs={"gas": {"a": min_run, "b": min_run}},
    )  # fmt: skip


def test_setups_are_avoided_or_not() -> None:
    setup_min = {}
    for ranks in (("rank_HP", "rank_RSETUP", "rank_FIFO"), ("rank_HP", "rank_FIFO")):
        outcome = run(two_recipes(0, ranks), days=10.0)
        assert list(outcome.lots_out) == [12, 12]
        setup_min[ranks[1]] = float(outcome.setup[0]) * 10.0 * DAY_MIN
    # First come first served: a a b b each time, so one change to b and one back each time.
    assert setup_min["rank_FIFO"] == pytest.approx(6 * 10.0 + 10.0 + 5 * 30.0, **CLOSE)
    assert setup_min["rank_RSETUP"] < setup_min["rank_FIFO"] / 2.0


def test_a_minimum_run_holds_the_tool() -> None:
    # Six lots of a are done at 540, when no other waits. Then b: lots of it wait all the time until
    # its twelfth is done, which the tool takes without a setup. The rest of a needs b to a, 30.
    outcome = run(two_recipes(6, ("rank_HP", "rank_FIFO")), days=10.0)
    assert list(outcome.lots_out) == [12, 12]
    assert float(outcome.setup[0]) * 10.0 * DAY_MIN == pytest.approx(10 + 10 + 30, **CLOSE)
    assert run(two_recipes(13, ("rank_HP", "rank_FIFO"))).lots_out[1] == 0


def test_an_arriving_lot_takes_any_of_the_ready_tools() -> None:
    """The jobs of one of two idle tools are binomial; taken in turn, they would be the half."""
    lots, replications = 100, 60
    data = data_set([tool_group(speeds=(1.0, 1.0))], [step("1")], [order(100.0, releases=lots)])
    line = compile_line(data)
    squares = []
    for r in range(replications):
        state = run_to(line, new_state(line, 1, r, 10.0), 10.0 * DAY_MIN)
        jobs = state.tools["busy"][0] / 60.0
        squares.append((jobs - lots / 2.0) ** 2 / (lots / 4.0))
    # The mean of that many squared standard normals is 1 ± 0.18.
    assert abs(float(np.mean(squares)) - 1.0) < 4.0 * np.sqrt(2.0 / replications)


def test_an_arriving_lot_takes_the_fastest_of_the_ready_tools() -> None:
    group = tool_group(speeds=(0.5, 2.0, 1.0, 2.0))
    line = compile_line(data_set([group], [step("1")], [order(100.0, releases=100)]))
    state = run_to(line, new_state(line, 1, 0, 10.0), 10.0 * DAY_MIN)
    busy = state.tools["busy"].tolist()
    assert busy[0] == busy[2] == 0.0
    assert busy[1] + busy[3] == pytest.approx(100 * 30.0, **CLOSE)
    assert min(busy[1], busy[3]) > 0.0


def test_an_arriving_lot_wakes_the_tool_with_its_setup() -> None:
    def setups(wake: bool) -> float:
        group = tool_group(speeds=(1.0, 1.0), wake_least_setup=wake)
        parts = {
            name: Part(name, name, name, (step("1", setup=Setup(name, False, Spread(9.0))),))
            for name in "abc"
        }
        # a, a, b, a, a, b, one at a time. A tool at random last served the lot k before with
        # probability 2^-k, so it needs a setup for 4/7 of the lots.
        orders = [
            order(3000.0, releases=5, part=name, name=f"{name}{at}", first_min=at)
            for name, at in (("a", 0.0), ("a", 1000.0), ("b", 2000.0))
        ]
        return float(run(data_set([group], [], orders, parts=parts), days=12.0).setup[0])

    assert setups(True) * 2 * 12.0 * DAY_MIN == pytest.approx(2 * 9.0, **CLOSE)
    assert setups(False) > 3.0 * setups(True)


@pytest.mark.parametrize(
    ("tools", "bound", "minutes"),
    [
        # The other two tools take the long jobs. The lot's own tool is free when it returns.
        (3, True, 180.0),
        # Its own tool began the second long job at minute 60. The other is free ten minutes before.
        (2, True, 1060.0 + 60.0),
        (2, False, 1050.0 + 60.0),
    ],
)
def test_a_lens_binds_a_lot_to_its_tool(tools: int, bound: bool, minutes: float) -> None:
    steps = (step("1", lens_for=2 if bound else None), step("pause", "other"), step("2"))
    parts = {
        "part": Part("part", "", "r", steps),
        "long": Part("long", "", "l", (step("1", minutes=1000.0),)),
    }
    orders = [order(1.0, releases=1)]
    orders += [
        order(1.0, releases=1, part="long", name="long", first_min=at) for at in (50.0, 51.0)
    ]
    groups = [tool_group(speeds=(1.0,) * tools), tool_group("other")]
    data = data_set(groups, [], orders, parts=parts)
    assert cycle_min(run(data)) == pytest.approx(minutes, **CLOSE)


def test_queue_time_limits_are_counted() -> None:
    steps = [step("1", limit=(1, 45.0)), step("2", "slow", minutes=90.0)]
    groups = [tool_group(speeds=(1.0,) * 3), tool_group("slow")]
    outcome = run(data_set(groups, steps, [order(1.0, releases=1, lots=3)]))
    assert (outcome.limits[0], outcome.limits_missed[0]) == (3, 2)


def test_rework_goes_back_and_sampling_skips() -> None:
    steps = [step("1"), step("2", rework=(0.25, 0)), step("3", sampling=0.5)]
    groups = [tool_group(speeds=(1.0,) * 99)]
    outcome = run(data_set(groups, steps, [order(10.0)]), days=400.0)
    count = float(outcome.started[0])
    lots = float(outcome.lots_counted[0])
    # Two steps per round, geometric rounds (variance 4 x 4/9), half a third step (variance 1/4).
    # Lots in the line at the end have started a few more steps, far below a standard error.
    mean, variance = 2.0 / 0.75 + 0.5, 4.0 * 4.0 / 9.0 * 0.25 + 0.25
    assert abs(count / lots - mean) < 4.0 * np.sqrt(variance / lots)


def test_maintenance_starts_when_the_tool_is_empty_and_in_turn() -> None:
    dated = Calendar("pm", "tool", "calendar", Spread(1e7), Spread(30.0), Spread(80.0))
    # Due at minute 40 for the first of two tools and at 80 for the second. Lots take an hour.
    data = data_set(
        [tool_group(speeds=(1.0, 1.0))], [step("1")], [order(1.0, releases=1, lots=4)], [dated]
    )
    outcome = run(data, days=1.0)
    assert float(outcome.maintenance[0]) * 2 * DAY_MIN == pytest.approx(60.0, **CLOSE)
    # At 60 the second tool takes the third lot; the first is maintained and takes the fourth at 90.
    assert cycle_min(outcome) == pytest.approx((60 + 60 + 120 + 150) / 4.0, **CLOSE)
    counted = Calendar("pm", "tool", "pieces", Spread(50.0), Spread(30.0), Spread(25.0))
    data = data_set([tool_group()], [step("1")], [order(1.0, releases=1, lots=4)], [counted])
    # After the first lot, and then after every second lot.
    assert cycle_min(run(data)) == pytest.approx((60 + 150 + 210 + 300) / 4.0, **CLOSE)


def test_a_failure_delays_a_job_and_its_repair_is_not_work() -> None:
    failure = Calendar("down", "tool", "failure", Spread(1e7), Spread(45.0), Spread(20.0))
    data = data_set([tool_group()], [step("1")], [order(1.0, releases=1, lots=2)], [failure])
    outcome = run(data, days=1.0)
    assert cycle_min(outcome) == pytest.approx((105.0 + 165.0) / 2.0, **CLOSE)
    assert float(outcome.availability[0]) == pytest.approx(1.0 - 45.0 / DAY_MIN, **CLOSE)
    assert float(outcome.utilization[0]) == pytest.approx(120.0 / (DAY_MIN - 45.0), **CLOSE)


def test_room_for_lots_grows_during_a_run() -> None:
    # A lot every 0.36 minutes, for 2,880 minutes, and one tool that does one per minute.
    outcome = run(data_set([tool_group()], [step("1", minutes=1.0)], [order(0.36)]), days=2.0)
    assert outcome.lots_out[0] == 2880
    # Half the time times the rate at which lots pile up; whole lots at both ends.
    assert outcome.wip == pytest.approx(1440.0 * (1.0 / 0.36 - 1.0), abs=1.5)


@pytest.mark.parametrize(("days", "warmup"), [(0.0, 0.0), (np.nan, 0.0), (5.0, 5.0), (5.0, -1.0)])
def test_days_out_of_range_are_refused(days: float, warmup: float) -> None:
    line = compile_line(data_set([tool_group()], [step("1")], [order(1.0)]))
    with pytest.raises(UsageError, match=r"days|warmup"):
        replicate(line, 1, 0, days, warmup)


def test_the_warm_up_is_left_out() -> None:
    data = data_set([tool_group()], [step("1")], [order(120.0)])
    line = compile_line(data)
    outcome = replicate(line, 1, 0, 10.0, 4.0)
    assert (outcome.lots_out[0], outcome.lots_counted[0]) == (120, 72)
    assert float(outcome.utilization[0]) == pytest.approx(0.5, **CLOSE)
    assert outcome.wip == pytest.approx(0.5, **CLOSE)
