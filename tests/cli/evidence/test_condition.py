"""`yieldsim condition`, and `--weights` of every command that reads an ensemble.

Realization r of the made-up store has 100,000 p + r + 10 q + 1000 s chips of product p in quarter
q of scenario s, with quarters from 2025Q3 on.
"""

import json
import shutil
import tomllib
from pathlib import Path

import numpy as np
import pytest

from tests.analysis.conditioning.worlds import HEADER
from tests.cli.outcome import outcome
from tests.ensemble.fake import make_store
from tests.examples import thinned
from yieldsim.analysis.conditioning import load_weights
from yieldsim.ensemble import Folder, finalize

REALIZATIONS = 50
R = np.arange(REALIZATIONS)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("condition") / "x.zarr"
    make_store(Folder(path), realizations=REALIZATIONS)
    finalize(Folder(path))
    return path


@pytest.fixture
def store(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "x.zarr"))


def evidence(folder: Path, *rows: str) -> Path:
    path = folder / "mine.csv"
    path.write_text(HEADER + "".join(f"{row}\n" for row in rows), encoding="utf-8")
    return path


def line(
    central: float = 30, spread: str = "5", period: str = "2025Q4", role: str = "check"
) -> str:
    """Chips of the accelerator: r + 10 in 2025Q4."""
    select = "product=accelerator"
    return f"accelerator,{period},,{central},,chips,s,usable_chips,{select},{role},{spread},"


@pytest.fixture
def weighted(store: Path, tmp_path: Path, capsys) -> Path:
    path = evidence(tmp_path, line())
    assert outcome(capsys, "condition", store, "--evidence", path, "--name", "mine")[0] == 0
    return store


def test_the_json_has_what_it_promises(store: Path, tmp_path: Path, capsys) -> None:
    path = evidence(tmp_path, line(), line(1, "", "2031"), line(40, "30", role="forecast"))
    code, out, err = outcome(capsys, "condition", store, "--evidence", path, "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    promised = ("effective_sample_size", "pareto_k", "weights_stored", "prior", "posterior")
    assert set(promised) <= set(found)
    assert found["weights_stored"] is True
    weights = load_weights(store, "evidence")
    # nearly normal around r = 20, with the spread 5: sums of squares of such weights
    assert found["effective_sample_size"] == pytest.approx(1.0 / (weights @ weights))
    assert found["effective_sample_size"] == pytest.approx(2.0 * np.sqrt(np.pi) * 5.0, rel=0.05)
    assert weights @ R == pytest.approx(20.0, abs=0.5)
    assert found["prior"]["totals"][0]["year"] == "2025"
    assert [r["counts"] for r in found["evidence"]] == [True, False, False]


def test_the_text_says_what_was_learned(store: Path, tmp_path: Path, capsys) -> None:
    path = evidence(tmp_path, line(), line(1, "", "2031"))
    code, out, _ = outcome(capsys, "condition", store, "--evidence", path)
    assert code == 0
    for part in (
        "Evidence of mine.csv, scenario baseline",
        "Passed over\n\naccelerator, 2031 (s): 2031 is not there",
        "before",
        "after",
        "Inputs that moved most:",
        "Without one piece of evidence",
        "More than half of what the evidence says rests on: accelerator 2025Q4 by s.",
        "The weights are stored: --weights evidence.",
    ):
        assert part in out
    assert all(text == text.rstrip() for text in out.splitlines())


def test_every_command_takes_the_weights(weighted: Path, tmp_path: Path, capsys) -> None:
    weights = load_weights(weighted, "mine")
    said = "Weighted by mine.csv (weights mine): an effective sample size of 18."
    for what in ((), ("--what", "products"), ("--what", "binding")):
        code, out, err = outcome(capsys, "summary", weighted, "--weights", "mine", *what)
        assert code == 0, err
        assert said in out
    arguments = ("summary", weighted, "--weights", "mine", "--product", "accelerator", "--json")
    found = json.loads(outcome(capsys, *arguments)[1])
    record = next(r for r in found["records"] if r["quarter"] == "2026Q1")
    assert record["mean"] == pytest.approx(weights @ R + 20.0)
    assert record["p50"] == pytest.approx(40.0, abs=1.0)
    assert found["weights"]["evidence"] == "mine.csv"
    arguments = ("summary", weighted, "--weights", "mine", "--above", 200_050, "--json")
    found = json.loads(outcome(capsys, *arguments, "--period", "2026Q1")[1])
    # the total of two AI products: 2 r + 40 + 200,000
    share = weights[2 * R + 40 > 50].sum()
    assert found["exceedance"][0]["probability"] == pytest.approx(share)
    # the rule of three, of as many realizations as count
    out = outcome(capsys, "summary", weighted, "--weights", "mine", "--above", 1e9)[1]
    assert f"within {300.0 * (weights @ weights):.1f} % of that" in " ".join(out.split())


def test_csv_rows_are_weighted(weighted: Path, tmp_path: Path, capsys) -> None:
    table = tmp_path / "table.csv"
    arguments = ("summary", weighted, "--weights", "mine", "--csv", table, "--period", "2026Q1")
    assert outcome(capsys, *arguments, "--product", "accelerator")[0] == 0
    rows = [text.split(",") for text in table.read_text().splitlines()]
    value = next(
        float(r[4]) for r in rows if r[:4] == ["baseline", "accelerator", "2026Q1", "mean"]
    )
    assert value == pytest.approx(load_weights(weighted, "mine") @ R + 20.0)


def test_evidence_is_compared_with_the_posterior(weighted: Path, tmp_path: Path, capsys) -> None:
    arguments = ("compare-evidence", weighted, "--evidence", tmp_path / "mine.csv", "--json")
    plain = json.loads(outcome(capsys, *arguments)[1])
    found = json.loads(outcome(capsys, *arguments, "--weights", "mine")[1])
    assert plain["figures"][0]["percentile"] == pytest.approx((20 + 0.5) / 50)
    assert found["figures"][0]["percentile"] == pytest.approx(0.5, abs=0.01)
    assert found["totals"][0]["ratio"] < plain["totals"][0]["ratio"]
    texts = [outcome(capsys, *arguments[:-1], *more)[1] for more in ((), ("--weights", "mine"))]
    assert ["tests nothing any more" in text for text in texts] == [False, True]


def test_stores_are_compared_with_their_weights(weighted: Path, tmp_path: Path, capsys) -> None:
    other = shutil.copytree(weighted, tmp_path / "same.zarr")
    arguments = ("compare", weighted, other, "--weights", "mine")
    found = json.loads(outcome(capsys, *arguments, "--json")[1])
    assert all(r["paired"] for r in found["differences"])
    out = outcome(capsys, *arguments)[1]
    assert out.count("Weighted by mine.csv") == 2


def test_charts_say_that_they_are_weighted(weighted: Path, tmp_path: Path, capsys) -> None:
    pytest.importorskip("matplotlib")
    image = tmp_path / "fan.svg"
    assert outcome(capsys, "plot", weighted, "--weights", "mine", "--out", image)[0] == 0
    image = tmp_path / "e.svg"
    arguments = ("--evidence", tmp_path / "mine.csv", "--weights", "mine", "--png", image)
    assert outcome(capsys, "compare-evidence", weighted, *arguments)[0] == 0


def test_sensitivity_says_that_it_takes_none(weighted: Path, capsys) -> None:
    code, _, err = outcome(capsys, "sensitivity", weighted, "--weights", "mine")
    assert code == 2
    assert err.startswith("yieldsim: error: --weights: indices are of independent draws")
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    "command", thinned(["summary", "plot", "compare", "compare-evidence", "sensitivity"], 2)
)
def test_an_unknown_name_is_one_line(command: str, weighted: Path, capsys) -> None:
    stores = (weighted, weighted) if command == "compare" else (weighted,)
    code, out, err = outcome(capsys, command, *stores, "--weights", "yours")
    assert (code, out) == (1, "")
    assert "has no weights of this name, got 'yours'; allowed: mine" in err
    assert len(err.splitlines()) == 1


def test_weights_of_another_ensemble_are_one_line(weighted: Path, tmp_path: Path, capsys) -> None:
    make_store(Folder(tmp_path / "other.zarr"), realizations=REALIZATIONS, seed=4)
    finalize(Folder(tmp_path / "other.zarr"))
    shutil.copytree(weighted / "weights", tmp_path / "other.zarr" / "weights")
    code, _, err = outcome(capsys, "summary", tmp_path / "other.zarr", "--weights", "mine")
    assert code == 1
    assert "are weights of another ensemble" in err
    assert len(err.splitlines()) == 1


def test_collapsed_weights_are_not_stored(store: Path, tmp_path: Path, capsys) -> None:
    rows = (line(spread="0.3"), line(70, "40", "2026Q1"))
    write = tmp_path / "c.toml"
    arguments = ("condition", store, "--evidence", evidence(tmp_path, *rows), "--write", write)
    for extra in ((), ("--json",)):
        code, out, err = outcome(capsys, *arguments, *extra)
        assert code == 5
        assert len(err.splitlines()) == 1
        for part in (
            "the weights collapse to an effective sample size of 1",
            "nothing is stored",
            "without accelerator 2025Q4 by s it would be",
            "in place of 0.3 in that row would hold",
            "run 2,155 realizations or more",
        ):
            assert part in err
    found = json.loads(out)
    assert (found["weights_stored"], found["posterior"]) == (False, None)
    assert not (store / "weights").exists()
    assert not write.exists()


def test_a_calibration_says_who_survived(store: Path, tmp_path: Path, capsys) -> None:
    write = tmp_path / "2026.toml"
    path = evidence(tmp_path, line(), line(1, "", "2031"))
    arguments = ("condition", store, "--evidence", path, "--write", write)
    code, _, err = outcome(capsys, *arguments)
    assert (code, err) == (0, f"calibration: {write}\n")
    found = tomllib.loads(write.read_text(encoding="utf-8"))
    assert found["prior_realizations"] == REALIZATIONS
    weights = load_weights(store, "evidence")
    assert found["survivors"] == pytest.approx(1.0 / (weights @ weights), abs=0.05)
    assert found["carried_by"] == ["accelerator 2025Q4 by s"]
    assert found["evidence_file"] == "mine.csv"
    assert len(found["evidence_sha256"]) == 64
    assert len(found["date"]) == len("2026-11-30")
    (row,) = found["evidence"]
    assert (row["central"], row["spread"], row["vote"]) == (30.0, "5", 1.0)
    assert [r["year"] for r in found["totals"]] == ["2025", "2026"]
    assert outcome(capsys, *arguments)[0] == 0  # over the file that it wrote itself
    write.write_text("[mine]\n", encoding="utf-8")
    code, _, err = outcome(capsys, *arguments)
    assert code == 2
    assert "--write: exists" in err


@pytest.mark.parametrize(
    ("rows", "extra", "code", "part"),
    [
        ((line(spread="0"),), (), 1, "mine.csv line 2 (accelerator 2025Q4): spread"),
        ((line(spread=""),), (), 1, "spread: is missing"),
        ((line(period="2031"),), (), 1, "has no figure that the ensemble can be compared with"),
        ((line(role="forecast"),), (), 1, "has no row that can weigh the ensemble"),
        ((), (), 1, "has no rows"),
        ((line(),), ("--name", "a/b"), 2, "--name: is no name for weights, got 'a/b'"),
        ((line(),), ("--scenario", "never"), 2, "scenario: is not in the ensemble"),
    ],
)
def test_bad_input_is_one_line(rows, extra, code, part, store: Path, tmp_path, capsys) -> None:
    path = evidence(tmp_path, *rows)
    found, out, err = outcome(capsys, "condition", store, "--evidence", path, *extra)
    assert (found, out) == (code, "")
    assert part in err
    assert len(err.splitlines()) == 1
    assert not (store / "weights").exists()


def test_an_unfinished_store_is_refused(tmp_path: Path, capsys) -> None:
    make_store(Folder(tmp_path / "x.zarr"), blocks=2)
    for command in (("condition",), ("summary", "--weights", "mine")):
        code, _, err = outcome(capsys, command[0], tmp_path / "x.zarr", *command[1:])
        assert code == 3
        assert "blocks are missing" in err
        assert len(err.splitlines()) == 1


@pytest.mark.parametrize(("central", "spread"), [(0, "20%"), (30, "1e-300")])
def test_a_spread_that_gives_no_likelihood_is_refused(
    central: float, spread: str, store: Path, tmp_path: Path, capsys
) -> None:
    path = evidence(tmp_path, line(central, spread))
    code, _, err = outcome(capsys, "condition", store, "--evidence", path)
    assert code == 1
    assert "mine.csv line 2 (accelerator 2025Q4): spread: is too small" in err
    assert f"got '{spread}'" in err
    assert err.count("\n") == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_calibration_that_cannot_be_written_takes_no_figure_away(
    store: Path, tmp_path: Path, capsys
) -> None:
    path = evidence(tmp_path, line())
    code, out, err = outcome(capsys, "condition", store, "--evidence", path, "--write", "/dev/full")
    assert code == 1
    assert "Evidence of mine.csv" in out
    assert "/dev/full: No space left on device" in err
