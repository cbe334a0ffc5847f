"""Passes by segment: by hand, by plain sums, and what must not change them."""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.paths import VALID
from yieldsim.model import Model, ModelFile, load_file, load_model
from yieldsim.sampling import Sampler
from yieldsim.supply.compile.columns import Columns
from yieldsim.supply.compile.visits import overlaps, visits_of

ONE_LINE = VALID / "one_line.toml"
GROUPS = ("scan", "etch", "clean")
# sums of a few dozen products in another order differ by roundings of 2^-53 each
CLOSE = 1e-13
Edit = Callable[[dict[str, Any]], None]


def drawn(model: Model, count: int = 1) -> np.ndarray:
    """Passes (P, S, G, count) of the first realizations of a seed."""
    sampler = Sampler(model)
    columns = Columns(sampler)
    visits = visits_of(model, columns)
    constants = np.array(list(columns.neutral))
    x = np.concatenate([sampler.draw(5, 0, count).T, np.tile(constants[:, None], (1, count))])
    total, listed = visits.values(x)
    shape = (len(model.processes), model.simulation.segments, len(model.tool_groups), count)
    by_place = np.zeros(shape)
    for p, edges in enumerate(visits.first):
        for s in range(len(edges) - 1):
            own = slice(edges[s], edges[s + 1])
            assert np.all(np.diff(visits.group[own]) > 0)  # each group once
            by_place[p, s, visits.group[own]] = listed[own]
    np.testing.assert_allclose(total, by_place.sum(axis=1), rtol=CLOSE)
    return by_place


def with_layers(
    layers: dict[str, Any], segments: int = 10, edit: Edit = lambda raw: None, **process: Any
) -> Model:
    """One process with the given layers and three tool groups, of a fab without tools."""
    file = load_file(ONE_LINE)
    raw = copy.deepcopy(file.raw)
    raw["simulation"]["segments"] = segments
    tool = {"wafers_per_hour": 10, "mttf_hours": 10, "mttr_hours": 1}
    raw["tool_groups"] = {
        name: {"source": "made_up", "defect_weight": 0, "imported": tool} for name in GROUPS
    }
    raw["patterning"] = {
        "single": {"source": "made_up", "exposures": 1, "visits": {"etch": 1}},
        "lele": {"source": "made_up", "exposures": 2, "visits": {"etch": 2, "clean": 1}},
    }
    # long enough that no segment is shorter than two parts of a step
    raw["processes"]["n2"].update(layers=layers, raw_process_days=2000, **process)
    edit(raw)
    return ModelFile(file.place, raw, {}).model()


def scanned(order: float, patterning: str, **more: Any) -> dict[str, Any]:
    return {"order": order, "patterning": patterning, "exposure": "scan", **more}


# ---- by hand


def test_two_layers_by_hand() -> None:
    """Passes 5 + 2 x 2 + 1 of first, so it fills 10 of 12 twelfths; second has the rest."""
    layers = {
        "second": scanned(2, "single"),  # 1 scan, 1 etch
        "first": scanned(1, "lele", layers=2, visits={}),  # 4 scan, 4 etch, 2 clean
    }
    model = with_layers(layers, 3, visits={"clean": 6}, sampling={"clean": 0.5}, rework=0.25)
    scan, etch, clean = drawn(model)[0, :, :, 0].T
    # first: 4/5 of it in segments 1 and 2, the rest in 3, beside all of second
    np.testing.assert_allclose(scan, [2.0, 2.0, 2.25], rtol=CLOSE)
    np.testing.assert_allclose(etch, [2.0, 2.0, 2.25], rtol=CLOSE)
    np.testing.assert_allclose(clean, [1.75, 1.75, 1.5], rtol=CLOSE)


def test_raw_time_decides_the_place_where_it_is_given() -> None:
    layers = {
        "long": scanned(1, "single", raw_share=3, layers=0.5),
        "point": {"order": 2, "raw_share": 0, "visits": {"clean": 7}},
        "short": scanned(3, "lele", raw_share=1),
        "end": {"order": 4, "raw_share": 0, "visits": {"clean": 5}},
    }
    scan, etch, clean = drawn(with_layers(layers, 4))[0, :, :, 0].T
    np.testing.assert_allclose(scan, [0.5 / 3, 0.5 / 3, 0.5 / 3, 2.0], rtol=CLOSE)
    np.testing.assert_allclose(etch, scan, rtol=CLOSE)
    # what has no width lies in the segment that begins at its place, the last at the end
    np.testing.assert_allclose(clean, [0.0, 0.0, 0.0, 13.0], rtol=CLOSE)


def test_layers_of_one_order_stand_as_in_the_file() -> None:
    a, b = scanned(1, "single"), {"order": 1, "visits": {"clean": 2}}
    forth = drawn(with_layers({"a": a, "b": b}, 2))[0, :, :, 0].T
    back = drawn(with_layers({"b": b, "a": a}, 2))[0, :, :, 0].T
    np.testing.assert_allclose(forth, [[1, 0], [1, 0], [0, 2]], atol=CLOSE)
    np.testing.assert_allclose(back, [[0, 1], [0, 1], [2, 0]], atol=CLOSE)


def test_places_go_by_medians_and_passes_by_draws() -> None:
    """The uncertain layer fills half of the route in every realization, whatever is drawn."""

    def edit(raw: dict[str, Any]) -> None:
        shared = {"dist": "uniform", "low": 2, "high": 6, "unit": "layer"}
        raw["shared"] = {"many": {**shared, "source": "made_up", "grade": "assumed"}}

    layers = {
        "sure": {"order": 1, "visits": {"etch": 8}},
        "unsure": {"order": 2, "layers": {"ref": "many"}, "visits": {"clean": 2}},
    }
    model = with_layers(layers, 2, edit)
    passes = drawn(model, 50)[0]
    many = Sampler(model).draw(5, 0, 50)[:, Sampler(model).column["shared.many"]]
    assert np.ptp(many) > 2.0
    np.testing.assert_allclose(passes[:, 1], [[8.0] * 50, [0.0] * 50], atol=CLOSE)
    np.testing.assert_allclose(passes[:, 2], [[0.0] * 50, 2 * many], atol=CLOSE)


def test_no_layers_and_no_tools() -> None:
    np.testing.assert_allclose(drawn(with_layers({}, 5, visits={"etch": 4}))[0, :, 1], 0.8)
    assert drawn(load_model(ONE_LINE), 3).shape == (1, 10, 0, 3)
    assert not drawn(with_layers({}, 5), 3).any()


def test_a_realization_does_not_depend_on_its_neighbours() -> None:
    model = load_model("baseline")
    many = drawn(model, 64)
    for count in (1, 3, 17):
        np.testing.assert_array_equal(drawn(model, count), many[..., :count])


# ---- where layers lie


widths = st.lists(st.sampled_from([0.0, 1e-9, 0.3, 1.0, 7.0, 1e6]), min_size=1, max_size=9)


@given(widths, st.integers(1, 100))
def test_layers_fill_the_route(width: list[float], segments: int) -> None:
    shares = overlaps(np.array(width), segments)
    assert np.all(shares >= 0.0)
    np.testing.assert_allclose(shares.sum(axis=1), 1.0, rtol=CLOSE)
    weights = np.array(width) if sum(width) > 0.0 else np.ones(len(width))
    # a thin layer's place is right to a rounding of the whole route, hence the absolute bound
    filled = weights / weights.sum() @ shares
    np.testing.assert_allclose(filled, 1.0 / segments, atol=CLOSE)
    firsts = [np.flatnonzero(row)[0] for row in shares]
    assert firsts == sorted(firsts)


# ---- what must not change the passes


amount = st.floats(0.25, 8.0)
one_layer = st.one_of(
    st.builds(
        lambda order, patterning, count, more: scanned(
            order, patterning, layers=count, visits={"clean": more}
        ),
        st.integers(0, 5),
        st.sampled_from(["single", "lele"]),
        amount,
        amount,
    ),
    st.builds(lambda order, more: {"order": order, "visits": {"etch": more}}, amount, amount),
)
flows = st.lists(one_layer, min_size=1, max_size=6).map(
    lambda several: {f"layer_{k}": layer for k, layer in enumerate(several)}
)
few = settings(max_examples=25)  # each example loads models
SPREAD = {"visits": {"clean": 9, "scan": 1}, "rework": 0.1}


@few
@given(flows, st.integers(1, 100))
def test_the_whole_route_does_not_depend_on_the_segments(
    layers: dict[str, Any], segments: int
) -> None:
    whole = drawn(with_layers(layers, 1, **SPREAD))[:, 0]
    cut = drawn(with_layers(layers, segments, **SPREAD)).sum(axis=1)
    np.testing.assert_allclose(cut, whole, rtol=CLOSE)


@few
@given(flows, st.data())
def test_two_halves_of_a_layer_are_the_layer(layers: dict[str, Any], data: Any) -> None:
    name = data.draw(st.sampled_from(sorted(layers)))
    half = {**layers[name], "layers": layers[name].get("layers", 1.0) / 2}
    split: dict[str, Any] = {}
    for key, layer in layers.items():
        split |= {key: half, f"{key}_again": half} if key == name else {key: layer}
    whole = drawn(with_layers(layers, **SPREAD))
    np.testing.assert_allclose(drawn(with_layers(split, **SPREAD)), whole, atol=40 * CLOSE)
    by_time = {key: {**layer, "raw_share": 2.0} for key, layer in layers.items()}
    split_time = {
        key: {**layer, "raw_share": 1.0 if key.removesuffix("_again") == name else 2.0}
        for key, layer in split.items()
    }
    whole = drawn(with_layers(by_time, **SPREAD))
    np.testing.assert_allclose(drawn(with_layers(split_time, **SPREAD)), whole, atol=40 * CLOSE)


@few
@given(flows)
def test_unused_patterning_and_sampling_of_all_change_nothing(layers: dict[str, Any]) -> None:
    def unused(raw: dict[str, Any]) -> None:
        raw["patterning"]["other"] = {"source": "made_up", "exposures": 9, "visits": {"scan": 3}}

    plain = drawn(with_layers(layers, **SPREAD))
    np.testing.assert_array_equal(drawn(with_layers(layers, edit=unused, **SPREAD)), plain)
    all_of_them = {"clean": 1.0, "scan": 1.0}
    sampled = drawn(with_layers(layers, sampling=all_of_them, **SPREAD))
    np.testing.assert_array_equal(sampled, plain)


@few
@given(flows, st.data())
def test_two_layers_of_a_kind_have_twice_its_passes(layers: dict[str, Any], data: Any) -> None:
    name = data.draw(st.sampled_from(sorted(layers)))
    number = layers[name].get("layers", 1.0)
    with_one = drawn(with_layers(layers)).sum(axis=1)
    none = drawn(with_layers({**layers, name: {**layers[name], "layers": 0.0}})).sum(axis=1)
    twice = {**layers, name: {**layers[name], "layers": 2.0 * number}}
    np.testing.assert_allclose(
        drawn(with_layers(twice)).sum(axis=1) - none, 2.0 * (with_one - none), atol=40 * CLOSE
    )


# ---- the baseline: its fleets were sized by these passes of a wafer, before rework

PASSES = {
    "n2": {
        "arf_dry": 10,
        "krf": 24,
        "track": 80,
        "conductor_etch": 45,
        "dielectric_etch": 55,
        "cvd": 80,
        "ald": 35,
        "pvd": 28,
        "cmp": 35,
        "implant": 30,
        "furnace": 40,
        "wet_clean": 140,
        "strip": 60,
        "plating": 13,
        "inspection": 45,
    },
    "n3": {
        "arf_dry": 11,
        "krf": 26,
        "track": 106,
        "conductor_etch": 59,
        "dielectric_etch": 73,
        "cvd": 106,
        "ald": 46,
        "pvd": 37,
        "cmp": 46,
        "implant": 33,
        "furnace": 53,
        "wet_clean": 185,
        "strip": 79,
        "plating": 14,
        "inspection": 59,
    },
}
# 5, 50 and 95 % points of PERT(34, 44, 60) and PERT(44, 58, 80), the published range of passes
IMMERSION = {"n2": (37.44, 44.76, 53.37), "n3": (48.83, 59.02, 70.92)}


@pytest.mark.statistical
def test_passes_of_the_baseline_are_those_that_its_fleets_were_sized_for() -> None:
    model = load_model("baseline")
    cut = drawn(model, 4096).sum(axis=1)
    groups = list(model.tool_groups)
    for p, (name, process) in enumerate(model.processes.items()):
        assert process.rework is not None
        once = cut[p] / (1.0 + process.rework.support()[0])
        mean = dict(zip(groups, once.mean(axis=1), strict=True))
        expected = PASSES[name]
        assert {*expected, "arf_immersion"} == set(groups)
        for group, passes in expected.items():
            assert mean[group] == pytest.approx(passes, rel=0.03), group
        points = np.quantile(once[groups.index("arf_immersion")], [0.05, 0.5, 0.95])
        # the standard error of these points is 0.4 % at most; the rest is the shape's
        np.testing.assert_allclose(points, IMMERSION[name], rtol=0.02)
