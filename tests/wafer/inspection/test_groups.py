"""Clusters and repeaters are found where they were put, and not where chance strews defects."""

import numpy as np
import pytest

from tests.wafer.inspection.made_up import inspection, strewn
from yieldsim.errors import UsageError
from yieldsim.wafer.inspection import groups
from yieldsim.wafer.inspection.groups import cluster_numbers, find_repeaters


def test_clusters_are_groups_by_their_nearest_defects():
    # a chain of seven, 0.9 mm apart; a group of three; two alone
    x = np.array([*np.arange(7) * 0.9, 20.0, 20.5, 21.0, 40.0, -30.0])
    numbers = cluster_numbers(x, np.zeros(12), 1.0, 3)
    assert numbers.tolist() == [0] * 7 + [1] * 3 + [-1, -1]
    assert cluster_numbers(x, np.zeros(12), 1.0, 4).tolist() == [0] * 7 + [-1] * 5
    assert cluster_numbers(x, np.zeros(12), 0.8, 3).tolist() == [-1] * 7 + [0] * 3 + [-1, -1]
    assert cluster_numbers(np.zeros(0), np.zeros(0), 1.0, 2).size == 0


def test_many_near_defects_are_thinned_to_the_same_groups(monkeypatch):
    rng = np.random.default_rng(2)
    centre = np.repeat([[0.0, 0.0], [30.0, 0.0], [0.0, 40.0]], 300, axis=0)
    x, y = (centre + rng.random((900, 2)) * 3.0).T
    whole = cluster_numbers(x, y, 2.0, 5)
    monkeypatch.setattr(groups, "_MOST_PAIRS", 10)
    assert (
        cluster_numbers(x, y, 2.0, 5).tolist()
        == whole.tolist()
        == np.repeat([0, 1, 2], 300).tolist()
    )


def test_a_repeater_on_many_dies_is_found_and_chance_is_not():
    rng = np.random.default_rng(7)
    background = strewn(rng, 400)
    found = find_repeaters([background], 0.02)
    assert len(found.dies) == 0
    dies = [(x, y) for x in range(-2, 3) for y in range(-1, 2)]
    places = [(x, y, 6.0 + 0.004 * rng.normal(), 3.0) for x, y in dies]
    old = background.found
    noise = np.column_stack([old.index_x, old.index_y, old.across_mm, old.up_mm])
    found = find_repeaters([inspection(np.concatenate([noise, places]))], 0.02)
    assert found.dies.tolist() == [15]
    # the mean of 15 places of which each is off by 4 um
    assert found.across_mm[0] == pytest.approx(6.0, abs=4 * 0.004 / np.sqrt(15))
    assert found.up_mm[0] == pytest.approx(3.0)
    assert np.flatnonzero(found.number[0] >= 0).tolist() == list(range(400, 415))


def test_many_defects_of_one_die_are_no_repeater():
    assert len(find_repeaters([inspection([(0, 0, 5.0, 5.0)] * 30)], 0.02, (1, 1), 2).dies) == 0


def test_a_field_repeats_every_other_die():
    places = [(x, y, 2.0, 2.0) for x in (-2, 0, 2) for y in range(-2, 3)]
    # fields of two columns: the defect is in the left die of each
    found = find_repeaters([inspection(places)], 0.02, (2, 1))
    assert found.dies.tolist() == [15]
    assert found.across_mm.tolist() == pytest.approx([2.0])
    shifted = [(x + 1, y, a, u) for x, y, a, u in places[:10]]
    assert find_repeaters([inspection(shifted)], 0.02, (2, 1)).across_mm[0] == pytest.approx(12.0)


def test_wafers_without_defects():
    assert len(find_repeaters([inspection([])], 0.02).dies) == 0
    places = [(x, 0, 1.0, 1.0) for x in range(-2, 3)]
    found = find_repeaters([inspection([]), inspection(places), inspection([])], 0.02)
    assert [number.tolist() for number in found.number] == [[], [0] * 5, []]


def test_repeaters_add_up_over_wafers():
    wafers = [inspection([(0, 0, 1.0, 1.0)], wafer=str(w)) for w in range(6)]
    found = find_repeaters(wafers, 0.02)
    assert (found.dies.tolist(), found.defects.tolist()) == ([6], [6])
    assert all((number == 0).all() for number in found.number)


@pytest.mark.statistical
def test_chance_alone_gives_few_repeaters():
    """Of 300 wafers of strewn defects at most 0.01 each should hold a group by chance."""
    rng = np.random.default_rng(11)
    count = sum(len(find_repeaters([strewn(rng, 500)], 0.05).dies) for _ in range(300))
    assert count <= 3 + 4 * np.sqrt(3)  # 300 * 0.01 and four standard errors


def test_too_wide_a_reach_is_refused(monkeypatch):
    monkeypatch.setattr(groups, "_MOST_PAIRS", 10)
    with pytest.raises(UsageError, match="too many defects lie so near, got '5000 um'"):
        find_repeaters([strewn(np.random.default_rng(1), 100)], 5.0)
