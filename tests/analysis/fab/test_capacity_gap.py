"""Tools that are missing for a number of wafers, by hand on a run made up of arrays."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from yieldsim.analysis.fab.capacity_gap import gap_record
from yieldsim.analysis.fab.capacity_run import FabRun
from yieldsim.errors import UsageError
from yieldsim.report.capacity_gap import gap_text

QUARTERS = ["2026Q1", "2026Q2"]


def made_up() -> FabRun:
    """Two realizations, one process, two groups: litho with both classes, etch imported alone.

    In 2026Q2 the plan is 3,000 wafers a quarter, with 10 passes of litho and 2 of etch each. A
    scanner makes 4,000 passes a quarter (in the second realization 2,000), a domestic one 1,000.
    """
    scanners = np.array([4000.0, 2000.0])
    possible = np.zeros((2, 2, 2, 2))
    possible[:, 1, 0, 0], possible[:, 1, 0, 1] = 10 * scanners, 5 * 1000.0
    possible[:, 1, 1, 0] = 2 * 4000.0
    tools = np.zeros((2, 2, 2, 2))
    tools[:, 1] = [[10.0, 5.0], [2.0, 0.0]]
    load = np.zeros((2, 2, 2))
    load[:, 1] = [30_000.0, 6000.0]
    plan = np.zeros((2, 2, 1))
    plan[:, 1] = 3000.0
    titles: Any = {"litho": SimpleNamespace(title="Scanners"), "etch": SimpleNamespace(title="")}
    model: Any = SimpleNamespace(tool_groups=titles)
    nothing = np.zeros((2, 2, 2))
    return FabRun(
        model=model, scenario="baseline", seed=0, fab="line", realizations=2, quarters=QUARTERS,
        processes=["n2"], groups=["litho", "etch"], classes=np.array([[True, True], [True, False]]),
        figures={"wafer_plan": plan, "tool_load": load, "tool_passes_possible": possible,
                 "tools": tools},
        raw_days=np.zeros((2, 1)), passes_per_hour=nothing, pm=nothing, engineering=nothing,
        nonscheduled=nothing,
    )  # fmt: skip


def test_missing_tools_by_hand() -> None:
    # 2,000 wafers a month need 60,000 passes of litho and 12,000 of etch a quarter. Possible are
    # 45,000 and 25,000 of litho, and 8,000 of etch.
    record = gap_record(made_up(), "2026Q2", 2000.0)
    litho, etch = record["tool_groups"]
    assert (litho["tool_group"], litho["share_short"], record["share_enough"]) == ("litho", 1.0, 0)
    assert litho["passes_missing_per_month"]["mean"] == pytest.approx((15_000 + 35_000) / 6)
    assert litho["load_over_capacity"]["mean"] == pytest.approx((60 / 45 + 60 / 25) / 2)
    imported, domestic = litho["classes"]["imported"], litho["classes"]["domestic"]
    assert (imported["tools"]["p50"], domestic["tools"]["p50"]) == (10.0, 5.0)
    assert imported["tools_missing"]["mean"] == (math.ceil(15 / 4) + math.ceil(35 / 2)) / 2
    assert domestic["tools_missing"]["mean"] == (15 + 35) / 2
    assert list(etch["classes"]) == ["imported"]
    assert etch["classes"]["imported"]["tools_missing"]["p50"] == 1.0  # 4,000 passes are one tool
    text = gap_text("line", record)
    assert text.startswith("line, 2026Q2, 2,000 wafers a month: the tools are enough in 0 % of")
    assert "litho (100 %), etch (100 %)" in text


def test_as_many_wafers_as_the_tools_carry_need_no_more() -> None:
    # In the first realization etch carries 4,000 wafers a quarter and litho 4,500; in the other
    # litho carries 2,500.
    run = made_up()
    record = gap_record(run, "2026Q2", 2500.0 / 3.0)
    assert record["share_enough"] == 1.0
    assert all(group["share_short"] == 0.0 for group in record["tool_groups"])
    assert gap_text("line", record).endswith("enough in 100 % of realizations.")
    more = gap_record(run, "2026Q2", 2501.0 / 3.0)
    (litho,) = (group for group in more["tool_groups"] if group["share_short"])
    assert (more["share_enough"], litho["share_short"]) == (0.5, 0.5)
    assert litho["classes"]["imported"]["tools_missing"]["mean"] == 0.5


def test_a_class_without_tools_says_nothing() -> None:
    run = made_up()
    run.figures["tools"][:, 1, 0, 1] = 0.0
    run.figures["tool_passes_possible"][:, 1, 0, 1] = 0.0
    record = gap_record(run, "2026Q2", 2000.0)
    domestic = record["tool_groups"][0]["classes"]["domestic"]
    assert (domestic["tools_missing"]["p50"], domestic["share_with_tools"]) == (None, 0.0)
    row = next(line for line in gap_text("line", record).splitlines() if "domestic" in line)
    assert row.split() == ["domestic", "0.0", "-", "-", "-"]


@pytest.mark.parametrize("wafers", [0.0, -5.0, math.nan, math.inf, 1e12])
def test_impossible_numbers_are_refused(wafers: float) -> None:
    with pytest.raises(UsageError, match="--for: is out of range"):
        gap_record(made_up(), "2026Q2", wafers)


def test_a_quarter_without_a_plan_is_refused() -> None:
    with pytest.raises(UsageError, match="has no planned wafers"):
        gap_record(made_up(), "2026Q1", 1000.0)
