"""Simulated wafers against closed forms, their properties, and their maps."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tests.examples import EVERYTHING
from tests.wafer.made_up_wafers import ALL, OPTIONS, PROFILE, make_model
from yieldsim import closed_form as cf
from yieldsim.errors import ModelError, UsageError
from yieldsim.wafer import FIDELITIES, expected_yield, simulate_wafers

WAFERS = 4000
DRAWN = ("points", "dies")
# The reference wafer: 64 dies of 26 x 33 mm; `plain` has no blocks, so any defect kills a die.
BIG = {
    "wafer": {},
    "reticle": None,
    "die.width_mm": 26,
    "die.height_mm": 33,
    "process.d0_per_cm2": 0.1,
}
WHOLE = {**BIG, "die.blocks": {}, "bins": {}}


def z_mean(one, exact: float) -> float:
    return abs(one.yield_ - exact) / max(one.yield_se, 1e-6)


@pytest.mark.statistical
@pytest.mark.parametrize("fidelity", FIDELITIES)
@pytest.mark.parametrize(
    ("change", "blocks"),
    [
        ({}, None),
        ({"process.alpha_wafer": 2.0}, [64]),
        ({"process.alpha_region": 2.0}, [1] * 64),
        ({"process.alpha_region": 2.0, "process.region_dies_x": 2, "process.region_dies_y": 3}, 0),
    ],
)
def test_mean_and_spread_of_whole_dies(fidelity: str, change: dict, blocks: object) -> None:
    one = simulate_wafers(make_model({**WHOLE, **change}), WAFERS, 3, fidelity)
    assert one.gross == 64
    alpha = 2.0 if change else math.inf
    assert z_mean(one, float(cf.negative_binomial(858.0, 0.1, alpha))) < 4.0
    if blocks == 0:  # tiles of 2 x 3 dies, counted from the corner of the grid
        tiles = np.unique((one.sites.row // 3) * 100 + one.sites.column // 2, return_counts=True)
        blocks = tiles[1]
    blocks = [64] if blocks is None else blocks
    sd = math.sqrt(float(cf.good_die_variance_by_block(blocks, 858.0, 0.1, alpha)))
    # relative standard error of an SD of n normal numbers 1 / sqrt(2 n) = 1.1 %; 4 of them
    assert one.sd_good_per_wafer == pytest.approx(sd, rel=0.045)


@pytest.mark.statistical
@pytest.mark.parametrize("fidelity", FIDELITIES)
def test_harvest_and_its_spread(fidelity: str) -> None:
    blocks = {
        "core": {"kind": "core", "count": 32, "area_mm2": 12},
        "io": {"kind": "fatal", "area_mm2": 281},
    }
    bins = {f"k{k}": {"min_good_cores": k} for k in (32, 30, 28, 25)}
    changes = {**BIG, "die.blocks": blocks, "die.rest": "empty", "bins": bins}
    model = make_model({**changes, "process.alpha_wafer": 2.0})
    one = simulate_wafers(model, WAFERS, 4, fidelity)
    exact = (0.56320378472943338, 0.76121436654564829, 0.76860161647672582, 0.76879250265453403)
    assert np.cumsum(expected_yield(model).by_bin) == pytest.approx(exact, rel=1e-11)
    reached = np.cumsum(one.good, axis=1)
    error = np.sqrt(np.var(reached, axis=0) + np.cumsum(one.variance, axis=1).mean(axis=0))
    assert np.all(np.abs(reached.mean(axis=0) / one.gross - exact) * one.gross < 4.0 * error / 63.0)
    sd = math.sqrt(cf.harvest_variance_per_wafer(64, 281.0, 12.0, 32, 25, 0.1, 2.0))
    # the law is skewed: kurtosis near 6 gives sqrt(5 / 4 n) = 1.8 %; 4 of them
    assert one.sd_good_per_wafer == pytest.approx(sd, rel=0.07)


@pytest.mark.statistical
@pytest.mark.parametrize("fidelity", FIDELITIES)
def test_nested_groups(fidelity: str) -> None:
    blocks = {
        "io": {"kind": "fatal", "area_mm2": 40},
        "core": {"kind": "core", "inside": "cluster", "count": 4, "area_mm2": 11},
    }
    groups = {"cluster": {"count": 4, "area_mm2": 6, "min_good": 3}}
    bins = {"cut": {"min_good_cores": 0, "min_good_clusters": 3}}
    change = {"die.blocks": blocks, "die.groups": groups, "die.rest": "empty", "bins": bins}
    model = make_model({**change, "process.alpha_region": 1.5, "process.d0_per_cm2": 0.5})
    exact = cf.nested_yield(40.0, 6.0, 4, 11.0, 4, 3, 3, 0.5, 1.5)
    assert expected_yield(model).yield_ == pytest.approx(exact, rel=1e-9)
    assert z_mean(simulate_wafers(model, 1000, 5, fidelity), exact) < 4.0


@pytest.mark.parametrize("fidelity", DRAWN)
@pytest.mark.parametrize(
    "option", ["wafer", "region", "nested", "layers", "plain die", "signatures"]
)
@settings(max_examples=8 if EVERYTHING else 3)
@given(d0=st.floats(0.01, 2.0), more=st.floats(1.0, 3.0), seed=st.integers(0, 2**64 - 1))
def test_no_die_heals_as_density_rises(
    fidelity: str, option: str, d0: float, more: float, seed: int
) -> None:
    """The same luck: what falls at a lower density is a part of what falls at a higher."""
    low, high = (
        simulate_wafers(
            make_model({**OPTIONS[option], "process.d0_per_cm2": density}),
            3,
            seed,
            fidelity,
            7,
            True,
        )
        for density in (d0, d0 * more)
    )
    assert low.bin_map is not None
    assert high.bin_map is not None
    assert np.all(high.bin_map >= low.bin_map)


@pytest.mark.parametrize("fidelity", FIDELITIES)
def test_alpha_to_infinity_is_poisson(fidelity: str) -> None:
    plain = make_model()
    names = ("process.alpha_lot", "process.alpha_wafer", "process.alpha_region")
    near = simulate_wafers(make_model(dict.fromkeys(names, 1e7)), 40, 1, fidelity)
    far = simulate_wafers(make_model(dict.fromkeys(names, math.inf)), 40, 1, fidelity)
    same = simulate_wafers(plain, 40, 1, fidelity)
    assert np.array_equal(far.good, same.good)
    # gammas of 1e7 scatter by 3e-4: of 40 * 96 dies, one in some thousand may change its bin
    assert np.abs(near.good - far.good).sum() <= 0.005 * near.gross * 40


@pytest.mark.parametrize("fidelity", FIDELITIES)
def test_a_flat_profile_is_none(fidelity: str) -> None:
    flat = {**PROFILE, "radial_amplitude": 0.0, "edge_amplitude": 0.0}
    table = {"rho": [0.0, 0.5, 1.0], "ratio": [3.0, 3.0, 3.0]}
    plain = simulate_wafers(make_model(), 20, 1, fidelity, keep_maps=True)
    for profile in (flat, table):
        one = simulate_wafers(make_model({"process.profile": profile}), 20, 1, fidelity, 0, True)
        assert one.good == pytest.approx(plain.good, abs=1e-9)
        assert np.ptp(one.density) < 1e-12


def test_the_profile_is_normalized_over_the_disc() -> None:
    """A die every millimetre covers the disc: their mean ratio is one."""
    tiny = {"die.width_mm": 1, "die.height_mm": 1, "die.blocks": {}, "bins": {}, "reticle": None}
    disc = {"diameter_mm": 100, "edge_exclusion_mm": 0, "scribe_mm": 0}
    table = {"rho": [0.2, 0.5, 0.9], "ratio": [1.0, 3.0, 0.5]}
    for profile in (PROFILE, table):
        model = make_model({**tiny, "wafer": disc, "process.profile": profile})
        one = simulate_wafers(model, 1, 1, "expected", keep_maps=True)
        # the outermost dies leave some 3 % of the disc bare, where PROFILE is 2.5 times its mean
        assert one.density.mean() / 0.35 == pytest.approx(1.0, abs=0.06)


def test_defects_are_those_that_kill() -> None:
    for changes in ({"process.alpha_region": 2.0}, OPTIONS["plain die"], ALL):
        model = make_model(changes)
        plain = "test" not in changes
        one = simulate_wafers(model, 30, 2, "points", first_wafer=5, keep_maps=True)
        assert one.defects is not None
        hits = np.zeros((30, one.gross), np.int64)
        np.add.at(hits, (one.defects.wafer - 5, one.defects.die), one.defects.killed)
        assert np.abs(one.defects.x_mm - one.sites.x_mm[one.defects.die]).max() <= 8.5
        assert np.abs(one.defects.y_mm - one.sites.y_mm[one.defects.die]).max() <= 7.5
        # counts are Poisson of the densities: mean and variance of the standardized sum
        all_hits = np.zeros((30, one.gross))
        fallen = one.defects.layer >= 0 if "process.layers" in changes else 1.0  # not printed
        np.add.at(all_hits, (one.defects.wafer - 5, one.defects.die), fallen)
        mean = one.density * 2.55
        assert abs((all_hits - mean).sum()) < 4.0 * math.sqrt(mean.sum())
        if plain:
            assert np.array_equal(hits > 0, one.bin_map > 0)


def test_defects_have_layers_without_kill_ratios() -> None:
    """Shares of layers and the law of sizes, P(size > x) = (x0 / x)^2, where every defect kills."""
    layers = {"a": {"share": 0.25, "x0_um": 0.1}, "b": {"share": 0.75, "x0_um": 0.2}}
    for changes in ({}, OPTIONS["plain die"]):
        model = make_model({**changes, "process.layers": layers})
        found = simulate_wafers(model, 40, 2, "points", keep_maps=True).defects
        assert found is not None
        b = found.layer == 1
        # 3400 defects: four standard errors of a share are 0.03
        assert b.mean() == pytest.approx(0.75, abs=0.03)
        assert set(found.layer.tolist()) == {0, 1}
        for chosen, x0 in ((b, 0.2), (~b, 0.1)):
            assert found.size_um[chosen].min() >= x0
            assert np.mean(found.size_um[chosen] > 2.0 * x0) == pytest.approx(0.25, abs=0.06)
        assert found.killed.all()
    model = make_model({"die.blocks.core.kill": 0.5})
    found = simulate_wafers(model, 2, 2, "points", keep_maps=True).defects
    assert found is not None
    assert np.all(found.layer == -1)
    assert np.all(np.isnan(found.size_um))


def test_prints_of_the_reticle_are_listed() -> None:
    """Without other defects: at one place of a field's dies, on dead dies alone."""
    change = {
        **OPTIONS["plain die"],
        "process.d0_per_cm2": 0.0,
        "process.repeaters": {"per_cm2": 0.05, "print_probability": 0.6},
    }
    one = simulate_wafers(make_model(change), 60, 1, "points", first_wafer=2, keep_maps=True)
    found, sites = one.defects, one.sites
    assert found is not None
    assert one.bin_map is not None
    hit = np.zeros(one.bin_map.shape, bool)
    hit[found.wafer - 2, found.die] = found.killed
    assert np.array_equal(hit, one.bin_map > 0)
    assert 0.0 < hit.mean() < 1.0
    order = np.lexsort((found.die, found.wafer))
    assert np.array_equal(order, np.arange(len(found)))
    across = found.x_mm - sites.x_mm[found.die]
    assert np.abs(across).max() <= 8.5
    place = np.round(across, 6) + 100 * sites.die_in_field[found.die]
    for lot in np.unique(found.wafer // 4):
        here = found.wafer // 4 == lot
        # each reticle defect prints on most of 24 fields, of 4 wafers, at one place
        assert np.unique(place[here]).size < 0.1 * here.sum()


def test_known_good_dies_and_overkill() -> None:
    one = simulate_wafers(make_model(OPTIONS["test"]), 400, 1, "dies")
    exact = expected_yield(make_model(OPTIONS["test"]))
    assert one.known_good_die == pytest.approx(1.0 - exact.escapes / exact.yield_, abs=0.01)
    free = simulate_wafers(make_model(), 400, 1, "dies")
    assert free.known_good_die == 1.0
    assert np.array_equal(free.truly_good, one.truly_good)


def test_repeaters_hit_the_same_block_of_every_field() -> None:
    """A reticle of one block: what it hits is dead on every field of the lot's wafers."""
    change = {
        **OPTIONS["plain die"],
        "process.d0_per_cm2": 0.0,
        "process.repeaters": {"per_cm2": 0.05},
    }
    one = simulate_wafers(make_model(change), 60, 1, "points", keep_maps=True)
    assert one.bin_map is not None
    by_place = [one.bin_map[:, one.sites.die_in_field == place] for place in range(4)]
    assert all(np.all(np.ptp(maps, axis=1) == 0) for maps in by_place)
    dead = np.stack([maps[:, 0] for maps in by_place], axis=1)
    assert np.all(dead.reshape(15, 4, 4) == dead.reshape(15, 4, 4)[:, :1])
    assert 0 < dead.mean() < 1


@pytest.mark.parametrize(
    ("arguments", "where", "kind"),
    [
        ({"wafers": 0}, "wafers", UsageError),
        ({"wafers": 2.5}, "wafers", UsageError),
        ({"seed": -1}, "seed", UsageError),
        ({"seed": 2**64}, "seed", UsageError),
        ({"first_wafer": 2**32}, "first_wafer", UsageError),
        ({"fidelity": "exact"}, "fidelity", UsageError),
    ],
)
def test_bad_calls(arguments: dict, where: str, kind: type) -> None:
    with pytest.raises(kind, match=f"^{where}: .*, got .*; allowed: "):
        simulate_wafers(make_model(), **{"wafers": 1, "seed": 0, **arguments})


def test_a_die_larger_than_field_or_wafer() -> None:
    big = {"die.width_mm": 150, "die.height_mm": 160}
    for changes in ({**big, "reticle": None}, {"die.width_mm": 40}):
        with pytest.raises((UsageError, ModelError), match=r"; allowed: "):
            simulate_wafers(make_model({"die.blocks": {}, "bins": {}, **changes}), 1, 0)


def test_a_wafer_without_a_whole_die() -> None:
    change = {"die.width_mm": 100, "die.height_mm": 100, "die.offset": [0.5, 0.5], "reticle": None}
    model = make_model({**change, "wafer.diameter_mm": 300, "die.blocks": {}, "bins": {}})
    wide = model.model_copy(update={"die": model.die.model_copy(update={"width_mm": 200.0})})
    for call in (lambda: simulate_wafers(wide, 1, 0), lambda: expected_yield(wide)):
        with pytest.raises(
            ModelError, match=r"^die: no whole die on the wafer, got '200 x 100 mm'"
        ):
            call()
    assert simulate_wafers(model, 1, 0).gross == 4  # these meet in the wafer's centre


@pytest.mark.parametrize("dynamic", [0.0, 30.1])
def test_the_most_watts_are_still_allowed(dynamic: float) -> None:
    """All dies leak the median: at just the bin's power they are good, a little below none is."""
    for max_watt, good in ((50.0 + 2.1 * dynamic, 1.0), (49.999 + 2.1 * dynamic, 0.0)):
        rule = {"min_ghz": 2.1, "max_watt": max_watt}
        speed = {"mean_ghz": 3.0, "die_sd_ghz": 0.01}
        parametric = {"speed": speed, "leakage": {"median_w": 50.0}, "dynamic_w_per_ghz": dynamic}
        model = make_model(
            {"parametric": parametric, "bins": {"one": rule}, "process.d0_per_cm2": 0.0}
        )
        assert expected_yield(model).yield_ == pytest.approx(good)
        for fidelity in FIDELITIES:
            assert simulate_wafers(model, 2, 0, fidelity).yield_ == pytest.approx(good)


@pytest.mark.parametrize("fidelity", ["points", "dies", "expected"])
def test_scrap_that_passes_the_test_spreads_as_good_dies_do(fidelity: str) -> None:
    """Without clusters all dies are alike: each bin ships q (1 - o) + (1 - y) e q / y of them.

    q is the binomial share of a bin, y their sum. Good dies and scrap of a bin are multinomial.
    """
    coverage, overkill, wafers = 0.7, 0.1, 300
    model = make_model({"test": {"coverage": coverage, "overkill": overkill}})
    fatal, core = 17 * 15 - 12 * 14, 14
    alive = [np.exp(-0.35 * area / 100.0) for area in (fatal, core)]
    counts = np.array([12, 11, 10])
    each = alive[0] * stats.binom.pmf(counts, 12, alive[1])
    share = np.array([each[0], each[1] + each[2]])
    passed = share * (1.0 - overkill + (1.0 - share.sum()) * (1.0 - coverage) / share.sum())
    one = simulate_wafers(model, wafers, 5, fidelity)
    dies = wafers * one.gross
    # four sigmas of a binomial; `expected` has no luck, and its cubics err below 1e-6
    atol = 4.0 * np.sqrt(passed / dies) if fidelity != "expected" else 1e-6
    assert np.all(np.abs(one.good.sum(axis=0) / dies - passed) < atol)
    np.testing.assert_allclose(expected_yield(model).by_bin, passed, rtol=1e-9)


def test_scrap_joins_the_last_bin_where_no_die_is_good() -> None:
    model = make_model({"test": {"coverage": 0.5}, "process.systematic": {"systematic_yield": 0.0}})
    for fidelity in FIDELITIES:
        good = simulate_wafers(model, 20, 1, fidelity).good
        assert np.all(good[:, 0] == 0.0)
        assert good[:, 1].sum() > 0.0
