"""What a run costs before it starts, against what it did cost."""

import json
from pathlib import Path

import pytest

from tests.ensemble.fake import MODEL, FakeSimulator
from yieldsim.cli.main import main
from yieldsim.execute.estimate import files_of
from yieldsim.execute.job import new_job


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr("yieldsim.supply.simulate.Simulator", FakeSimulator)
    monkeypatch.setattr("yieldsim.execute.estimate._MEASURED_SECONDS", 0.05)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_dry_run_writes_nothing_and_comes_near(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = ["run", str(MODEL), "--realizations", "2000", "--block-size", "200", "--threads", "2"]
    assert main([*run, "--dry-run", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert list(folder.iterdir()) == []
    assert (said["written"], said["blocks"], said["block_size"]) == (False, 10, 200)
    assert said["hours"] == pytest.approx(said["core_hours"] / 2)
    seconds = said["seconds_per_realization"]
    assert said["core_hours"] == pytest.approx(2000 * seconds / 3600.0)

    assert main([*run, "--json"]) == 0
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert said["files"] == len(files)
    # figures of a small block compress less well
    assert 0.5 < said["bytes"] / sum(path.stat().st_size for path in files) < 4.0
    assert 20e6 < said["memory_bytes"] < 4e9


def test_a_dry_run_is_read_by_people(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", str(MODEL), "--realizations", "1000000", "--dry-run"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    lines = out.splitlines()
    assert lines[0].startswith("1,000,000 realizations of 1 scenario, ")
    heads = [line.split()[0] for line in lines[1:-1]]
    assert heads == ["core-hours", "hours", "disk", "files", "memory"]
    assert "measured now on one core with 16 realizations" in lines[1]
    assert lines[-1] == "nothing was written"


@pytest.mark.parametrize(
    ("realizations", "scenarios"),
    [pytest.param(100_000, ["all"], marks=pytest.mark.slow), (1_000_000, ["baseline"])],
)
def test_large_runs_of_the_baseline_are_below_60_000_files(
    realizations: int, scenarios: list[str]
) -> None:
    """The files that a run makes are those counted above; these are the largest runs planned."""
    job = new_job("baseline", realizations=realizations, scenarios=scenarios)
    assert 50_000 < files_of(job) < 60_000  # few files would mean blocks larger than needed


def test_files_do_not_depend_on_the_number_of_scenarios() -> None:
    jobs = [
        new_job("baseline", realizations=1000, block_size=10, scenarios=scenarios)
        for scenarios in (["baseline"], ["baseline", "memory_fast"])
    ]
    assert files_of(jobs[0]) == files_of(jobs[1])
