"""`yieldsim report` on stores on disk: a finished one, and those that it refuses."""

from pathlib import Path

import pytest

from tests.cli.outcome import outcome
from tests.ensemble.fake import analyst_file, make_store
from tests.report.page.parsed import Page
from yieldsim.ensemble import Folder
from yieldsim.wafer import simulate_wafers
from yieldsim.wafer.from_supply import wafer_model_of


def test_a_finished_store_becomes_a_page(finished_once: Path, tmp_path: Path, capsys) -> None:
    path = tmp_path / "page.html"
    code, _, err = outcome(capsys, "report", finished_once, "--html", path)
    assert (code, err) == (0, f"page: {path} ({path.stat().st_size:,} bytes)\n")
    found = Page(path.read_text(encoding="utf-8"))
    # usable_chips of realization r, scenario s, quarter q and product p of `FakeSimulator`
    assert [row[0] for row in found.tables["quarter"][1:]] == ["2025Q3", "2025Q4", "2026Q1"]
    steps = [float(row[3].replace(",", "")) for row in found.tables["quarter"][1:]]
    assert [steps[1] - steps[0], steps[2] - steps[1]] == [20.0, 20.0]  # 10 q of two products
    assert len(found.tables["assumptions"]) > 3
    assert found.tables["provenance"][1:][0][0] == "realizations"


@pytest.mark.slow  # it compiles the wafer simulator
def test_wafer_maps_are_those_of_the_wafer_simulator(
    finished_once: Path, tmp_path: Path, capsys
) -> None:
    path = tmp_path / "page.html"
    code, _, _ = outcome(capsys, "report", finished_once, "--html", path, "--wafer-maps")
    assert code == 0
    found = Page(path.read_text(encoding="utf-8"))
    (drawn,) = found.data["charts"]["wafers"]["maps"]
    model = wafer_model_of(analyst_file().model(), drawn["die"])
    result = simulate_wafers(model, 1, 3, "dies", keep_maps=True)  # the seed of the store
    assert result.bin_map is not None
    assert drawn["bin"] == result.bin_map[0].tolist()
    assert sum(drawn["counts"]) == result.gross
    shown = [int(row[3]) for row in found.tables["wafers"][1:]]
    assert shown == drawn["counts"]


def test_an_unfinished_store_is_refused_in_a_line(tmp_path: Path, capsys) -> None:
    store = tmp_path / "x.zarr"
    make_store(Folder(store), blocks=2)
    code, out, err = outcome(capsys, "report", store, "--html", tmp_path / "page.html")
    assert (code, out) == (3, "")
    assert err.startswith(f"yieldsim: error: {store}: ")
    assert err.count("\n") == 1
    assert not (tmp_path / "page.html").exists()


def test_unknown_weights_are_refused_in_a_line(finished_once: Path, tmp_path: Path, capsys) -> None:
    arguments = ("--html", tmp_path / "page.html", "--weights", "none")
    code, out, err = outcome(capsys, "report", finished_once, *arguments)
    assert (code, out) == (1, "")
    assert "none" in err
    assert err.count("\n") == 1
