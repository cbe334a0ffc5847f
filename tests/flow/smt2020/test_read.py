"""Reading the SMT2020 tab-text format: every column, and one line for each error."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.paths import SHARED, SMALL_LINE
from yieldsim.errors import ModelError
from yieldsim.flow import compile_line, read_dataset, replicate
from yieldsim.flow.laws import Spread
from yieldsim.flow.smt2020.tsv import read_table

HVLM = SHARED / "data" / "smt2020" / "hvlm"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A line of two tool groups, with a value in every column that is read."""
    return Path(shutil.copytree(SMALL_LINE, tmp_path / "small"))


def change(folder: Path, file: str, row: int, column: str, value: str) -> None:
    """Write one cell anew; rows are counted as an editor does."""
    lines = [line.split("\t") for line in (folder / file).read_text("utf-8").splitlines()]
    lines[row - 1][lines[0].index(column)] = value
    (folder / file).write_text("\n".join("\t".join(line) for line in lines), encoding="utf-8")


def test_every_column_is_understood(folder: Path) -> None:
    data = read_dataset(folder)
    etch, oven = data.groups["Etch"], data.groups["Oven"]
    assert (etch.speeds, etch.capacity, etch.area, etch.location) == ((1.0,) * 3, 2, "Dry", "Fab")
    assert (etch.load_min, etch.unload_min, etch.min_run_group) == (1.0, 0.5, "Gas")
    assert etch.ranks == ("rank_HP", "rank_RSETUP", "rank_FIFO")
    assert (etch.wake_least_setup, oven.wake_least_setup, oven.min_run_group) == (True, False, "")
    first, second, third = data.parts["part_1"].steps
    assert (first.time, first.by_piece, first.interval_min) == (
        Spread(2.0, 0.5, "uniform"),
        True,
        1.5,
    )
    assert (first.sampling, first.lens_for, first.limit) == (0.4, 2, (1, 180.0))
    assert first.setup is not None
    assert (first.setup.name, first.setup.always, first.setup.time) == ("gas_1", False, None)
    assert (second.time, second.batch_pieces) == (Spread(240.0, 0.0, "exponential"), (50, 75))
    assert (third.time, third.by_piece, third.interval_min) == (Spread(90.0), False, 60.0)
    assert third.rework == (0.015, 0)
    assert third.setup is not None
    assert (third.setup.always, third.setup.time) == (True, Spread(8.0))
    lot, hot = data.orders
    assert (lot.interval, lot.releases, lot.lots, lot.due_after_min) == (
        Spread(50.0),
        2000,
        1,
        3600.0,
    )
    assert (hot.interval, hot.priority, hot.lots) == (Spread(1200.0, 0.0, "exponential"), 20, 2)
    assert (hot.first_min, hot.due_after_min) == (360.0, 1440.0)
    assert data.setup_times == {("gas_1", "gas_2"): Spread(7.0), ("", "gas_1"): Spread(72.0)}
    assert data.min_runs == {"Gas": {"gas_1": 7, "gas_2": 5}}
    assert data.moves == {("Fab", "Far"): Spread(7.5, 2.5, "uniform")}
    down, dated, counted = data.calendars
    assert (down.group, down.kind, down.interval.law) == ("Etch", "failure", "exponential")
    assert (dated.interval, dated.first) == (Spread(43200.0), Spread(39312.0))
    assert dated.duration.mean == pytest.approx(825.6)
    assert (counted.kind, counted.interval, counted.first) == ("pieces", Spread(2000), Spread(1500))


def test_a_line_from_files_runs(folder: Path) -> None:
    outcome = replicate(compile_line(read_dataset(folder)), 1, 0, 60.0)
    assert outcome.lots_out[0] > 1000
    assert outcome.lots_out[1] > 80


def test_optional_files_may_be_absent(folder: Path) -> None:
    for name in ("setup.txt", "downcal.txt", "pmcal.txt", "attach.txt", "fromto.txt"):
        (folder / name).unlink()
    data = read_dataset(folder)
    assert (data.calendars, data.moves, data.setup_times) == ((), {}, {})


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
    lines[1:1] = ["~ a comment\tx", "", "\t\t"]
    (folder / "tool.txt").write_text("\n".join(lines), encoding="utf-16")
    data = read_dataset(folder)
    assert data.groups["Etch"].speeds == (1.0, 1.0, 1.0, 0.5, 0.5)
    wip = data.orders[-1]
    assert (wip.name, wip.step, wip.released_min, wip.due_after_min) == ("Lot", 2, -1440.0, 2880.0)


WRONG = {
    "no number": ("tool.txt", 2, "STNQTY", "three", ">= 1"),
    "half a tool": ("tool.txt", 3, "STNQTY", "2.5", ">= 1"),
    "no tool": ("tool.txt", 3, "STNQTY", "0", ">= 1"),
    "unit": ("tool.txt", 2, "LTUNITS", "minutes", "sec, min, hr, day"),
    "rule": ("tool.txt", 2, "RULE", "rule_x", "rule_HotLotFIRST"),
    "rank": ("tool.txt", 2, "FWLRANK", "rank_FIFO;rank_HP", "rank_HP;rank_RSETUP"),
    "wake": ("tool.txt", 2, "WAKERESRANK", "wake_x", "wake_LeastSetupTime"),
    "setup group": ("tool.txt", 2, "SETUPGRP", "Gaz", "Gas"),
    "route file": ("part.txt", 2, "ROUTEFILE", "route_9.txt", "part.txt"),
    "route": ("part.txt", 2, "ROUTE", "r_9", "a route of that file"),
    "group": ("route_1.txt", 3, "STNFAM", "Ovem", "Etch, Oven"),
    "law": ("route_1.txt", 2, "PDIST", "normal", "constant, uniform, exponential"),
    "negative": ("route_1.txt", 2, "PTIME", "-2", ">= 0"),
    "infinite": ("route_1.txt", 2, "PTIME", "inf", ">= 0"),
    "half width": ("route_1.txt", 2, "PTIME2", "2.5", "<= 2"),
    "empty": ("route_1.txt", 2, "PTIME", "", ">= 0"),
    "per": ("route_1.txt", 2, "PTPER", "per_wafer", "per_piece, per_lot, per_batch"),
    "batch": ("route_1.txt", 3, "BATCHMN", "100", "<= 75"),
    "no batch": ("route_1.txt", 3, "BATCHMX", "", "pieces of a batch"),
    "percent": ("route_1.txt", 2, "StepPercent", "140", "<= 100"),
    "always rework": ("route_1.txt", 4, "REWORK", "100", "< 100"),
    "rework to": ("route_1.txt", 4, "RWKSTEP", "7", "1, 2, 3"),
    "lens back": ("route_1.txt", 2, "FORSTEP", "1", "later step"),
    "lens elsewhere": ("route_1.txt", 2, "FORSTEP", "2", "Etch"),
    "limit": ("route_1.txt", 2, "STEP_CQT", "9", "1, 2, 3"),
    "interval": ("route_1.txt", 3, "PartInterval", "1", "empty"),
    "step twice": ("route_1.txt", 3, "STEP", "1", "once"),
    "part": ("order.txt", 2, "PART", "part_2", "part_1"),
    "pieces": ("order.txt", 2, "PIECES", "100", "from 1 to 75"),
    "date": ("order.txt", 3, "START", "2018-01-01", "MM/DD/YY"),
    "repeat": ("order.txt", 2, "REPEAT", "0", "> 0"),
    "calendar": ("attach.txt", 2, "CALNAME", "BREAK_2", "BREAK"),
    "area": ("attach.txt", 2, "RESNAME", "Wet", "Dry, Hot"),
    "maintenance": ("pmcal.txt", 2, "PMCALTYPE", "by_cal", "mtbpm_by_cal"),
    "failure": ("downcal.txt", 2, "MTTF", "0", "> 0"),
    "move": ("fromto.txt", 2, "DTIME2", "8", "<= 7.5"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_cell_is_one_line_with_its_place(case: str, folder: Path) -> None:
    file, row, column, value, allowed = WRONG[case]
    change(folder, file, row, column, value)
    with pytest.raises(ModelError) as caught:
        read_dataset(folder)
    message = str(caught.value)
    assert message.startswith(f"{file} row {row} column {column}: ")
    assert "\n" not in message
    assert repr(value) in message
    assert allowed in message.split("; allowed: ")[1]


def delete(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def write(name: str, text: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes(text)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (delete("tool.txt"), "tool.txt"),
        (delete("order.txt"), "order.txt"),
        (delete("setupgrp.txt"), "tool.txt row 2 column SETUPGRP: "),
        (write("order.txt", b""), "order.txt row 1: "),
        (write("order.txt", b"LOT\tPART\n"), "order.txt row 1: "),
        (write("order.txt", b"LOT\tPART\tPIECES\tSTART\n"), "order.txt: "),
        (write("part.txt", b"PART\tROUTEFILE\n"), "part.txt: "),
        (write("tool.txt", b"STNFAM\tSTNQTY\n"), "tool.txt: "),
        (write("tool.txt", b"STNFAM\tSTNQTY\nx\t1\t\t7\n"), "tool.txt row 2: "),
        (write("tool.txt", b"\xff\xfd\xff"), "tool.txt: "),
    ],
)
def test_a_damaged_file_is_one_line(
    damage: Callable[[Path], object], message: str, folder: Path
) -> None:
    damage(folder)
    with pytest.raises(ModelError) as caught:
        read_dataset(folder)
    assert message in str(caught.value)
    assert "; allowed: " in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_folder_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="nothing"):
        read_dataset(tmp_path / "nothing")


def test_a_pair_of_setups_stands_once(folder: Path) -> None:
    with (folder / "setup.txt").open("a", encoding="utf-8") as file:
        file.write("gas_1\tgas_2\t9\tmin\tEtch\n")
    with pytest.raises(ModelError, match=r"setup.txt row 4 column NEWSETUP: "):
        read_dataset(folder)


def test_a_table_needs_its_columns(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("A\tB\n1\t2\n", encoding="utf-8")
    assert read_table(tmp_path / "x.txt", ("A",))[0].text("B") == "2"
    with pytest.raises(ModelError, match=r"x.txt row 1: .*; allowed: C"):
        read_table(tmp_path / "x.txt", ("A", "C"))


@pytest.mark.skipif(not HVLM.is_dir(), reason="shared/data/smt2020/hvlm is not here")
def test_the_public_data_set_is_read_whole() -> None:
    data = read_dataset(HVLM)
    assert len(data.groups) == 106  # including the one for delays
    real = [group for group in data.groups.values() if group.area != "Delay_32"]
    assert sum(len(group.speeds) for group in real) == 1043
    assert [len(part.steps) for part in data.parts.values()] == [583, 343]
    per_week = sum(7 * 1440 / order.interval.mean for order in data.orders)
    assert per_week == pytest.approx(400.39, abs=0.005)  # published to two digits
    raw_days = compile_line(data).raw_min / 1440.0
    # Published: 24.69 and 14.49 days. Both are sums of the same file, rounded before.
    assert raw_days[:2] == pytest.approx([24.69, 14.49], abs=0.02)
    assert len(data.calendars) == 292 + 105
