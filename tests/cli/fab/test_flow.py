"""The command `yieldsim flow`: figures, JSON, threads, Ctrl-C, one-line errors."""

from __future__ import annotations

import json
import os
import shutil
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tests.paths import SMALL_LINE
from yieldsim.cli.main import main
from yieldsim.flow import compile_line, read_dataset, replicate

SMALL = str(SMALL_LINE)
WALL_CLOCK = ("seconds", "events_per_second", "threads")


def figures(capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, Any]:
    assert main(["flow", SMALL, *options, "--json"]) == 0
    result: dict[str, Any] = json.loads(capsys.readouterr().out)
    return result


def test_json_has_the_lots_and_tools_of_the_data_set(capsys: pytest.CaptureFixture[str]) -> None:
    result = figures(capsys, "--days", "60", "--seed", "1", "--replications", "2")
    assert [lot["name"] for lot in result["lots"]] == ["Lot", "Hot"]
    assert [group["name"] for group in result["tool_groups"]] == ["Etch", "Oven"]
    lot, etch = result["lots"][0], result["tool_groups"][0]
    assert lot["lots_out"] > 1500
    assert lot["x_factor"] == pytest.approx(lot["cycle_time_days"] / lot["raw_process_days"])
    # 40 % of 25 pieces of 2 minutes, a mean of 4 hours, 90 minutes.
    assert lot["raw_process_days"] == pytest.approx((20.0 + 240.0 + 90.0) / 1440.0)
    assert 0.0 < etch["utilization"] < 1.0
    assert 0.9 < etch["availability"] < 1.0
    assert result["events_per_second"] > 0
    assert (result["warmup_days"], result["replications"]) == (30.0, 2)


def test_availability_is_by_expectation_and_as_counted(capsys: pytest.CaptureFixture[str]) -> None:
    result = figures(capsys, "--days", "300", "--warmup", "100", "--replications", "2")
    etch, oven = result["tool_groups"]
    # Exponential failures every 10,080 minutes for 35.28. The oven has none.
    assert etch["repair_expected"] == pytest.approx(35.28 / 10115.28, rel=1e-9)
    assert oven["repair_expected"] == oven["repair"] == 0.0
    for group in (etch, oven):
        available, counted = group["availability"], group["availability_counted"]
        assert available == pytest.approx(1.0 - group["repair_expected"] - group["maintenance"])
        assert counted == pytest.approx(1.0 - group["repair"] - group["maintenance"])
        assert group["utilization"] == pytest.approx(
            group["utilization_counted"] * counted / available, rel=1e-3
        )
    assert etch["availability"] != etch["availability_counted"]
    assert main(["flow", SMALL, "--days", "300", "--warmup", "100", "--replications", "2"]) == 0
    row = next(row for row in capsys.readouterr().out.splitlines() if row.startswith("Etch"))
    assert f"{etch['availability']:.2%}" in row.split()


def test_figures_do_not_depend_on_threads(capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--days", "50", "--seed", "7", "--replications", "5")
    alone, shared = (figures(capsys, *options, "--threads", threads) for threads in ("1", "3"))
    assert (alone["threads"], shared["threads"]) == (1, 3)
    for name in WALL_CLOCK:
        del alone[name], shared[name]
    assert alone == shared


def test_a_replication_does_not_depend_on_where_it_was_cut() -> None:
    line = compile_line(read_dataset(SMALL))
    whole, cut = (replicate(line, 7, 4, 30.0, piece_days=days) for days in (30.0, 0.37))
    assert vars(whole).keys() == vars(cut).keys()
    assert all((getattr(whole, name) == getattr(cut, name)).all() for name in ("cycle_days",
               "availability", "utilization", "wait_min", "lots_out"))  # fmt: skip
    assert (whole.events, whole.wip) == (cut.events, cut.wip)
    other = replicate(line, 7, 5, 30.0)
    assert other.events != whole.events


def test_seed_dispatching_and_failures_change_the_figures(
    capsys: pytest.CaptureFixture[str],
) -> None:
    ways = [(), ("--seed", "1"), ("--dispatch", "cr"), ("--dispatch", "fifo"),
            ("--failure", "migrate")]  # fmt: skip
    cycle_days = [
        figures(capsys, "--days", "60", *way)["lots"][0]["cycle_time_days"] for way in ways
    ]
    # No lot can migrate: Etch cascades, and Oven does not fail.
    assert cycle_days[-1] == cycle_days[0]
    assert len(set(cycle_days[:-1])) == len(ways) - 1


def test_text_is_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["flow", SMALL, "--days", "40", "--warmup", "0"]) == 0
    text = capsys.readouterr()
    rows = [line.split()[0] for line in text.out.splitlines() if line]
    assert {"lots", "Lot", "Hot", "tool", "Etch", "Oven"} <= set(rows)
    assert text.err == ""  # progress appears on a terminal only
    assert "±" not in text.out  # one replication has no standard error
    assert "nan" not in text.out


def test_text_has_dashes_where_nothing_was_counted(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["flow", SMALL, "--days", "0.01", "--replications", "2"]) == 0
    text = capsys.readouterr().out
    lot = next(line.split() for line in text.splitlines() if line.startswith("Lot"))
    assert lot == ["Lot", "0.0", "-", "-", "-", "-"]


def test_nothing_finished_is_null_and_not_nan(capsys: pytest.CaptureFixture[str]) -> None:
    lot = figures(capsys, "--days", "0.01")["lots"][0]
    assert lot["lots_out"] == 0
    assert lot["cycle_time_days"] is lot["x_factor"] is lot["cycle_time_se_days"] is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--days", "0"), "--days: is out of range, got 0.0; allowed: > 0 and <= 36525"),
        (("--days", "10", "--warmup", "10"), "--warmup: is out of range, got 10.0; allowed: >= 0"),
        (("--dispatch", "lifo"), "'lifo' is not one of 'data', 'fifo', 'cr'"),
        (("--replications", "0"), "'--replications': 0 is not in the range"),
    ],
)
def test_an_option_out_of_range_is_one_line(
    options: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["flow", SMALL, *options]) == 2
    text = capsys.readouterr()
    assert message in text.err
    assert len(text.err.splitlines()) == 1
    assert text.out == ""


def test_a_wrong_cell_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = shutil.copytree(SMALL, tmp_path / "line")
    text = (folder / "part.txt").read_text(encoding="utf-8")
    (folder / "part.txt").write_text(text.replace("route_1", "route_2"), encoding="utf-8")
    assert main(["flow", str(folder)]) == 1
    error = capsys.readouterr().err
    assert error.startswith("yieldsim: error: part.txt row 2 column ROUTEFILE: ")
    assert "'route_2.txt'" in error
    assert len(error.splitlines()) == 1


@pytest.mark.usefixtures("ctrl_c_is_heard")
def test_ctrl_c_stops_within_a_piece(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figures(capsys, "--days", "1")  # compile before the clock runs
    folder = shutil.copytree(SMALL, tmp_path / "line")
    text = (folder / "order.txt").read_text(encoding="utf-8")
    (folder / "order.txt").write_text(text.replace("2000", "100000000"), encoding="utf-8")
    killer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
    begun = time.monotonic()
    killer.start()
    # Twenty centuries take minutes if the run is not stopped.
    code = main(["flow", str(folder), "--days", "36525", "--replications", "20", "--threads", "2"])
    assert code == 130
    assert time.monotonic() - begun < 20.0
    assert capsys.readouterr().err.endswith("interrupted\n")


@pytest.mark.statistical
def test_a_queue_as_text_has_the_exact_wait(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """M/M/2 at 80 %, with only the files and columns that it needs."""
    tables = {
        "tool.txt": "STNFAM\tSTNQTY\npair\t2\n",
        "part.txt": "PART\tROUTEFILE\np\troute.txt\n",
        "route.txt": "STEP\tSTNFAM\tPDIST\tPTIME\tPTUNITS\tPTPER\n1\tpair\texponential\t1\thr\t"
        "per_lot\n",
        "order.txt": "LOT\tPART\tPIECES\tSTART\tRDIST\tREPEAT\tRUNITS\tRPT#\n"
        "lot\tp\t1\t01/01/18 00:00:00\texponential\t0.625\thr\t100000000\n",
    }
    for name, text in tables.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    options = "--days 1500 --warmup 200 --seed 5 --replications 12 --threads 2 --json"
    assert main(["flow", str(tmp_path), *options.split()]) == 0
    result = json.loads(capsys.readouterr().out)
    lot, pair = result["lots"][0], result["tool_groups"][0]
    exact_h = 1.0 + 1.7777777777777783  # work, and the wait by Erlang's C (reference/queues.json)
    # Three standard errors over the replications.
    assert lot["cycle_time_days"] * 24.0 == pytest.approx(
        exact_h, abs=3 * 24.0 * lot["cycle_time_se_days"]
    )
    assert lot["cycle_time_se_days"] * 24.0 < 0.02 * exact_h
    assert pair["wait_h"] + 1.0 == pytest.approx(lot["cycle_time_days"] * 24.0, rel=0.01)
    assert pair["utilization"] == pytest.approx(0.8, abs=3 * pair["utilization_se"])
    assert pair["availability"] == 1.0
    assert lot["x_factor"] == pytest.approx(lot["cycle_time_days"] * 24.0)
    # Little's law; both figures are of the same replications.
    per_hour = lot["lots_counted"] / (1300.0 * 24.0)
    assert result["wip_lots"] == pytest.approx(per_hour * lot["cycle_time_days"] * 24.0, rel=0.002)


def test_what_is_not_simulated_is_told_on_stderr(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shutil.copytree(SMALL_LINE, tmp_path / "line")
    orders = (folder / "order.txt").read_text("utf-8").replace("\tno\n", "\tyes\n", 1)
    (folder / "order.txt").write_text(orders, encoding="utf-8")
    assert main(["flow", str(folder), "--days", "2"]) == 0
    out, err = capsys.readouterr()
    assert err.startswith("note: order.txt: not simulated: reservation of tools by hot lots")
    assert "note" not in out
    (folder / "shiftcal.txt").write_text("x", encoding="utf-8")
    assert main(["flow", str(folder), "--days", "2"]) == 1
    assert "shiftcal.txt: holds shift calendars" in capsys.readouterr().err
