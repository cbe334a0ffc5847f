"""Floorplans inside the supply ensemble: the bins that closed forms and simulated wafers give."""

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
import pytest

import yieldsim
from tests.examples import thinned
from tests.paths import VALID
from yieldsim.errors import ModelError
from yieldsim.model import ModelFile
from yieldsim.wafer import bin_table, expectation, expected_yield, simulate_wafers, wafer_model
from yieldsim.wafer.from_supply import wafer_model_of

ONE_LINE = VALID / "one_line.toml"
RICH: dict[str, Any] = {
    "blocks": {
        "noc": {"kind": "fatal", "area_mm2": 100},
        "core": {"kind": "core", "count": 4, "area_mm2": 15, "inside": "cluster"},
        "cache": {"kind": "memory", "area_mm2": 40, "spares": 2},
    },
    "groups": {"cluster": {"count": 5, "area_mm2": 4, "min_good": 3}},
    "bins": {
        "full": {"min_good_cores": 19, "min_ghz": 1.6},
        "cut": {"min_good_cores": 15, "min_good_clusters": 5},
    },
    "rest": "empty",
    "parametric": {"speed": {"mean_ghz": 1.8, "wafer_sd_ghz": 0.1, "die_sd_ghz": 0.1}},
    "process": {
        "alpha_wafer": 4.0,
        "alpha_region": 2.0,
        "region_dies_x": 2,
        "profile": {"edge_amplitude": 2.0, "edge_length_mm": 15},
        "signatures": {"ring": {"kind": "edge_ring", "probability": 0.2, "peak_per_cm2": 1.0}},
        "systematic": {"edge_die_mm": 5.0, "edge_die_yield": 0.8},
    },
}


def model_file(die: dict[str, Any], d0_per_cm2: float, alpha: float = 2.0) -> ModelFile:
    """The one-line model with another die: 500 mm2, no noise."""
    raw = dict(yieldsim.load_file(ONE_LINE).raw)
    process = raw["processes"]["n2"] | {"d0_mature_per_cm2": d0_per_cm2, "alpha": alpha}
    raw["processes"] = {"n2": process}
    raw["dies"] = {"chip": raw["dies"]["chip"] | die}
    raw["products"] = {"a": raw["products"]["a"] | {"kind": "phone", "performance": {}}}
    return ModelFile("floorplans", raw, {})


def shares(die: dict[str, Any], d0_per_cm2: float, alpha: float = 2.0) -> np.ndarray:
    """Good dies of each bin over gross dies, in the last quarter."""
    ds = yieldsim.run(model_file(die, d0_per_cm2, alpha), realizations=1)
    last = ds.isel(scenario=0, realization=0, quarter=-1, die=0)
    return np.asarray(last["good_dies"].values / last["gross_dies"].values)


@pytest.mark.parametrize(
    ("d0_per_cm2", "alpha"), thinned(product([0.0, 0.01, 0.1, 0.5, 3.0], [0.5, 2.0, 1e12]), 4)
)
def test_a_plain_floorplan_is_the_core_harvest(d0_per_cm2: float, alpha: float) -> None:
    """Cores and fatal area given either way: the table against the harvest sums."""
    bins = {"full": {"min_good_cores": 20}, "cut": {"min_good_cores": 16}}
    plain = {"cores": 20, "core_fraction": 0.6, "bins": bins}
    blocks = {"core": {"kind": "core", "count": 20, "area_mm2": 15.0}}
    floorplan = {"floorplan": {"blocks": blocks, "bins": bins}}
    # the table errs by 1e-5, single precision by 6e-8
    np.testing.assert_allclose(
        shares(floorplan, d0_per_cm2, alpha), shares(plain, d0_per_cm2, alpha), atol=2e-5
    )


@pytest.mark.slow
@pytest.mark.statistical
@pytest.mark.parametrize("d0_per_cm2", [0.4, 0.05])
def test_a_rich_floorplan_is_what_wafers_give(d0_per_cm2: float) -> None:
    """Bins of the ensemble against wafers of the same model, lots clustered by alpha."""
    die = {key: RICH[key] for key in ("blocks", "groups", "rest")}
    raw = {
        "die": {**die, "width_mm": 20.0, "height_mm": 25.0},
        "bins": RICH["bins"],
        "parametric": RICH["parametric"],
        "process": {
            **RICH["process"],
            "d0_per_cm2": d0_per_cm2,
            "alpha_lot": 2.0,
            "lot_wafers": 1,
        },
    }
    result = simulate_wafers(wafer_model(raw), 6000, 11, "expected")
    drawn = result.good / result.gross
    mean, error = drawn.mean(axis=0), drawn.std(axis=0, ddof=1) / np.sqrt(len(drawn))
    z = (shares({"floorplan": RICH}, d0_per_cm2) - mean) / error
    assert np.abs(z).max() < 4.0  # two bins, standard errors over independent wafers


@pytest.fixture
def fine_nodes(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Signatures with four times the quadrature nodes.

    The usual 150 err by 1e-4 and the error falls as 1 / nodes^2: 8.7e-5, 1.7e-5, 4.8e-6 and 1.2e-6
    between the two sides at 150, 300, 600 and 1200.
    """
    bin_table._table.cache_clear()
    monkeypatch.setattr(expectation, "_FEWER_NODES", 600)
    yield
    bin_table._table.cache_clear()


@pytest.mark.slow  # a quarter of a minute for the fine nodes
@pytest.mark.usefixtures("fine_nodes")
def test_a_product_with_a_floorplan_has_its_wafer_model() -> None:
    """`yieldsim wafer MODEL --product` draws the die that the ensemble counts."""
    file = model_file({"floorplan": RICH}, 0.2)
    model = wafer_model_of(file.model("baseline"), "chip")
    assert model.die.groups.keys() == RICH["groups"].keys()
    # 1e-5 of the table on either side of the gammas, as in the core harvest above
    expected = expected_yield(model).by_bin
    np.testing.assert_allclose(shares({"floorplan": RICH}, 0.2), expected, atol=2e-5)


def test_more_defects_never_help() -> None:
    every = [shares({"floorplan": RICH}, d0).sum() for d0 in (0.0, 1e-4, 0.01, 0.1, 1.0, 10.0)]
    assert every == sorted(every, reverse=True)
    assert every[0] > every[-1]


@pytest.mark.parametrize(
    ("floorplan", "place", "value"),
    [
        ({"block": {}}, "", "'block'"),
        ({"blocks": {"core": {"kind": "core", "area_mm2": 600}}}, ".blocks", "600 mm2"),
        ({"process": {"d0_per_cm2": 1}}, ".process.d0_per_cm2", "got 1"),
        ({"process": {"alpha_wafer": 0}}, ".process.alpha_wafer", "got 0"),
        ({"process": 3}, ".process", "got 3"),
        ({"blocks": {"a": {"kind": "memory", "area_mm2": 9}}}, ".blocks.a.spares", "missing"),
    ],
)
def test_a_faulty_floorplan_is_one_line(floorplan: dict[str, Any], place: str, value: str) -> None:
    with pytest.raises(ModelError) as error:
        yieldsim.run(model_file({"floorplan": floorplan}, 0.1), realizations=1)
    (line,) = str(error.value).splitlines()
    assert f"dies.chip.floorplan{place}: " in line
    assert value in line


@pytest.mark.parametrize("key", ["cores", "parametric_yield", "bins"])
def test_a_die_is_described_once(key: str) -> None:
    item: Any = {"good": {}} if key == "bins" else 1
    with pytest.raises(ModelError, match=f"has a floorplan, got {key} beside it"):
        model_file({"floorplan": RICH, key: item}, 0.1).model("baseline")
