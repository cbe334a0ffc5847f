"""Reading the SMT2020 tab-text format: what is understood, and the one line for what is not."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.paths import SHARED, SMALL_LINE
from yieldsim.errors import ModelError
from yieldsim.flow import compile_line, read_dataset, replicate
from yieldsim.flow.smt2020.tsv import Spread, read_table

HVLM = SHARED / "data" / "smt2020" / "hvlm"

# A line of two tool groups, with a value in every column that is read.


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SMALL_LINE, tmp_path / "small"))


def change(folder: Path, file: str, row: int, column: str, value: str) -> None:
    """Write one cell anew; rows are counted as an editor does."""
    lines = [line.split("\t") for line in (folder / file).read_text("utf-8").splitlines()]
    lines[row - 1][lines[0].index(column)] = value
    (folder / file).write_text("\n".join("\t".join(line) for line in lines), encoding="utf-8")


def test_every_column_is_understood(folder: Path) -> None:
    data = read_dataset(folder)
    etch, oven = data.groups["Etch"], data.groups["Oven"]
    assert (etch.speeds, etch.capacity, etch.area, etch.place) == ((1.0,) * 3, 2, "Dry", "Fab")
    assert (etch.load_min, etch.unload_min, etch.runs) == (1.0, 0.5, "Gas")
    assert etch.ranks == ("rank_HP", "rank_RSETUP", "rank_FIFO")
    assert (etch.wake_least_setup, oven.wake_least_setup, oven.runs) == (True, False, "")
    one, two, three = data.parts["part_1"].steps
    assert (one.time, one.by_piece, one.interval_min) == (Spread(2.0, 0.5, "uniform"), True, 1.5)
    assert (one.sampled, one.lens_for, one.limit) == (0.4, 2, (1, 180.0))
    assert one.setup is not None
    assert (one.setup.name, one.setup.always, one.setup.time) == ("gas_1", False, None)
    assert (two.time, two.batch_pieces) == (Spread(240.0, 0.0, "exponential"), (50, 75))
    assert (three.time, three.by_piece, three.interval_min) == (Spread(90.0), False, 60.0)
    assert three.rework == (0.015, 0)
    assert three.setup is not None
    assert (three.setup.always, three.setup.time) == (True, Spread(8.0))
    lot, hot = data.orders
    assert (lot.every, lot.releases, lot.lots, lot.due_after_min) == (Spread(50.0), 2000, 1, 3600.0)
    assert (hot.every, hot.priority, hot.lots) == (Spread(1200.0, 0.0, "exponential"), 20, 2)
    assert (hot.first_min, hot.due_after_min) == (360.0, 1440.0)
    assert data.setups == {("gas_1", "gas_2"): Spread(7.0), ("", "gas_1"): Spread(72.0)}
    assert data.least_runs == {"Gas": {"gas_1": 7, "gas_2": 5}}
    assert data.moves == {("Fab", "Far"): Spread(7.5, 2.5, "uniform")}
    down, dated, counted = data.calendars
    assert (down.group, down.kind, down.every.law) == ("Etch", "failure", "exponential")
    assert (dated.every, dated.first) == (Spread(43200.0), Spread(39312.0))
    assert dated.lasts.mean == pytest.approx(825.6)
    assert (counted.kind, counted.every, counted.first) == ("pieces", Spread(2000), Spread(1500))


def test_what_is_read_runs(folder: Path) -> None:
    found = replicate(compile_line(read_dataset(folder)), 1, 0, 60.0)
    assert found.lots_out[0] > 1000
    assert found.lots_out[1] > 80


def test_files_that_a_line_does_not_need_may_be_absent(folder: Path) -> None:
    for name in ("setup.txt", "downcal.txt", "pmcal.txt", "attach.txt", "fromto.txt"):
        (folder / name).unlink()
    data = read_dataset(folder)
    assert (data.calendars, data.moves, data.setups) == ((), {}, {})


def test_lots_in_the_line_slower_tools_and_comments(folder: Path) -> None:
    (folder / "WIP.txt").write_text(
        "LOT\tPART\tPRIOR\tPIECES\tSTART\tCURSTEP\tDUE\n"
        "Init_Lot_1\tpart_1\t10\t25\t12/31/17 00:00:00\t3\t01/02/18 00:00:00\n",
        encoding="utf-8",
    )
    table = (folder / "tool.txt").read_text("utf-8").splitlines()
    rows = [line.split("\t") for line in table]
    rows[0].append("SPEED")
    slower = [*rows[1], "0.5"]
    slower[rows[0].index("STNQTY")] = "2"
    lines = ["\t".join(row) for row in (*rows, slower)]
    lines[1:1] = ["~ nothing here is read\tx", "", "\t\t"]
    (folder / "tool.txt").write_text("\n".join(lines), encoding="utf-16")
    data = read_dataset(folder)
    assert data.groups["Etch"].speeds == (1.0, 1.0, 1.0, 0.5, 0.5)
    wip = data.orders[-1]
    assert (wip.name, wip.step, wip.released_min, wip.due_after_min) == ("Lot", 2, -1440.0, 2880.0)


WRONG = {
    "no number": ("tool.txt", 2, "STNQTY", "three", "is not a number", ">= 1"),
    "half a tool": ("tool.txt", 3, "STNQTY", "2.5", "whole number", ">= 1"),
    "no tool": ("tool.txt", 3, "STNQTY", "0", "out of range", ">= 1"),
    "unit": ("tool.txt", 2, "LTUNITS", "minutes", "not known", "sec, min, hr, day"),
    "rule": ("tool.txt", 2, "RULE", "rule_x", "not known", "rule_HotLotFIRST"),
    "rank": ("tool.txt", 2, "FWLRANK", "rank_FIFO;rank_HP", "ranking", "rank_HP;rank_RSETUP"),
    "wake": ("tool.txt", 2, "WAKERESRANK", "wake_x", "not known", "wake_LeastSetupTime"),
    "setup group": ("tool.txt", 2, "SETUPGRP", "Gaz", "no setup group", "Gas"),
    "route file": ("part.txt", 2, "ROUTEFILE", "route_9.txt", "not in the folder", "part.txt"),
    "route": ("part.txt", 2, "ROUTE", "r_9", "no step in route_1.txt", "a route of that file"),
    "group": ("route_1.txt", 3, "STNFAM", "Ovem", "no tool group", "Etch, Oven"),
    "law": ("route_1.txt", 2, "PDIST", "normal", "not known", "constant, uniform, exponential"),
    "negative": ("route_1.txt", 2, "PTIME", "-2", "out of range", ">= 0"),
    "infinite": ("route_1.txt", 2, "PTIME", "inf", "out of range", ">= 0"),
    "half width": ("route_1.txt", 2, "PTIME2", "2.5", "out of range", "<= 2"),
    "empty": ("route_1.txt", 2, "PTIME", "", "not a number", ">= 0"),
    "per": ("route_1.txt", 2, "PTPER", "per_wafer", "not known", "per_piece, per_lot, per_batch"),
    "batch": ("route_1.txt", 3, "BATCHMN", "100", "out of range", "<= 75"),
    "no batch": ("route_1.txt", 3, "BATCHMX", "", "is empty", "pieces of a batch"),
    "percent": ("route_1.txt", 2, "StepPercent", "140", "out of range", "<= 100"),
    "always rework": ("route_1.txt", 4, "REWORK", "100", "never end", "< 100"),
    "rework to": ("route_1.txt", 4, "RWKSTEP", "7", "no step of this route", "1, 2, 3"),
    "lens back": ("route_1.txt", 2, "FORSTEP", "1", "not come after", "later step"),
    "lens elsewhere": ("route_1.txt", 2, "FORSTEP", "2", "other tools", "Etch"),
    "limit": ("route_1.txt", 2, "STEP_CQT", "9", "no step of this route", "1, 2, 3"),
    "interval": ("route_1.txt", 3, "PartInterval", "1", "needs PTPER per_piece", "empty"),
    "step twice": ("route_1.txt", 3, "STEP", "1", "is there twice", "once"),
    "part": ("order.txt", 2, "PART", "part_2", "no part of part.txt", "part_1"),
    "pieces": ("order.txt", 2, "PIECES", "100", "more than the batches", "from 1 to 75"),
    "date": ("order.txt", 3, "START", "2018-01-01", "not a date", "MM/DD/YY"),
    "repeat": ("order.txt", 2, "REPEAT", "0", "out of range", "> 0"),
    "calendar": ("attach.txt", 2, "CALNAME", "BREAK_2", "no name of downcal.txt", "BREAK"),
    "area": ("attach.txt", 2, "RESNAME", "Wet", "no STNGRP", "Dry, Hot"),
    "maintenance": ("pmcal.txt", 2, "PMCALTYPE", "by_cal", "not known", "mtbpm_by_cal"),
    "failure": ("downcal.txt", 2, "MTTF", "0", "out of range", "> 0"),
    "move": ("fromto.txt", 2, "DTIME2", "8", "out of range", "<= 7.5"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_cell_is_one_line_with_its_place(case: str, folder: Path) -> None:
    file, row, column, value, problem, allowed = WRONG[case]
    change(folder, file, row, column, value)
    with pytest.raises(ModelError) as caught:
        read_dataset(folder)
    message = str(caught.value)
    assert message.startswith(f"{file} row {row} column {column}: ")
    assert "\n" not in message
    assert repr(value) in message
    before, after = message.split("; allowed: ")
    assert problem in before
    assert allowed in after


def drop(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def write(name: str, text: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes(text)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (drop("tool.txt"), "tool.txt"),
        (drop("order.txt"), "order.txt"),
        (drop("setupgrp.txt"), "tool.txt row 2 column SETUPGRP: is no setup group"),
        (write("order.txt", b""), "order.txt row 1: names no columns"),
        (write("order.txt", b"LOT\tPART\n"), "order.txt row 1: lacks a column"),
        (write("order.txt", b"LOT\tPART\tPIECES\tSTART\n"), "order.txt: holds no order"),
        (write("part.txt", b"PART\tROUTEFILE\n"), "part.txt: holds no part"),
        (write("tool.txt", b"STNFAM\tSTNQTY\n"), "tool.txt: holds no tool group"),
        (write("tool.txt", b"STNFAM\tSTNQTY\nx\t1\t\t7\n"), "tool.txt row 2: has more cells"),
        (write("tool.txt", b"\xff\xfd\xff"), "tool.txt: is not text"),
    ],
)
def test_a_spoilt_file_is_one_line(
    spoil: Callable[[Path], object], message: str, folder: Path
) -> None:
    spoil(folder)
    with pytest.raises(ModelError) as caught:
        read_dataset(folder)
    assert message in str(caught.value)
    assert "; allowed: " in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_folder_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="is no folder"):
        read_dataset(tmp_path / "nothing")


def test_a_pair_of_setups_is_there_once(folder: Path) -> None:
    with (folder / "setup.txt").open("a", encoding="utf-8") as file:
        file.write("gas_1\tgas_2\t9\tmin\tEtch\n")
    with pytest.raises(ModelError, match=r"setup.txt row 4 column NEWSETUP: is there twice"):
        read_dataset(folder)


def test_a_table_needs_its_columns(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("A\tB\n1\t2\n", encoding="utf-8")
    assert read_table(tmp_path / "x.txt", ("A",))[0].text("B") == "2"
    with pytest.raises(ModelError, match=r"x.txt row 1: lacks a column.*; allowed: C"):
        read_table(tmp_path / "x.txt", ("A", "C"))


@pytest.mark.skipif(not HVLM.is_dir(), reason="shared/data/smt2020/hvlm is not here")
def test_the_public_data_set_is_read_whole() -> None:
    data = read_dataset(HVLM)
    assert len(data.groups) == 106  # with the one for delays
    real = [group for group in data.groups.values() if group.area != "Delay_32"]
    assert sum(len(group.speeds) for group in real) == 1043
    assert [len(part.steps) for part in data.parts.values()] == [583, 343]
    per_week = sum(7 * 1440 / order.every.mean for order in data.orders)
    assert per_week == pytest.approx(400.39, abs=0.005)  # as published, to two digits
    raw_days = compile_line(data).raw_min / 1440.0
    # 24.69 and 14.49 days are published; both are sums of the same file, rounded upstream.
    assert raw_days[:2] == pytest.approx([24.69, 14.49], abs=0.02)
    assert len(data.calendars) == 292 + 105
