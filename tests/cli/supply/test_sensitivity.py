import json
from pathlib import Path

import pytest

import yieldsim.ensemble
from tests.analysis.made_up_driven import driven
from tests.cli.outcome import outcome
from tests.cli.refusals import check_refused
from tests.paths import ROOT
from yieldsim.analysis.drivers.summary import sensitivity_summary
from yieldsim.cli.main import main


def opened(path: str):
    """The made-up ensemble, without noise under the name ``quiet``."""
    return driven(100, process_noise=False) if path == "quiet" else driven(100, noise=2.0)


@pytest.fixture(autouse=True)
def store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yieldsim.ensemble, "open_ensemble", opened)


def test_the_json_is_the_summary(capsys) -> None:
    arguments = ["--period", "2027", "--without-noise", "quiet", "--top", "2"]
    code, out, err = outcome(capsys, "sensitivity", "x.zarr", *arguments, "--json")
    assert (code, err) == (0, "")
    expected = sensitivity_summary(
        opened("x.zarr"), periods=["2027"], without_noise=opened("quiet"), leading=2
    )
    assert json.loads(out) == expected
    assert len(expected["tornado"]) == 2


def test_the_text_of_a_period_has_all_tables(capsys) -> None:
    code, out, _ = outcome(capsys, "sensitivity", "x.zarr", "--period", "2027", "--top", "3")
    assert code == 0
    assert out.startswith("What drives usable_chips of total, scenario baseline, 2027 (chip)\n")
    hump = next(line for line in out.splitlines() if line.startswith("hump"))
    assert " * " in hump
    assert " mixed " in hump
    assert "The figure where an input is low and where it is high" in out
    assert "regression on significant inputs" in out
    assert "--without-noise STORE" in out
    assert "Correlated inputs: down with up." in out
    assert "Inputs that do not vary in this scenario: constant." in out
    assert max(map(len, out.splitlines()[:20])) < 120


def test_the_text_of_all_years_has_a_column_each(capsys) -> None:
    code, out, _ = outcome(capsys, "sensitivity", "x.zarr")
    assert code == 0
    header = out.splitlines()[2].split()
    assert header == ["input", "2026", "2027", "horizon"]
    rows = {line.split()[0]: line.split()[1:] for line in out.splitlines()[4:9]}
    assert [cell.endswith("*") for cell in rows["up"]] == [True, True, True]
    assert [cell.endswith("*") for cell in rows["hump"]][:2] == [False, True]


def test_a_designed_run_from_command_to_command(tmp_path: Path, capsys, monkeypatch) -> None:
    monkeypatch.undo()
    model = str(ROOT / "benchmarks" / "analyst.toml")
    plain, samples, designed = (str(tmp_path / name) for name in ("a.zarr", "d.csv", "b.zarr"))
    assert outcome(capsys, "run", model, "--realizations", 64, "--out", plain)[0] == 0
    arguments = ["--period", "horizon", "--top", "2", "--write-design", samples]
    code, _, err = outcome(capsys, "sensitivity", plain, *arguments)
    assert code == 0
    assert err.startswith(f"samples: {samples} (")
    rows = len(Path(samples).read_text().splitlines()) - 1
    assert outcome(capsys, "run", model, "--samples", samples, "--out", designed)[0] == 0
    code, out, _ = outcome(capsys, "sensitivity", designed, "--period", "horizon", "--json")
    assert code == 0
    content = json.loads(out)
    totals = [r for r in content["indices"] if r["kind"] == "total"]
    assert rows == 32 * (3 + len(totals))
    assert content["realizations"] == 64
    assert {r["how"] for r in content["variance"]} == {"regression", "repeat"}
    text = outcome(capsys, "sensitivity", designed, "--period", "horizon")[1]
    assert "Total indices: what would remain if all other inputs were known (32 pairs" in text
    assert "the same inputs with other luck" in text
    assert "regression" not in text  # the repeat tells more


def test_samples_are_not_written_over_a_file(tmp_path: Path, capsys) -> None:
    samples = tmp_path / "d.csv"
    samples.write_text("mine")
    arguments = ["sensitivity", "x.zarr", "--period", "2027", "--write-design", str(samples)]
    check_refused(capsys, arguments, 2, "--write-design: exists, and may not be a file that yield")
    assert samples.read_text() == "mine"
    assert main([*arguments, "--force"]) == 0
    assert samples.read_text().startswith("up,down,hump,inert,switch\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--scenario", "x"], "scenario: is not in the ensemble, got 'x'; allowed: baseline"),
        (["--product", "x"], "--product: is not in the ensemble, got 'x'; allowed: total, ascend"),
        (["--period", "2040"], "period: is outside the ensemble, got '2040'; allowed: 2026Q1 to"),
        (["--variable", "x"], "variable: is not a figure of the ensemble, got 'x'; allowed: usab"),
        (["--rows", "20"], "--rows: is for --write-design, got 20"),
        (["--write-design", "d.csv", "--rows", "60"], "--rows: does not suit the ensemble, got 60"),
        (["--write-design", "d.txt"], "--write-design: unknown kind of samples, got 'd.txt'; allo"),
        (["--without-noise", "y"], "--without-noise: has process noise; allowed: a run with --set"),
    ],
)
def test_bad_input_is_one_line(arguments, message, capsys) -> None:
    check_refused(capsys, ["sensitivity", "x.zarr", *arguments], 2, message)


def test_a_store_that_is_not_there_is_one_line(tmp_path: Path, capsys, monkeypatch) -> None:
    monkeypatch.undo()
    place = tmp_path / "none.zarr"
    check_refused(capsys, ["sensitivity", str(place)], 1, f"{place}: no such ensemble store")
