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
    assert wip.timed
    assert (wip.name, wip.step, wip.released_min, wip.due_after_min) == ("Lot", 2, -1440.0, 2880.0)


def add_wip(folder: Path, *rows: str) -> None:
    head = "LOT\tPART\tPRIOR\tPIECES\tSTART\tCURSTEP\tDUE"
    (folder / "WIP.txt").write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")


def test_lots_in_the_line_are_dated_back_by_their_due_date(folder: Path) -> None:
    # Normal lots are due 2.5 days after their release, hot ones 1 day. All rows start with the run.
    add_wip(
        folder,
        "a\tpart_1\t10\t25\t01/01/18 00:00:00\t3\t01/02/18 00:00:00",
        "b\tpart_1\t20\t25\t01/01/18 00:00:00\t2\t01/01/18 12:00:00",
        "c\tpart_1\t10\t25\t01/01/18 00:00:00\t3\t",
        "d\tpart_1\t99\t25\t01/01/18 00:00:00\t3\t01/02/18 00:00:00",
        "e\tpart_1\t10\t25\t01/01/18 00:00:00\t1\t01/04/18 00:00:00",
    )
    normal, hot, no_due, no_order, young = read_dataset(folder).orders[2:]
    assert (normal.name, normal.released_min, normal.due_after_min) == ("Lot", -2160.0, 3600.0)
    assert (hot.name, hot.released_min, hot.due_after_min) == ("Hot", -720.0, 1440.0)
    # Without a due date, or an order whose lead time would tell the release, it is not known.
    assert (no_due.timed, no_order.timed, normal.timed) == (False, False, True)
    # A lot that is due more than a lead time from now has only just been released.
    assert (young.released_min, young.due_after_min) == (0.0, 4320.0)


def test_a_half_done_lot_has_its_whole_cycle_time(folder: Path) -> None:
    # At the last step, released 1.5 days ago, 90 minutes of work to go, alone.
    for row in (2, 3):
        change(folder, "order.txt", row, "START", "06/01/18 00:00:00" if row == 3 else "01/01/18")
        change(folder, "order.txt", row, "RPT#", "1")
    change(folder, "route_1.txt", 4, "REWORK", "0")
    lots = ["a\tpart_1\t20\t25\t01/01/18 00:00:00\t3\t01/01/18 12:00:00"]
    lots.append("b\tpart_1\t30\t25\t01/01/18 00:00:00\t3\t01/01/18 12:00:00")
    add_wip(folder, *lots)
    change(folder, "order.txt", 3, "DUE", "06/03/18 00:00:00")  # two days of lead time
    line = compile_line(read_dataset(folder))
    outcome = replicate(line, 1, 0, 10.0)
    hot, unknown = line.report.index("Hot"), line.report.index("b")
    # Setup 8, loading 1, unloading 0.5 and work of 90 minutes after 1.5 days.
    assert outcome.cycle_days[hot] == pytest.approx(1.5 + (8.0 + 1.0 + 90.0 + 0.5) / 1440.0)
    # Of the lot of unknown release nothing but its coming out is counted.
    assert (outcome.lots_out[unknown], outcome.lots_counted[unknown]) == (1, 0)


def test_lots_in_the_line_do_not_slow_a_run_down(folder: Path) -> None:
    plain = compile_line(read_dataset(folder)).events_per_min
    row = "a\tpart_1\t10\t25\t01/01/18 00:00:00\t3\t01/02/18 00:00:00"
    add_wip(folder, *[row] * 500)
    # 500 lots of 3 events each, in no less than their 90 minutes of work: 16.7 a minute.
    more = compile_line(read_dataset(folder)).events_per_min - plain
    assert 0.0 < more <= 500 * 3.0 / 90.0


@pytest.mark.parametrize(
    "date",
    ["01/01/18 06:00:00", "01/01/2018 06:00:00", "01/01/2018 06:00", "2018-01-01 06:00:00",
     "2018-01-01T06:00"],
)  # fmt: skip
def test_dates_of_several_kinds(date: str, folder: Path) -> None:
    change(folder, "order.txt", 3, "START", date)
    assert read_dataset(folder).orders[1].first_min == 360.0


@pytest.mark.parametrize("unit", ["hr", "h", "hrs", "hours", "Hour"])
def test_hours_by_several_names(unit: str, folder: Path) -> None:
    change(folder, "order.txt", 3, "RUNITS", unit)
    assert read_dataset(folder).orders[1].interval.mean == 1200.0


@pytest.mark.parametrize("law", ["normal", "lognormal", "gamma"])
def test_laws_with_a_standard_deviation(law: str, folder: Path) -> None:
    change(folder, "route_1.txt", 2, "PDIST", law)
    assert read_dataset(folder).parts["part_1"].steps[0].time == Spread(2.0, 0.5, law)  # type: ignore[arg-type]
    change(folder, "route_1.txt", 2, "PTIME2", "0.7")
    if law == "normal":  # a third of the mean at most, so that times below 0 stay rare
        with pytest.raises(ModelError, match=r"<= 0\.6666"):
            read_dataset(folder)


def test_a_triangular_time_has_three_numbers(folder: Path) -> None:
    change(folder, "route_1.txt", 2, "PDIST", "triangular")
    with pytest.raises(ModelError, match="PTIME2"):  # the least is 2, the most likely 0.5
        read_dataset(folder)
    change(folder, "route_1.txt", 2, "PTIME2", "3")
    with pytest.raises(ModelError, match="PTIME3"):
        read_dataset(folder)
    lines = (folder / "route_1.txt").read_text("utf-8").splitlines()
    lines = [f"{lines[0]}\tPTIME3", f"{lines[1]}\t7", *lines[2:]]
    (folder / "route_1.txt").write_text("\n".join(lines), encoding="utf-8")
    time = read_dataset(folder).parts["part_1"].steps[0].time
    assert (time.mean, time.least, time.mode, time.width) == (4.0, 2.0, 3.0, 2.5)


@pytest.mark.parametrize("rank", ["rank_EDD", "rank_SLACK", "rank_SPT"])
def test_more_ranks(rank: str, folder: Path) -> None:
    change(folder, "tool.txt", 2, "FWLRANK", f"rank_HP;{rank}")
    assert read_dataset(folder).groups["Etch"].ranks == ("rank_HP", rank)
    change(folder, "tool.txt", 2, "FWLRANK", f"rank_FIFO;{rank}")
    with pytest.raises(ModelError, match="ends with two ranks"):
        read_dataset(folder)


@pytest.mark.parametrize("name", ["shiftcal.txt", "operator.txt"])
def test_shifts_and_operators_are_refused(name: str, folder: Path) -> None:
    (folder / name).write_text("X\n1\n", encoding="utf-8")
    with pytest.raises(ModelError, match=f"{name}: .*; allowed: a folder without this file"):
        read_dataset(folder)


def test_a_folder_of_mimac_is_refused(tmp_path: Path) -> None:
    (tmp_path / "set1.pf").write_text("x", encoding="utf-8")
    with pytest.raises(ModelError, match=r"set1.pf: is of the MIMAC format, .*; allowed: "):
        read_dataset(tmp_path)


def test_what_is_not_simulated_is_told(folder: Path) -> None:
    assert read_dataset(folder).notes == ()
    lines = (folder / "tool.txt").read_text("utf-8").splitlines()
    lines = [f"{lines[0]}\tOPERATOR\tEMPTY", f"{lines[1]}\tcrew\t", *lines[2:]]
    (folder / "tool.txt").write_text("\n".join(lines), encoding="utf-8")
    change(folder, "order.txt", 2, "HOTLOT", "yes")
    hot, tool = read_dataset(folder).notes
    assert "reservation of tools" in hot
    assert tool == "tool.txt: not simulated: OPERATOR"


WRONG = {
    "no number": ("tool.txt", 2, "STNQTY", "three", ">= 1"),
    "half a tool": ("tool.txt", 3, "STNQTY", "2.5", ">= 1"),
    "no tool": ("tool.txt", 3, "STNQTY", "0", ">= 1"),
    "unit": ("tool.txt", 2, "LTUNITS", "fortnight", "sec, min, hr, day"),
    "rule": ("tool.txt", 2, "RULE", "rule_x", "rule_HotLotFIRST"),
    "rank": ("tool.txt", 2, "FWLRANK", "rank_FIFO;rank_HP", "rank_HP;rank_RSETUP"),
    "wake": ("tool.txt", 2, "WAKERESRANK", "wake_x", "wake_LeastSetupTime"),
    "setup group": ("tool.txt", 2, "SETUPGRP", "Gaz", "Gas"),
    "route file": ("part.txt", 2, "ROUTEFILE", "route_9.txt", "part.txt"),
    "route": ("part.txt", 2, "ROUTE", "r_9", "a route of that file"),
    "group": ("route_1.txt", 3, "STNFAM", "Ovem", "Etch, Oven"),
    "law": ("route_1.txt", 2, "PDIST", "weibull", "constant, uniform, exponential"),
    "negative": ("route_1.txt", 2, "PTIME", "-2", ">= 0"),
    "infinite": ("route_1.txt", 2, "PTIME", "inf", ">= 0"),
    "huge": ("route_1.txt", 2, "PTIME", "1e300", "<= 1e+09"),
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
    "date": ("order.txt", 3, "START", "2018-13-01", "MM/DD/YY"),
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
