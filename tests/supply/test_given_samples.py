"""Runs of given samples and along Sobol' sequences: bits, blocks, and what the store keeps."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import yieldsim
from tests.ensemble.fake import MODEL, flip_bit, one_line
from tests.examples import thinned
from yieldsim.ensemble import Folder, damaged_metadata, read_stored
from yieldsim.ensemble.ledger import SAMPLES, Seal
from yieldsim.errors import StoreError, UsageError
from yieldsim.execute import execute, init_store, work_store
from yieldsim.execute.extend import extend_store
from yieldsim.execute.repair import repair

RUN: dict[str, Any] = {"realizations": 12, "seed": 5}


def figures(ds: xr.Dataset) -> xr.Dataset:
    return ds.load().drop_vars("block_done").drop_attrs()


def columns_of(ds: xr.Dataset) -> dict[str, np.ndarray]:
    """The samples that a run drew, as columns."""
    values = ds["parameter_value"].isel(scenario=0)
    return {str(path): values.sel(parameter=path).values for path in ds["parameter"].values}


@pytest.fixture(scope="module")
def drawn() -> xr.Dataset:
    return yieldsim.run(MODEL, **RUN).load()


@pytest.fixture(scope="module")
def own(drawn: xr.Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CSV file of the samples that the run drew."""
    path = tmp_path_factory.mktemp("samples") / "own.csv"
    columns = columns_of(drawn)
    rows = [
        ",".join(columns),
        *(",".join(map(repr, map(float, r))) for r in zip(*columns.values(), strict=True)),
    ]
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def test_a_run_of_its_own_samples_has_the_same_bits(drawn: xr.Dataset, own: Path) -> None:
    made = yieldsim.run(MODEL, samples=own, seed=5)  # as many realizations as rows
    xr.testing.assert_identical(figures(made), figures(drawn))


def test_values_have_the_unit_that_the_store_names_and_not_the_stated_one() -> None:
    path = "products.accelerator.assembly_yield"
    changes = [f'{path}={{dist="uniform", low=70, high=90, unit="%"}}']
    ds = yieldsim.run(MODEL, changes=changes, **RUN).sel(parameter=path)
    values = ds["parameter_value"].values
    assert ((values > 0.7) & (values < 0.9)).all()
    assert ds["parameter_unit"].item() == "1"
    assert ds["parameter_description"].item() == "uniform(low 70, high 90) in %"
    # the column of a file of samples is in the same unit
    given = yieldsim.run(MODEL, changes=changes, samples={path: np.full(12, 0.75)}, seed=5)
    assert (given.sel(parameter=path)["parameter_value"].values == 0.75).all()


def test_half_of_the_parameters_given_leaves_the_others(drawn: xr.Dataset) -> None:
    columns = columns_of(drawn)
    half = list(columns)[::2]
    turned = {path: columns[path][::-1] for path in half}
    made = columns_of(yieldsim.run(MODEL, samples=turned, **RUN))
    for path, column in columns.items():
        np.testing.assert_array_equal(made[path], turned.get(path, column))


@pytest.mark.parametrize("design", thinned(["sobol", "random"], 2))
def test_inputs_do_not_depend_on_blocks_or_tasks(own: Path, tmp_path: Path, design: str) -> None:
    half = dict(list(np.load(_as_npz(own, tmp_path)).items())[::2])
    run = {**RUN, "samples": half, "design": design}
    whole = figures(yieldsim.run(MODEL, **run))
    for size in (5, 12):
        made = yieldsim.run(MODEL, **run, block_size=size, out=tmp_path / f"{size}.zarr")
        xr.testing.assert_identical(figures(made), whole)
    init_store(MODEL, out=tmp_path / "parts.zarr", **run, block_size=5)
    for task in (1, 0):  # each knows the samples from the store alone
        work_store(tmp_path / "parts.zarr", task=task, tasks=2)
    made = yieldsim.run(MODEL, **run, out=tmp_path / "parts.zarr")
    xr.testing.assert_identical(figures(made), whole)


def _as_npz(path: Path, folder: Path) -> Path:
    table = np.genfromtxt(path, delimiter=",", names=None, skip_header=1)
    names = path.read_text(encoding="utf-8").splitlines()[0].split(",")
    target = folder / "own.npz"
    np.savez(target, **dict(zip(names, table.T, strict=True)))  # type: ignore[arg-type]
    return target


def test_the_store_keeps_the_samples_twice(own: Path, tmp_path: Path) -> None:
    place = Folder(tmp_path / "x.zarr")
    execute(MODEL, out=place.path, samples=own, **RUN)
    stored = read_stored(place)
    assert stored is not None
    plan = stored.plan
    assert plan.design.samples is not None
    assert plan.design.samples.rows == 12
    whole = place.get(SAMPLES[0]) or b""
    assert place.get(SAMPLES[1]) == whole
    place.put(SAMPLES[0], flip_bit(whole, 999))
    assert stored.plan.run_hash == plan.run_hash
    assert set(damaged_metadata(place, Seal.read(place))) == {SAMPLES[0]}
    damage, left = repair(place, threads=1)
    assert (list(damage.metadata), bool(left)) == ([SAMPLES[0]], False)
    assert place.get(SAMPLES[0]) == whole
    for key in SAMPLES:
        place.put(key, flip_bit(whole, 1999))
    with pytest.raises(StoreError) as error:
        _ = stored.plan
    one_line(error, "both copies of the samples", "missing or damaged")


def test_a_store_of_other_inputs_is_not_continued(own: Path, tmp_path: Path) -> None:
    execute(MODEL, out=tmp_path / "x.zarr", samples=own, **RUN)
    assert execute(MODEL, out=tmp_path / "x.zarr", samples=own, **RUN).already_complete
    for other, name in (({}, "samples"), ({"samples": own, "design": "sobol"}, "design")):
        with pytest.raises(StoreError) as error:
            execute(MODEL, out=tmp_path / "x.zarr", **other, **RUN)
        one_line(error, f"holds another run: {name} differs")


def test_inputs_that_do_not_fit_are_refused_before_any_work(own: Path, tmp_path: Path) -> None:
    out = tmp_path / "x.zarr"
    with pytest.raises(UsageError) as error:
        execute(MODEL, out=out, samples=own, realizations=13)
    one_line(error, "own.csv", "has too few rows for 13 realizations, got 12")
    with pytest.raises(UsageError) as error:
        execute(MODEL, out=out, design="halton")
    one_line(error, "design", "'halton'", "allowed: random, sobol")
    assert not out.exists()


def test_an_extended_run_takes_its_further_rows(own: Path, tmp_path: Path) -> None:
    for design in ("random", "sobol"):
        run: dict[str, Any] = {"samples": own, "seed": 5, "design": design, "block_size": 5}
        whole = figures(yieldsim.run(MODEL, realizations=12, **run))
        path = tmp_path / f"{design}.zarr"
        execute(MODEL, out=path, realizations=7, **run)
        extend_store(path, realizations=12)
        xr.testing.assert_identical(figures(yieldsim.open_ensemble(path)), whole)
        with pytest.raises(UsageError) as error:
            extend_store(path, realizations=13)
        one_line(error, "has too few rows for 13 realizations, got 12")
