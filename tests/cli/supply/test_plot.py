import json
from pathlib import Path

import pytest

import yieldsim.ensemble
from tests.analysis.made_up import SCENARIOS, ensemble
from tests.cli.refusals import check_refused
from yieldsim.cli.main import main


@pytest.fixture(autouse=True)
def store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yieldsim.ensemble, "open_ensemble", lambda path: ensemble(realizations=8))


def test_a_fan_chart_is_written(tmp_path: Path, capsys) -> None:
    path = tmp_path / "fan.png"
    assert main(["plot", "x.zarr", "--out", str(path)]) == 0
    assert path.read_bytes().startswith(b"\x89PNG")
    assert capsys.readouterr() == ("", f"fan chart: {path}\n")


def test_a_scenario_and_a_product_can_be_chosen(tmp_path: Path, capsys) -> None:
    path = tmp_path / "one.svg"
    options = ["--scenario", SCENARIOS[1], "--product", "ascend_910c", "--json"]
    assert main(["plot", "x.zarr", "--out", str(path), *options]) == 0
    assert json.loads(capsys.readouterr().out) == {"image": str(path)}


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--out", "none/fan.png"], 2, "--out: no such folder, got 'none'"),
        (["--out", "."], 2, "--out: is a folder, got '.'"),
        (["--out", "fan.bmp"], 2, "--out: unknown image format, got 'fan.bmp'; allowed: png, svg"),
        (["--kind", "pie"], 2, "Invalid value for '--kind': 'pie' is not one of 'fan', 'stack',"),
        (["--size", "9"], 2, "--size: is no size of a picture, got '9'; allowed: a ratio such"),
        (["--period", "2025"], 2, "--period: does not go with --kind fan, got '2025'; allowed: w"),
        (["--product", "x"], 2, "product: is not in the ensemble, got 'x'; allowed: total"),
        (["--scenario", "x"], 2, "scenario: is not in the ensemble, got 'x'; allowed: baseline"),
    ],
)
def test_what_cannot_be_drawn_is_one_line(
    arguments, code, message, tmp_path: Path, capsys, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    check_refused(capsys, ["plot", "x.zarr", *arguments], code, message)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_one_line(tmp_path: Path, capsys) -> None:
    path = tmp_path / "fan.png"
    path.symlink_to("/dev/full")
    assert main(["plot", "x.zarr", "--out", str(path)]) == 1
    assert capsys.readouterr().err == f"yieldsim: error: {path}: No space left on device\n"
