"""Whole runs of a small model with orders, a demand and imports: the variables and their bits."""

import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import yieldsim
from tests.examples import thinned
from tests.supply.orders.made_up_model import DEMAND, IMPORTS, ORDERS, SOUND, file
from yieldsim.analysis import demand_summary
from yieldsim.cli.main import main
from yieldsim.model import ModelFile
from yieldsim.outputs import ALWAYS, EXTRA_OUTPUTS, ORDER_OUTPUTS, OUTPUTS, TOTAL_CHIPS

EVERYTHING = (*ORDERS, *DEMAND, *IMPORTS)
COUNT, SEED = 20, 7
EXTRA = {v.name for v in EXTRA_OUTPUTS}
KEPT = [v for v in OUTPUTS if not v.on_request]


def run(model_file: ModelFile, **how) -> xr.Dataset:
    return yieldsim.run(model_file, realizations=COUNT, seed=SEED, **how)


@pytest.fixture(scope="module")
def whole() -> xr.Dataset:
    return run(file(*EVERYTHING))


def test_every_variable_is_there_with_its_dims(whole: xr.Dataset) -> None:
    for variable in EXTRA_OUTPUTS:
        values = whole[variable.name]
        assert values.dims == ("scenario", "realization", "quarter", *variable.dims)
        assert values.attrs["units"] == variable.units
        assert np.isfinite(values.values).all()
    assert whole["order"].values.tolist() == ["first", "money", "pods"]
    assert whole["import_source"].values.tolist() == ["h20", "grey"]


def test_orders_do_not_change_production(whole: xr.Dataset) -> None:
    without = run(file())
    assert set(without) & EXTRA == set()
    assert {"order", "import_source"} & set(without.sizes) == set()
    for variable in KEPT:
        np.testing.assert_array_equal(whole[variable.name].values, without[variable.name].values)


def test_chips_are_delivered_or_unclaimed(whole: xr.Dataset) -> None:
    claiming = whole["order_delivered"].sel(order=["first", "money"]).sum("order")
    left = whole["unclaimed_chips"].sum("product")
    usable = whole["usable_chips"].sum("product").values
    # each figure is rounded to single precision (6e-8) on its own
    np.testing.assert_allclose((claiming + left).values, usable, rtol=1e-6)
    assert (claiming > 0.0).any()


@pytest.mark.parametrize(
    "how", thinned([{"block_size": 3, "threads": 2}, {"block_size": 7, "threads": 1}], 2)
)
def test_blocks_and_threads_change_no_bit(whole: xr.Dataset, how: dict) -> None:
    other = run(file(*EVERYTHING), **how)
    for name in {v.name for v in KEPT} | EXTRA:
        np.testing.assert_array_equal(whole[name].values, other[name].values, err_msg=name)


def test_a_store_holds_all_about_its_orders(whole: xr.Dataset, tmp_path: Path, capsys) -> None:
    store = tmp_path / "orders.zarr"
    run(file(*EVERYTHING), out=store).close()
    with xr.open_zarr(store) as ds:
        for name in EXTRA:
            np.testing.assert_array_equal(ds[name].values, whole[name].values)
    assert main(["summary", str(store), "--what", "demand", "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary == demand_summary(whole)
    about = {r["order"]: r for r in summary["orders"]}
    assert about["money"]["due"] == "2026Q1"
    assert about["money"]["products"] == ["chip"]
    assert (about["pods"]["kind"], about["pods"]["claims"]) == ("pods", False)
    assert main(["summary", str(store), "--what", "demand"]) == 0
    text = capsys.readouterr().out
    assert "money  order  2025Q3  2026Q1" in text
    assert "pods   pods*  2026Q1  -" in text


def test_a_run_may_keep_one_of_the_variables(whole: xr.Dataset, tmp_path: Path) -> None:
    few = run(file(*EVERYTHING, 'simulation.outputs=["order_backlog"]'), out=tmp_path / "few.zarr")
    kept = {v.name for v in (*OUTPUTS, TOTAL_CHIPS, *EXTRA_OUTPUTS)} & set(few)
    assert kept == {"order_backlog", *ALWAYS}
    np.testing.assert_array_equal(few["order_backlog"].values, whole["order_backlog"].values)
    assert demand_summary(few)["orders"] == []
    few.close()


def test_a_model_with_orders_alone_has_their_variables_alone() -> None:
    ds = run(file(*ORDERS))
    assert set(ds) & EXTRA == {v.name for v in ORDER_OUTPUTS}
    summary = demand_summary(ds)
    assert len(summary["orders"]) == 3
    assert summary["market"] == summary["imports"] == []


def test_scenarios_may_change_orders_demand_and_imports() -> None:
    model_file = file(*EVERYTHING)
    changes = {
        "orders": {"first": {"chips": 1e9, "placed": "2025Q4"}},
        "demand": {"tflops_fp16": 600},
        "imports": {"h20": {"licensed": 0}},
    }
    entry = {"title": "more", "source": "made_up", "grade": "assumed", "changes": changes}
    ds = run(
        ModelFile(model_file.place, model_file.raw, {"more": entry}), scenarios=["baseline", "more"]
    )
    base, more = (ds.sel(scenario=name) for name in ("baseline", "more"))
    assert (more["order_size"].sel(order="first").values[:, :3] == 0.0).all()
    assert (more["order_size"].sel(order="first").values[:, 3:] == 1e9).all()
    assert (more["imports"].sel(import_source="h20").values == 0.0).all()
    np.testing.assert_array_equal(
        more["demand_h100_equivalents"].values, 2.0 * base["demand_h100_equivalents"].values
    )
    np.testing.assert_array_equal(more["demand"].values, base["demand"].values)
    about = {(r["scenario"], r["order"]): r for r in demand_summary(ds)["orders"]}
    assert about["baseline", "first"]["placed"] == "2025Q1"
    assert about["more", "first"]["placed"] == "2025Q4"


def test_the_small_model_itself_has_no_demand() -> None:
    assert "[orders" not in SOUND.read_text(encoding="utf-8")
