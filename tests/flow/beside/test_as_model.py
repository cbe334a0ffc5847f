"""A data set as a model: how often steps are done, how long they block a tool, calibration."""

from __future__ import annotations

import numpy as np
import pytest

from tests.flow.lines import data_set, order, step, tool_group
from yieldsim.errors import ModelError
from yieldsim.flow import DataSet, compile_line, count_periods, replicate
from yieldsim.flow.beside.as_model import (
    FAB,
    Calibration,
    calibrate,
    line_tables,
    often_done,
    with_plan,
    work_tables,
)
from yieldsim.flow.beside.fab_steps import fab_steps
from yieldsim.flow.dataset import Calendar, Part, Setup
from yieldsim.flow.laws import Spread
from yieldsim.model.load import ModelFile

CLOSE = {"rel": 1e-12}


def failing(*groups: str) -> list[Calendar]:
    failure, repair = Spread(1000.0, 0.0, "exponential"), Spread(100.0, 0.0, "exponential")
    return [Calendar(f"fail {g}", g, "failure", failure, repair, failure) for g in groups]


def plain(data: DataSet) -> Calibration:
    return Calibration(dict.fromkeys(data.groups, 0.0), dict.fromkeys(data.groups, 1.0), 1.0)


def test_how_often_steps_are_done() -> None:
    # Half of the lots do the first step. A quarter return from the third to the second.
    part = Part("p", "", "r", (step("1", sampling=0.5), step("2"), step("3", rework=(0.25, 1))))
    assert often_done(part) == pytest.approx([0.5, 4.0 / 3.0, 4.0 / 3.0], **CLOSE)


def test_a_visit_blocks_a_tool_for_the_work_or_for_the_intervals() -> None:
    handled = {"load_min": 1.0, "unload_min": 2.0}
    groups = [tool_group("one", **handled), tool_group("two", capacity=2, **handled)]
    steps = [
        step("1", "one", minutes=40.0),
        step("2", "two", time=Spread(2.0), by_piece=True, interval_min=1.6),
        step("3", "one", minutes=20.0),
    ]
    data = data_set(groups, steps, [order(100.0)], failing("one", "two"))
    tables = work_tables(data, plain(data))
    one, two = (tables["tool_groups"][name]["imported"] for name in ("one", "two"))
    # 43 and 23 minutes: a mean visit of 33. The intervals of 25 pieces take 40.
    assert 25.0 / one["wafers_per_hour"] == pytest.approx(33.0 / 60.0, **CLOSE)
    assert 25.0 / two["wafers_per_hour"] == pytest.approx(40.0 / 60.0, **CLOSE)
    layers = tables["processes"]["part"]["layers"].values()
    visits = {g: sum(layer["visits"].get(g, 0.0) for layer in layers) for g in ("one", "two")}
    assert visits == pytest.approx({"one": 2.0, "two": 1.0}, **CLOSE)
    # A lot is in the second tool for 1 + 2 + 24 x 1.6 + 2 minutes.
    raw_min = 43.0 + 23.0 + 43.4
    assert tables["processes"]["part"]["raw_process_days"] == pytest.approx(raw_min / 1440.0)
    assert tables["tool_groups"]["one"]["service_cv2"] == pytest.approx((10.0 / 33.0) ** 2)


def test_failures_and_maintenance_become_one_downtime() -> None:
    dated = Calendar("pm", "tool", "calendar", Spread(2000.0), Spread(300.0), Spread(2000.0))
    counted = Calendar("n", "tool", "pieces", Spread(250.0), Spread(30.0), Spread(250.0))
    data = data_set([tool_group()], [step("1")], [order(100.0)], [*failing("tool"), dated, counted])
    tool = work_tables(data, plain(data))["tool_groups"]["tool"]["imported"]
    down = 100.0 / 1100.0 + 300.0 / 2000.0
    mttf, mttr = tool["mttf_hours"], tool["mttr_hours"]
    assert mttr / (mttf + mttr) == pytest.approx(down, **CLOSE)
    assert 1.0 / (mttf + mttr) == pytest.approx(60.0 * (1.0 / 1100.0 + 1.0 / 2000.0), **CLOSE)
    square = (2.0 * 100.0**2 / 1100.0 + 300.0**2 / 2000.0) / (1.0 / 1100.0 + 1.0 / 2000.0)
    assert tool["repair_cv2"] + 1.0 == pytest.approx(square / 3600.0 / mttr**2, **CLOSE)
    # Thirty minutes after 250 pieces are 3 per lot.
    assert 25.0 / tool["wafers_per_hour"] == pytest.approx(63.0 / 60.0, **CLOSE)


def test_setups_and_batches_are_calibrated() -> None:
    groups = [tool_group("oven", speeds=(1.0,) * 4), tool_group("tool", load_min=1.0)]
    parts = {
        name: Part(name, name, name, (
            step("1", "oven", minutes=120.0, batch_pieces=(50, 75)),
            step("2", "tool", minutes=20.0, setup=Setup(name, False, Spread(10.0)))))
        for name in "ab"
    }  # fmt: skip
    orders = [order(100.0, part=name, name=name, first_min=50.0 * k) for k, name in enumerate("ab")]
    data = data_set(groups, [], orders, failing("oven", "tool"), parts=parts)
    line = compile_line(data)
    run = calibrate(data, line, replicate(line, 1, 0, 400.0, 10.0), 1.0)
    # A batch starts with two lots, because an oven is free. The ends of the window cut some off.
    assert run.fill["oven"] == pytest.approx(2.0, rel=0.01)
    assert run.fill["tool"] == 1.0
    # At most one setup per lot, and fewer because two lots of one kind arrive together.
    assert 3.0 < run.setup_min["tool"] < 7.0
    assert run.setup_min["oven"] == 0.0


def test_lots_of_two_sizes_are_refused() -> None:
    orders = [order(100.0), order(100.0, name="small", pieces=5)]
    data = data_set([tool_group()], [step("1")], orders, failing("tool"))
    with pytest.raises(ModelError, match="pieces"):
        work_tables(data, plain(data))


def test_the_line_takes_plan_cap_and_tools_from_the_model() -> None:
    groups = [tool_group(speeds=(1.0,) * 8)]
    orders = [order(20.0), order(200.0, name="hot", priority=20)]
    data = data_set(groups, [step("1"), step("2")], orders, failing("tool"))
    raw = line_tables(data, plain(data), [0.5, 1.0, 1.5], ["2030Q1", "2030Q2", "2030Q3"])
    origin = {"source": "data_set", "grade": "assumed"}
    raw["simulation"] = {"start": "2030Q1", "end": "2030Q3", "warmup_quarters": 0}
    raw["events"] = {"lost": {"kind": "tools_lost", "start": "2030Q3", "share": 0.5, **origin}}
    raw["fabs"][FAB]["wip_cap_ratio"] = 30.0
    model = ModelFile("line", raw, {}).model()
    steps = fab_steps(model, FAB)
    line = compile_line(with_plan(data, model))
    found = count_periods(line, 1, 0, steps.quarter_ends_days)
    due = (found.started + found.lost).sum(axis=1)
    assert due == pytest.approx(steps.planned["part"].reshape(3, 13).sum(axis=1), abs=50.0)
    assert found.started[0, 1] / found.started[0, 0] == pytest.approx(0.1, abs=0.01)
    # Failures leave 10.9 lots per day and tool. Four tools do less than the last plan.
    assert found.lost[:2].sum() == 0.0
    assert found.lost[2].sum() > 0.0
    per_day = 4.0 * (1000.0 / 1100.0) * 1440.0 / 120.0 * 25.0
    days = 365.25 / 4.0
    assert found.finished[2].sum() == pytest.approx(per_day * days, rel=0.03)
    assert found.wip[2].sum() == pytest.approx(steps.cap["part"][-1], abs=50.0)
    assert steps.cap["part"][-1] == pytest.approx(30.0 * per_day * 120.0 / 1440.0, rel=1e-9)


def test_the_plain_plan_changes_nothing() -> None:
    data = data_set([tool_group()], [step("1")], [order(100.0)], failing("tool"))
    raw = line_tables(data, plain(data), [1.0] * 2, ["2030Q1", "2030Q2"])
    raw["simulation"] = {"start": "2030Q1", "end": "2030Q2", "warmup_quarters": 0}
    raw["fabs"][FAB]["wip_cap_ratio"] = 1e6
    same = with_plan(data, ModelFile("line", raw, {}).model())
    counts = [count_periods(compile_line(line), 1, 0, [50.0, 150.0]) for line in (data, same)]
    assert np.array_equal(counts[0].finished, counts[1].finished)
