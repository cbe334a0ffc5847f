"""Floorplans with many cores and many clusters: exact chances, and in little time."""

import time

import numpy as np
import pytest
from scipy import stats

from tests.wafer.made_up_wafers import make_model
from yieldsim.wafer import FIDELITIES, WaferModel, expected_yield, simulate_wafers, wafer_model
from yieldsim.wafer.compile.floorplan import compile_floorplan


def many_cores(count: int, needed: int) -> WaferModel:
    core = {"kind": "core", "area_mm2": 200 / count, "count": count}
    change = {
        "die.blocks": {"core": core},
        "die.rest": "empty",
        "bins": {"half": {"min_good_cores": needed}},
        "process.d0_per_cm2": 0.35 * count,
        "process.alpha_wafer": 1.0,
        "process.profile": {"radial_amplitude": 0.1},
    }
    return make_model(change)


@pytest.mark.parametrize("count", [999, 1001, 1030, 3000])
def test_cores_beyond_the_largest_binomial(count: int) -> None:
    needed = count // 2
    model = many_cores(count, needed)
    density = np.array([0.0, 0.34, 0.35, 0.4]) * count
    works = np.exp(-density * 2.0 / count)
    exact = stats.binom.sf(needed - 1, count, works)
    # logarithms of some thousands, right to 1e-16 of themselves
    assert compile_floorplan(model).tails(density)[:, 0] == pytest.approx(exact, rel=1e-10)


def test_many_cores_at_all_fidelities() -> None:
    model = many_cores(1030, 515)
    exact = expected_yield(model).yield_
    assert 0.3 < exact < 0.7
    for fidelity in FIDELITIES:
        one = simulate_wafers(model, 300, 3, fidelity)
        assert abs(one.yield_ - exact) < 4.0 * one.yield_se


def clusters(count: int, cores: int, bins: dict) -> WaferModel:
    core = {"kind": "core", "inside": "cluster", "area_mm2": 1.0, "count": cores}
    change = {
        "die.blocks": {"core": core},
        "die.groups": {"cluster": {"count": count, "area_mm2": 0.5, "min_good": 2}},
        "die.rest": "empty",
        "bins": {"one": bins},
    }
    return make_model(change)


def test_clusters_by_their_generating_function() -> None:
    """P(c clusters, n cores) is the coefficient of z^c w^n in (dead + z sum g(k) w^k)^count."""
    model = clusters(4, 3, {"min_good_cores": 8, "min_good_clusters": 3})
    core, own = np.exp(-3.0 * 0.01), np.exp(-3.0 * 0.005)
    good = own * stats.binom.pmf(np.arange(4), 3, core)
    good[:2] = 0.0
    joint = {(0, 0): 1.0}
    for _ in range(4):
        after: dict[tuple[int, int], float] = {}
        for (c, n), chance in joint.items():
            after[c, n] = after.get((c, n), 0.0) + chance * (1.0 - good.sum())
            for k in (2, 3):
                key = (c + 1, n + k)
                after[key] = after.get(key, 0.0) + chance * good[k]
        joint = after
    exact = sum(chance for (c, n), chance in joint.items() if c >= 3 and n >= 8)
    tails = compile_floorplan(model).tails(np.array([3.0, 0.0, 1e9]))
    assert tails[:, 0] == pytest.approx([exact, 1.0, 0.0], rel=1e-13)


def test_many_clusters_take_little_time() -> None:
    """A plan asks for some two thousand densities: 0.2 s, where both axes at once took 12 s."""
    model = clusters(20, 10, {"min_good_cores": 150, "min_good_clusters": 18})
    start = time.process_time()
    tails = compile_floorplan(model).tails(np.linspace(0.0, 20.0, 2000))
    assert time.process_time() - start < 4.0
    assert np.all(np.diff(tails[:, 0]) <= 1e-12)


def test_two_kinds_of_clusters() -> None:
    """Halves of one kind under two names are that kind: joined by another convolution."""
    model = clusters(20, 10, {"min_good_cores": 150, "min_good_clusters": 17})
    raw = model.model_dump(exclude_none=True)
    for table in ("groups", "blocks"):
        parts = raw["die"][table]
        for name in list(parts):
            parts[f"{name}_b"] = dict(parts[name])
    for name in ("cluster", "cluster_b"):
        raw["die"]["groups"][name]["count"] = 10
    raw["die"]["blocks"]["core_b"]["inside"] = "cluster_b"
    density = np.linspace(0.0, 20.0, 7)
    whole = compile_floorplan(model).tails(density)
    assert compile_floorplan(wafer_model(raw)).tails(density) == pytest.approx(whole, rel=1e-11)
