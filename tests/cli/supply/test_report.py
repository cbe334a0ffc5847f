import json
from pathlib import Path

import pytest

from tests.analysis.made_up import ensemble
from tests.cli.refusals import check_refused
from yieldsim.cli.main import main


@pytest.fixture(autouse=True)
def opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("yieldsim.ensemble.open_ensemble", lambda _: ensemble(realizations=20))


def test_the_page_is_written_and_may_be_written_again(tmp_path: Path, capsys) -> None:
    path = tmp_path / "page.html"
    for _ in range(2):  # the second time over a page of its own
        assert main(["report", "x.zarr", "--html", str(path)]) == 0
        out, err = capsys.readouterr()
        assert out == ""
        assert err == f"page: {path} ({path.stat().st_size:,} bytes)\n"
    assert path.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_a_scenario_can_be_chosen(tmp_path: Path, capsys) -> None:
    path = tmp_path / "page.html"
    options = ["--scenario", "domestic_late", "--json"]
    assert main(["report", "x.zarr", "--html", str(path), *options]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["page"], answer["bytes"]) == (str(path), path.stat().st_size)
    assert len(answer["headline"]) == 2
    assert '"scenarios":["domestic_late"]' in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--html", "none/x.html"], 2, "--html: no such folder, got 'none'"),
        (["--html", "."], 2, "--html: unknown format, got '.'; allowed: a file that ends in .html"),
        (["--html", "x.png"], 2, "--html: unknown format, got 'x.png'"),
        (["--html", "mine.html"], 2, "--html: exists, and may not be a file that yieldsim wrote"),
        (["--scenario", "x"], 2, "scenario: is not in the ensemble, got 'x'; allowed: baseline"),
    ],
)
def test_what_cannot_be_written_is_one_line(
    arguments, code, message, tmp_path: Path, capsys, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.html").write_text("<p>of somebody else")
    check_refused(capsys, ["report", "x.zarr", *arguments], code, message)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.html"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_one_line(tmp_path: Path, capsys) -> None:
    path = tmp_path / "page.html"
    path.symlink_to("/dev/full")
    assert main(["report", "x.zarr", "--html", str(path)]) == 1
    assert capsys.readouterr().err == f"yieldsim: error: {path}: No space left on device\n"
