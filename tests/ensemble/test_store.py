"""What is written is what is read, with its names, units and coordinates."""

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from scipy.stats import spearmanr

from tests.ensemble.fake import QUARTERS, FakeSimulator, analyst_file, flip_bit, make_store
from tests.examples import thinned
from yieldsim import open_ensemble
from yieldsim.analysis.attributes import place_of
from yieldsim.analysis.conditioning import open_weighted
from yieldsim.analysis.totals import choose
from yieldsim.ensemble import (
    Folder,
    Memory,
    Place,
    RunPlan,
    Writer,
    create,
    finalize,
    open_place,
    read_stored,
    summaries,
)
from yieldsim.ensemble.ledger import BlockRecord
from yieldsim.errors import VerificationError
from yieldsim.model import ModelFile
from yieldsim.outputs import OUTPUTS, TOTAL_CHIPS, constraint_names
from yieldsim.version import VERSION

REALIZATIONS, SEED = 50, 3
DRAWN = "parameter_value"
ALL = (*OUTPUTS, TOTAL_CHIPS)


class WithAll(FakeSimulator):
    """With every variable."""

    outputs = ALL


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished store of all variables."""
    path = tmp_path_factory.mktemp("all") / "x.zarr"
    make_store(Folder(path), realizations=REALIZATIONS, seed=SEED, simulator=WithAll)
    finalize(Folder(path))
    return path


def test_the_store_is_named(whole: Path) -> None:
    stored = read_stored(Folder(whole))
    assert stored is not None
    assert stored.plan.file.held_by == (str(whole), VERSION)
    opened = open_weighted(whole, None)
    chosen = choose(opened, ["late"]).assign_coords(more=1)
    assert place_of(opened) == place_of(chosen) == str(whole)


@pytest.fixture(scope="module")
def ds(whole: Path) -> xr.Dataset:
    return open_ensemble(whole)


def truth(simulator: type[FakeSimulator] = FakeSimulator) -> dict[str, np.ndarray]:
    return simulator(analyst_file(), ["baseline", "late"], SEED).block(0, REALIZATIONS)


@pytest.mark.parametrize(
    ("kind", "block_size"),  # dividing 50 or not
    thinned([("folder", 16), ("folder", 25), ("memory", 1), ("folder", 64), ("memory", 16)], 2),
)
def test_what_is_read_is_what_was_computed(kind: str, block_size: int, tmp_path: Path) -> None:
    place: Place = Memory() if kind == "memory" else Folder(tmp_path / "x.zarr")
    make_store(place, realizations=REALIZATIONS, block_size=block_size, seed=SEED)
    finalize(place)
    ds = open_place(place)
    for name, values in truth().items():
        np.testing.assert_array_equal(ds[name].values, values, strict=True)


def test_xarray_alone_opens_the_same(whole: Path, ds: xr.Dataset) -> None:
    # warnings are errors here, so this also shows that nothing warns
    with xr.open_zarr(whole) as alone:
        xr.testing.assert_identical(alone.load(), ds.load())
        assert set(alone.coords) == set(ds.coords)


def test_each_variable_has_its_values_dims_and_meaning(ds: xr.Dataset) -> None:
    expected = truth(WithAll)
    assert set(expected) == {v.name for v in ALL} | {DRAWN}
    for variable in ALL:
        array = ds[variable.name]
        np.testing.assert_array_equal(array.values, expected[variable.name], strict=True)
        assert array.dims == ("scenario", "realization", "quarter", *variable.dims)
        assert array.attrs["units"] == variable.units
        assert array.attrs["long_name"] == variable.long_name
        assert array.attrs["cell_methods"] == variable.cell_methods
    assert ds["usable_chips"].attrs["comment"] == "made up"  # the simulation's own attributes


def test_binding_says_what_its_values_mean(ds: xr.Dataset) -> None:
    attrs = ds["binding"].attrs
    names = constraint_names(["etch", "litho"])
    assert json.loads(attrs["flag_names"]) == names
    assert attrs["flag_values"] == list(range(len(names)))
    words = attrs["flag_meanings"].split(" ")
    assert len(words) == len(names)  # CF: one word a value
    assert "tools:litho" in words
    assert "not_in_production" in words


def test_coordinates(ds: xr.Dataset) -> None:
    starts = np.array(["2025-07-01", "2025-10-01", "2026-01-01"], dtype="datetime64[ns]")
    ends = np.array(["2025-10-01", "2026-01-01", "2026-04-01"], dtype="datetime64[ns]")
    np.testing.assert_array_equal(ds["quarter"].values, starts)
    bounds = ds[ds["quarter"].attrs["bounds"]]
    np.testing.assert_array_equal(bounds.values, np.stack([starts, ends], axis=1))
    assert ds["quarter"].attrs["standard_name"] == "time"
    assert ds["quarter_label"].values.tolist() == QUARTERS
    np.testing.assert_array_equal(ds["realization"].values, np.arange(REALIZATIONS))
    assert ds["realization"].attrs["standard_name"] == "realization"
    assert ds["scenario"].values.tolist() == ["baseline", "late"]
    assert ds["scenario_title"].values.tolist() == ["baseline", "All comes late"]
    assert ds["product_kind"].values.tolist() == ["ai", "phone", "ai"]
    assert ds["parameter_description"].values.tolist() == ["größe", "größe"]
    assert ds.sizes["memory"] == 0
    labels = {"quarter_label", "quarter_bounds", "scenario_title", "product_kind"}
    assert labels <= set(ds.coords)
    assert {f"parameter_{part}" for part in ("unit", "source", "grade")} <= set(ds.coords)


def test_figures_are_found_by_their_names(ds: xr.Dataset) -> None:
    place = {"scenario": "late", "product": "handset", "quarter": "2025-10-01"}
    values = ds["usable_chips"].sel(place).values
    # r + 1000 (second scenario) + 10 (second quarter) + 10^5 (second product)
    np.testing.assert_array_equal(values, np.arange(REALIZATIONS) + 101_010.0)


def test_the_store_alone_says_what_made_it(ds: xr.Dataset) -> None:
    attrs = ds.attrs
    file = ModelFile.from_json(attrs["model_json"])
    expected = analyst_file().digest(["baseline", "late"])
    assert file.digest(json.loads(attrs["scenarios"])) == attrs["model_hash"] == expected
    assert (attrs["seed"], attrs["realizations"], attrs["block_size"]) == (SEED, REALIZATIONS, 16)
    assert attrs["status"] == "complete"
    assert attrs["title"] == "The analyst's small model"
    assert attrs["Conventions"].startswith("CF-")
    assert {"python", "numpy", "numba", "yieldsim"} <= set(json.loads(attrs["versions"]))
    assert [line.split(": ", 1)[1] for line in attrs["history"].splitlines()] == [
        "made by a test",
        "finalized",
    ]
    assert json.loads(attrs["bin_names"]) == {"ai": {"1": "good"}}


def test_a_seed_of_64_bits_is_kept(tmp_path: Path) -> None:
    place = Folder(tmp_path / "x.zarr")
    make_store(place, realizations=2, seed=2**64 - 1)
    finalize(place)
    assert open_ensemble(place.path).attrs["seed"] == str(2**64 - 1)  # NetCDF has no such number
    assert read_stored(place).attrs["seed"] == 2**64 - 1


def check_summaries(ds: xr.Dataset) -> None:
    chips = truth()["usable_chips"].astype("float64")  # (scenario, realization, quarter, product)
    total = chips[..., 0] + chips[..., 2]  # those of kind ai
    # rtol: means are summed in another order, in float64 (2^-52, 50 terms)
    same = {"rtol": 1e-13}
    np.testing.assert_allclose(ds["usable_chips_mean"], chips.mean(axis=1), **same)
    np.testing.assert_allclose(ds["usable_chips_total_mean"], total.mean(axis=1), **same)
    for p in (0.1, 0.5, 0.9):
        at = ds.sel(quantile=p)
        # quantiles of float32 figures are interpolated in float32 (2^-24)
        np.testing.assert_allclose(
            at["usable_chips_quantile"], np.quantile(chips, p, axis=1), rtol=2**-23
        )
        np.testing.assert_allclose(
            at["usable_chips_total_quantile"], np.quantile(total, p, axis=1), **same
        )


def test_the_list_of_summaries_is_whole(ds: xr.Dataset) -> None:
    written = {v.name for v in ALL} | {DRAWN, "block_done", "quarter_bounds"}
    others = {name for name in ds.data_vars if name not in written}
    others |= {"quantile", "parameter_first", "parameter_second"}
    assert others == set(summaries.SUMMARIES)


def test_summaries_are_quantiles_of_totals(ds: xr.Dataset) -> None:
    check_summaries(ds)
    assert ds["usable_chips_total_mean"].dims == ("scenario", "quarter")
    assert ds["usable_chips_quantile"].dims == ("quantile", "scenario", "quarter", "product")
    assert ds["usable_chips_mean"].attrs["units"] == "chip"


@pytest.mark.parametrize("cells", thinned([1, 4, 2, 10**6], 2))
def test_summaries_do_not_depend_on_memory(
    cells: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(summaries, "_HELD_BYTES", 4 * REALIZATIONS * cells)
    monkeypatch.setattr(summaries, "_PART_BYTES", 8 * REALIZATIONS * (cells // 2))
    place = Folder(tmp_path / "x.zarr")
    make_store(place)
    finalize(place)
    check_summaries(open_place(place))


def test_requested_and_achieved_correlations(ds: xr.Dataset) -> None:
    assert ds["parameter_first"].values.tolist() == ["processes.n2.d0_mature_per_cm2"]
    assert ds["parameter_second"].values.tolist() == ["fabs.line.plan.n2.scale"]
    assert ds["rank_correlation_requested"].values.tolist() == [0.5]
    drawn = truth()[DRAWN]
    expected = [[spearmanr(drawn[s]).statistic] for s in range(2)]
    # rtol: two ways to compute one correlation, in float64
    np.testing.assert_allclose(ds["rank_correlation_achieved"], expected, rtol=1e-12)


def test_a_parameter_that_a_scenario_fixes_has_no_correlation(tmp_path: Path) -> None:
    place = Folder(tmp_path / "x.zarr")
    writer, source = make_store(place, blocks=0)
    for block in range(writer.plan.blocks):
        arrays = source.block(*writer.plan.span(block))
        arrays[DRAWN][1, :, 0] = 0.25
        writer.write(block, arrays)
    finalize(place)
    achieved = open_place(place)["rank_correlation_achieved"].values[:, 0]
    assert np.isnan(achieved).tolist() == [False, True]


def test_a_model_without_uncertainty_has_no_parameters(tmp_path: Path) -> None:
    file, place = analyst_file(), Folder(tmp_path / "x.zarr")
    source = FakeSimulator(file, ["baseline"], SEED)
    source.parameters, source.coords["parameter"] = [], []
    plan = RunPlan(file, ("baseline",), SEED, 4, 4)
    create(place, source, plan, "test")
    arrays = source.block(0, 4) | {DRAWN: np.empty((1, 4, 0))}
    Writer.of(place, source, plan).write(0, arrays)
    finalize(place)
    ds = open_place(place)
    assert ds[DRAWN].shape == (1, 4, 0)
    assert "rank_correlation_achieved" not in ds


def test_reading_one_scenario_reads_no_other(path: Path) -> None:
    key = "wafer_outs/c.0.0.0.0.0"
    (first, size, _), (other, _, _) = BlockRecord.read(Folder(path), 0, 0).files[key].chunks
    assert other == first + size
    data = (path / key).read_bytes()
    (path / key).write_bytes(flip_bit(data, 8 * other + 80))
    ds = open_ensemble(path)["wafer_outs"].isel(realization=0)
    assert np.isfinite(ds.sel(scenario="baseline").values).all()
    with pytest.raises(VerificationError, match=r"chunk c\.0\.0\.0\.0\.0 of wafer_outs"):
        ds.sel(scenario="late").load()


def test_a_block_is_one_file_of_each_array(finished_once: Path) -> None:
    for name, block in itertools.product(("usable_chips", DRAWN), range(4)):
        tail = ".0.0" if name == "usable_chips" else ".0"
        assert (finished_once / name / f"c.0.{block}{tail}").is_file()
    assert len(list((finished_once / "usable_chips").glob("c.*"))) == 4
    assert not list(finished_once.rglob("*.partial"))
