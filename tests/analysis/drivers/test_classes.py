import tracemalloc

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from yieldsim.analysis import totals
from yieldsim.analysis.drivers import classes
from yieldsim.analysis.drivers.classes import class_count, class_edges, columns_of, labelled


def labels_of(values: np.ndarray, count: int) -> np.ndarray:
    array = xr.DataArray(np.asarray(values, float)[:, None], dims=("realization", "parameter"))
    ((first, labels),) = labelled(array, count)
    assert first == 0
    return labels[0]


def test_classes_of_different_values_are_equally_large() -> None:
    values = np.random.default_rng(1).random(1_000)
    labels = labels_of(values, 10)
    assert np.bincount(labels).tolist() == [100] * 10 or abs(np.bincount(labels) - 100).max() <= 1
    order = np.argsort(values)
    assert (np.diff(labels[order].astype(int)) >= 0).all()


@given(st.lists(st.integers(-3, 12), min_size=16, max_size=80), st.integers(4, 12))
def test_equal_values_share_a_class(values: list[int], count: int) -> None:
    labels = labels_of(np.array(values), count)
    found = {}
    for value, label in zip(values, labels.tolist(), strict=True):
        assert found.setdefault(value, label) == label
    ordered = [found[value] for value in sorted(found)]
    assert ordered == sorted(ordered)
    used = sorted(set(ordered))
    assert used == list(range(len(used)))  # no class is empty
    assert len(used) <= count
    assert (len(used) > 1) == (len(found) > 1)  # what varies is told apart


@pytest.mark.parametrize("rare", ["below", "above"])
def test_a_rare_value_has_a_class_of_its_own(rare: str) -> None:
    values = np.full(400, 5.0)
    values[:3] = 4.0 if rare == "below" else 6.0
    labels = labels_of(values, 8)
    assert len(set(labels[:3].tolist()) | set(labels[3:].tolist())) == 2
    assert labels[0] != labels[3]


@pytest.mark.parametrize("values", [np.full(20, 3.0), np.r_[np.nan, np.arange(19.0)]])
def test_a_constant_input_has_one_class(values: np.ndarray) -> None:
    assert class_edges(values, 5).size == 0
    assert set(labels_of(values, 5).tolist()) == {0}


def test_batches_and_heads_change_no_label(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(2).random((300, 7))
    array = xr.DataArray(values, dims=("realization", "parameter"))
    ((_, whole),) = labelled(array, 6)
    parts = list(labelled(array, 6, label_bytes=2 * 300))
    assert [first for first, _ in parts] == [0, 2, 4, 6]
    assert np.array_equal(np.concatenate([labels for _, labels in parts]), whole)
    # edges from the first realizations alone: classes differ in size, not in order
    monkeypatch.setattr(classes, "HEAD", 100)
    ((_, rough),) = labelled(array, 6)
    edges = class_edges(values[:100, 3], 6)
    assert np.array_equal(rough[3], (values[:, 3, None] > edges).sum(axis=1))


def test_a_store_is_read_part_by_part(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    n, width = 40_000, 100
    values = np.random.default_rng(4).random((n, width))
    ds = xr.Dataset({"x": (("realization", "parameter"), values)})
    # xarray 2024.10 cannot read a fill value from Zarr 3.1
    encoding = {"x": {"chunks": (500, 100), "_FillValue": None}}
    ds.to_zarr(tmp_path / "x", consolidated=False, encoding=encoding)
    monkeypatch.setattr(classes, "HEAD", 1_000)
    monkeypatch.setattr(totals, "BLOCK_BYTES", 2**20)
    with xr.open_zarr(tmp_path / "x", chunks=None, consolidated=False) as stored:
        tracemalloc.start()
        for _, labels in labelled(stored["x"], 10):
            assert labels.nbytes == n * width
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    # labels of 4 MB, and a few blocks of 1 MB; all of the array is 32 MB
    assert peak < 16e6


def test_columns_are_those_of_the_array() -> None:
    values = np.random.default_rng(3).random((50, 5))
    array = xr.DataArray(values, dims=("realization", "parameter"))
    assert np.array_equal(columns_of(array.T, [4, 1]), values[:, [4, 1]].T)


def test_more_realizations_have_more_classes() -> None:
    counts = [class_count(n) for n in (16, 256, 1024, 10_000, 100_000)]
    assert counts == [4, 8, 13, 32, 40]
