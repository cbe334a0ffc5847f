"""``yieldsim summary STORE --what ...``"""

import json
from pathlib import Path

import numpy as np
import pytest

import yieldsim.ensemble
from tests.analysis.made_up_parts import LIFTED, whole
from tests.cli.refusals import check_refused
from tests.paths import VALID
from yieldsim.analysis.fab.die_yield import yield_summary
from yieldsim.analysis.supply.demand import demand_summary
from yieldsim.analysis.supply.lifted import binding_summary
from yieldsim.analysis.supply.memory import memory_summary
from yieldsim.analysis.supply.products import products_summary
from yieldsim.cli.main import main
from yieldsim.report.die_yield import GOOD, TITLES
from yieldsim.report.supply.demand import NOTHING
from yieldsim.report.supply.memory import NOTHING as NO_MEMORY

SUMMARIES = {
    "products": products_summary,
    "binding": binding_summary,
    "yield": yield_summary,
    "demand": demand_summary,
    "memory": memory_summary,
}


@pytest.fixture(autouse=True)
def store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yieldsim.ensemble, "open_ensemble", lambda path: whole(scenarios=LIFTED))


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["summary", "x.zarr", *arguments]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out


@pytest.mark.parametrize("what", SUMMARIES)
def test_the_json_is_that_of_the_analysis(what: str, capsys) -> None:
    content = json.loads(printed(capsys, "--what", what, "--json"))
    assert content == json.loads(json.dumps(SUMMARIES[what](whole(scenarios=LIFTED))))


@pytest.mark.parametrize(
    ("what", "title"),
    [
        ("products", "Products per calendar year, P50 of each and its error, scenario baseline"),
        ("binding", "What holds AI chips at the moment"),
        ("yield", TITLES[GOOD]),
        ("demand", NOTHING),
        ("memory", NO_MEMORY),
    ],
)
def test_the_text_begins_with_its_title(what: str, title: str, capsys) -> None:
    assert printed(capsys, "--what", what).startswith(title)


@pytest.mark.parametrize("what", ["products", "binding", "yield"])
def test_scenarios_can_be_chosen(what: str, capsys) -> None:
    chosen = ["--what", what, "--scenario", "domestic_late+no_limit:memory"]
    content = json.loads(printed(capsys, *chosen, "--json"))
    lists = [content[key] for key in ("records", "yearly", "binding", "lifted") if key in content]
    assert {r["scenario"] for records in lists for r in records} == {chosen[-1]}
    assert f"scenario {chosen[-1]}\n" in printed(capsys, *chosen)


def test_products_can_be_chosen(capsys) -> None:
    chosen = ["--product", "ascend_910c", "--json"]
    for what, key in (("products", "yearly"), ("binding", "binding"), ("binding", "lifted")):
        content = json.loads(printed(capsys, "--what", what, *chosen))
        assert {r["product"] for r in content[key]} == {"ascend_910c"}
    text = printed(capsys, "--what", "binding", "--product", "ascend_910c")
    assert text.startswith("What holds ascend_910c at the moment")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--what", "chips"], "Invalid value for '--what': 'chips' is not one of 'products', 'bi"),
        (["--what", "binding", "--product", "x"], "--product: is not in the ensemble, got 'x'; al"),
        (["--what", "products", "--product", "x"], "--product: is not in the ensemble, got 'x'; a"),
        (["--what", "yield", "--product", "total"], "--product: does not go with --what yield; al"),
        (["--what", "demand", "--product", "x"], "--product: does not go with --what demand; allo"),
        (["--what", "memory", "--product", "x"], "--product: does not go with --what memory; allo"),
        (["--what", "binding", "--scenario", "x"], "scenario: is not in the ensemble, got 'x'; al"),
        (["--what", "yield", "--scenario", "x"], "scenario: is not in the ensemble, got 'x'; all"),
    ],
)
def test_wrong_usage_is_one_line(arguments: list[str], message: str, capsys) -> None:
    check_refused(capsys, ["summary", "x.zarr", *arguments], 2, message)


def test_a_real_store_is_summed_up(tmp_path: Path, capsys, monkeypatch) -> None:
    """From the simulation through the store to the figures: names of bins, dies and products."""
    monkeypatch.undo()
    model = str(VALID / "two_fabs.toml")
    store = str(tmp_path / "x.zarr")
    arguments = ["--realizations", "4", "--set", "simulation.steps_per_quarter=1", "--json"]
    assert main(["run", model, *arguments, "--out", store]) == 0
    capsys.readouterr()
    content = {}
    for what in SUMMARIES:
        assert main(["summary", store, "--what", what, "--json"]) == 0
        content[what] = json.loads(capsys.readouterr().out)
    ds = yieldsim.ensemble.open_ensemble(store).isel(scenario=0)
    names = json.loads(ds.attrs["bin_names"])
    record = next(r for r in reversed(content["yield"]["yearly"]) if r["bin"] is not None)
    inside = [str(q).startswith(record["year"]) for q in ds["quarter_label"].values]
    place = {"die": list(ds["die"].values).index(record["die"]), "quarter": np.array(inside)}
    label = next(k for k, name in names[record["die"]].items() if name == record["bin"])
    good = ds["good_dies"].isel(place).sel(bin=label).astype(float).sum("quarter")
    gross = ds["gross_dies"].isel(place).astype(float).sum("quarter")
    # the same figures in double precision, in another order
    assert record["mean"] == pytest.approx(float((good / gross).mean()), rel=1e-12)
    fit = content["yield"]["yearly"][-1]
    place = {"die": list(ds["die"].values).index(fit["die"]), "quarter": np.array(inside)}
    fit_dies = ds["saleable_dies"].isel(place).astype(float).sum("quarter")
    started = ds["gross_dies_started"].isel(place).astype(float).sum("quarter")
    assert fit["figure"] == "fit for mass production"
    assert fit["mean"] == pytest.approx(float((fit_dies / started).mean()), rel=1e-12)
    d0 = content["yield"]["d0_yearly"][-1]
    line = ds.isel(quarter=np.array(inside)).sel(fab=d0["fab"], process=d0["process"])
    starts = line["wafer_starts"].astype(float)
    joined = (line["d0_per_cm2"] * starts).sum("quarter") / starts.sum("quarter")
    assert (d0["mean"], d0["units"]) == (pytest.approx(float(joined.mean()), rel=1e-12), "cm-2")
    bins = {r["bin"] for r in content["products"]["yearly"]} - {None}
    assert bins == {name for several in names.values() for name in several.values()}
    assert {r["constraint"] for r in content["binding"]["binding"]} <= set(
        json.loads(ds["binding"].attrs["flag_names"])
    )
