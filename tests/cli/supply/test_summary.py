import json
from pathlib import Path

import pytest

import yieldsim.ensemble
from tests.analysis.made_up import PRODUCTS, SCENARIOS, ensemble
from tests.cli.refusals import check_refused
from tests.paths import ROOT
from yieldsim.analysis import summarize
from yieldsim.cli.main import main


@pytest.fixture(autouse=True)
def store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yieldsim.ensemble, "open_ensemble", lambda path: ensemble())


def test_the_json_is_the_summary(capsys) -> None:
    assert main(["summary", "x.zarr", "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out) == summarize(ensemble())
    assert err == ""


def test_the_text_has_the_tables(capsys) -> None:
    assert main(["summary", "x.zarr"]) == 0
    out = capsys.readouterr().out
    assert "Usable AI chips per quarter, total, scenario baseline" in out
    assert "Paired differences of the total from baseline" in out


def test_scenarios_and_products_can_be_chosen(capsys) -> None:
    arguments = ["--scenario", SCENARIOS[1], "--product", "total", "--product", PRODUCTS[0]]
    assert main(["summary", "x.zarr", *arguments, "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    for key in ("records", "yearly", "binding"):
        assert {r["scenario"] for r in content[key]} == {SCENARIOS[1]}
        assert {r["product"] for r in content[key]} == {"total", PRODUCTS[0]}
    assert content["differences"] == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--scenario", "x"], "scenario: is not in the ensemble, got 'x'; allowed: baseline, dom"),
        (["--product", "x"], "--product: is not in the ensemble, got 'x'; allowed: total, ascend"),
    ],
)
def test_names_that_are_not_there_are_one_line(arguments, message, capsys) -> None:
    check_refused(capsys, ["summary", "x.zarr", *arguments], 2, message)


def test_a_store_that_is_not_there_is_one_line(tmp_path: Path, capsys, monkeypatch) -> None:
    monkeypatch.undo()
    assert main(["summary", str(tmp_path / "none.zarr")]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    place = tmp_path / "none.zarr"
    problem = f"no such ensemble store; `yieldsim run MODEL --out {place}` makes one"
    assert err == f"yieldsim: error: {place}: {problem}\n"


def test_a_real_store_is_summed_up(tmp_path: Path, capsys, monkeypatch) -> None:
    """From the simulation through the store to the figures: the same as from the open Dataset."""
    monkeypatch.undo()
    model = str(ROOT / "benchmarks" / "analyst.toml")
    store = str(tmp_path / "x.zarr")
    arguments = ["--realizations", "48", "--seed", "7", "--block-size", "16", "--json"]
    assert main(["run", model, *arguments, "--out", store]) == 0
    capsys.readouterr()
    assert main(["summary", store, "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    ds = yieldsim.ensemble.open_ensemble(store)
    chips = ds["usable_chips"].to_numpy()[0, :, 0, 0]
    record = content["records"][0]
    assert (record["scenario"], record["product"]) == ("baseline", "total")
    assert record["mean"] == pytest.approx(chips.astype(float).mean(), rel=1e-12)  # rounding
    assert (content["model"], content["seed"], content["realizations"]) == ("analyst", "7", 48)
    assert content["binding"][0]["constraint"] in ("memory", "wafer plan", "defects")
