"""Dies of the baseline as wafer models: the same yield as the ensemble's closed forms give."""

import pytest

import yieldsim
from yieldsim.closed_form import harvest_bins, overlay_yield
from yieldsim.model import Model
from yieldsim.model.references import visited_groups
from yieldsim.sampling import Sampler
from yieldsim.wafer import expected_yield
from yieldsim.wafer.from_supply import die_of_product, wafer_model_of


@pytest.fixture(scope="module")
def model() -> Model:
    return yieldsim.load_file("baseline").model("baseline")


def test_the_yield_is_the_closed_form_of_the_medians(model: Model) -> None:
    die = die_of_product(model, "ascend_910b")
    median = Sampler(model).medians()
    one = {
        key.removeprefix(f"dies.{die}."): v for key, v in median.items() if f"dies.{die}." in key
    }
    (process,) = model.dies[die].process
    made = {
        key.removeprefix(f"processes.{process}."): v
        for key, v in median.items()
        if f"processes.{process}." in key
    }
    area, cores = one["width_mm"] * one["height_mm"], model.dies[die].cores
    fatal = (
        1.0 - one["core_fraction"] - one.get("memory_fraction", 0.0) * one.get("memory_repair", 0.0)
    )
    least = [rule.min_good_cores for rule in model.dies[die].bins.values()]
    shares = harvest_bins(
        fatal * area,
        one["core_fraction"] * area / cores,
        cores,
        least,
        made["d0_mature_per_cm2"],
        made["alpha"],
    )[:-1]
    survive = made["systematic_yield"] * one["parametric_yield"] * (1.0 - one["test_overkill"])
    for group, tool in model.tool_groups.items():
        sigma = median.get(f"tool_groups.{group}.imported.overlay_sigma_nm", 0.0)
        if sigma > 0.0 and group in visited_groups(model, model.processes[process]):
            survive *= overlay_yield(sigma, made["overlay_tolerance_nm"], made["overlay_layers"])
        assert tool is not None
    got = expected_yield(wafer_model_of(model, die))
    # scrap that ships spreads as good dies do, as in the ensemble; quadrature of the gamma to 1e-6
    passed = 1.0 + got.escapes / (got.by_bin.sum() - got.escapes)
    assert got.by_bin.tolist() == pytest.approx((shares * survive * passed).tolist(), rel=1e-5)


def test_every_product_has_a_wafer_model(model: Model) -> None:
    for product in model.products:
        one = wafer_model_of(model, die_of_product(model, product))
        assert 0.05 < expected_yield(one).yield_ < 0.95


def test_more_defects_ship_less(model: Model) -> None:
    die = die_of_product(model, "kunlun_p800")
    yields = [expected_yield(wafer_model_of(model, die, d0_per_cm2=d)).yield_ for d in (0, 0.2, 2)]
    assert yields == sorted(yields, reverse=True)
    assert yields[0] > yields[2]
