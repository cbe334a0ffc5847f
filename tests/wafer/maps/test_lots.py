"""Lots: yields over all dies, and fails stacked die on die."""

import numpy as np
import pytest

from yieldsim.wafer.maps.lots import LotFigures, chance_of_lots, lot_figures, stacked
from yieldsim.wafer.maps.wafer_maps import maps_from_grids


def some_maps():
    grids = [
        np.array([[1, 2], [1, 1]]),
        np.array([[2, 2], [1, 0]]),
        np.array([[1, 1, 1]]),
        np.array([[0, 0, 0, 0], [0, 1, 1, 0], [0, 2, 1, 0]]),
    ]
    return maps_from_grids(grids, names=["1", "2", "1", "3"], lots=["A", "A", "B", "A"])


def test_yields_of_lots():
    first, second = lot_figures(some_maps())
    assert (first.lot, first.wafers.tolist(), first.dies.tolist()) == ("A", [0, 1, 3], [4, 3, 4])
    np.testing.assert_allclose(first.yields, [3 / 4, 1 / 3, 3 / 4])
    assert first.mean == pytest.approx(7 / 11)
    assert first.sd == pytest.approx(np.std([3 / 4, 1 / 3, 3 / 4], ddof=1))
    assert second.mean == 1.0
    assert np.isnan(second.sd)


def test_fails_are_stacked_where_the_dies_lie():
    maps = some_maps()
    share, used = stacked(maps, np.array([0, 1, 3]))
    assert used == 3  # the third has empty cells round the same four dies
    np.testing.assert_allclose(share, [[1 / 3, 2 / 3], [1 / 3, 0.0]])
    share, used = stacked(maps, np.arange(4))
    assert used == 3  # the wafer of another grid is left out
    share, used = stacked(maps_from_grids([np.array([[1, 0], [2, 1]])]), np.array([0]))
    np.testing.assert_array_equal(share, [[0.0, np.nan], [1.0, 0.0]])


def yields_of(*lots):
    """Return lots with these yields of their wafers."""
    return [LotFigures("", np.arange(len(y)), np.full(len(y), 9), np.array(y)) for y in lots]


def test_the_chance_that_lots_differ_so_much():
    """Two lots of two wafers: with F = t^2 and 2 degrees of freedom P = 1 - t / sqrt(t^2 + 2)."""
    # between (0.3 / 2)^2 x 4 = 0.09, within 4 x 0.05^2 / 2 = 0.005: F = 18
    chance = chance_of_lots(yields_of([0.8, 0.9], [0.5, 0.6], [0.1]))
    assert chance == pytest.approx(1.0 - np.sqrt(18 / 20), rel=1e-9)
    assert chance_of_lots(yields_of([0.8, 0.9], [0.9, 0.8])) == 1.0
    for some in ([[0.8, 0.9]], [[0.8], [0.5]], [[0.8, 0.8], [0.5, 0.5]]):
        assert np.isnan(chance_of_lots(yields_of(*some)))
