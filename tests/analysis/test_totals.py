import tracemalloc

import numpy as np
import pytest
import xarray as xr

from tests.analysis.made_up import PRODUCTS, SCENARIOS, ensemble
from yieldsim.analysis import periods, totals
from yieldsim.analysis.periods import period_quarters
from yieldsim.analysis.totals import choose, gather, places_of, product_groups
from yieldsim.errors import StoreError, UsageError


def joined(ds: xr.Dataset, **options) -> np.ndarray:
    """All that `gather` gives, as (scenario, group, period, realization)."""
    parts: dict[int, list[np.ndarray]] = {}
    for part in gather(ds, **options):
        parts.setdefault(part.scenario, []).append(part.values)
    return np.stack([np.concatenate(parts[s], axis=1) for s in sorted(parts)])


def by_hand(ds: xr.Dataset, period: str) -> np.ndarray:
    figures = ds["usable_chips"].to_numpy().astype(np.float64)
    _, quarters = period_quarters(ds, period)
    sums = np.stack([figures[:, :, places].sum(axis=2) for places in quarters], axis=2)
    total = sums[..., :2].sum(axis=-1, keepdims=True)  # the third product is a phone's
    return np.moveaxis(np.concatenate([total, sums], axis=-1), (3, 2), (1, 2))


@pytest.mark.parametrize("period", ["quarter", "year", "horizon"])
@pytest.mark.parametrize("budget_bytes", [1, 5_000, 10**9])
def test_sums_are_those_of_each_realization(period: str, budget_bytes: int) -> None:
    ds = ensemble(realizations=37)
    sums = joined(ds, period=period, budget_bytes=budget_bytes)
    # float32 figures added in double precision: the order of the sums shows in the last digit
    np.testing.assert_allclose(sums, by_hand(ds, period), rtol=1e-14)


@pytest.mark.parametrize("stored", [0, 5, 1_000])
def test_the_block_that_is_read_makes_no_difference(stored: int, monkeypatch) -> None:
    ds = ensemble(realizations=37)
    expected = joined(ds)
    monkeypatch.setattr(totals, "BLOCK_BYTES", 700)
    if stored:
        ds["usable_chips"].encoding["preferred_chunks"] = {"realization": stored}
    blocks = list(totals.realization_blocks(ds["usable_chips"]))
    assert all(block.start % max(1, stored) == 0 for block in blocks)
    assert len(blocks) > 1 or stored > 37
    assert np.array_equal(joined(ds), expected)


def test_the_order_of_the_dims_makes_no_difference() -> None:
    ds = ensemble(realizations=9)
    assert np.array_equal(joined(ds.transpose("product", ...)), joined(ds))


def test_memory_does_not_grow_with_the_number_of_realizations() -> None:
    # 400,000 realizations of 8 quarters and 3 products: the columns of all would take 102 MB
    count, budget = 400_000, 16 * 2**20
    chips = np.ones((1, count, 8, 3), dtype="float32")
    ds = ensemble(realizations=1, scenarios=("baseline",)).drop_vars(
        ["binding", "packages_started", "packages_wip", "usable_chips"]
    )
    ds["usable_chips"] = (("scenario", "realization", "quarter", "product"), chips)
    tracemalloc.start()
    for part in gather(ds, budget_bytes=budget):
        assert part.values.nbytes <= budget
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # two batches of columns (the next is made while the last is held) and copies of one block
    assert peak < 2 * budget + 4 * totals.BLOCK_BYTES


def test_the_total_is_over_ai_products() -> None:
    ds = ensemble()
    assert product_groups(ds) == {"total": [0, 1], PRODUCTS[0]: [0], PRODUCTS[1]: [1]} | {
        PRODUCTS[2]: [2]
    }
    assert product_groups(ds.drop_vars("product_kind"))["total"] == [0, 1, 2]


def test_years_hold_the_quarters_that_are_there() -> None:
    ds = ensemble(quarter_count=8).isel(quarter=slice(2, 7))
    years, places = period_quarters(ds, "year")
    assert years == ["2024", "2025"]
    assert places == [[0, 1], [2, 3, 4]]
    assert period_quarters(ds, "horizon") == (["2024Q3-2025Q3"], [[0, 1, 2, 3, 4]])


def test_halves_of_years_are_periods() -> None:
    ds = ensemble(quarter_count=8).isel(quarter=slice(1, 7))
    halves, places = period_quarters(ds, "half")
    assert halves == ["2024H1", "2024H2", "2025H1", "2025H2"]
    assert places == [[0], [1, 2], [3, 4], [5]]


def test_any_figure_can_be_summed_over_groups_of_its_labels() -> None:
    ds = ensemble(realizations=9, scenarios=("baseline",))
    rng = np.random.default_rng(5)
    figures = rng.uniform(size=(1, 9, 8, 2, 3)).astype("float32")
    ds["good_dies"] = (("scenario", "realization", "quarter", "die", "bin"), figures)
    # the same places whatever the order in which the dims are stored
    for array in (ds["good_dies"], ds["good_dies"].transpose("bin", "die", ...)):
        ds["good_dies"] = array
        groups = {"one": places_of(array, {"die": [1], "bin": [0, 2]}), "all": places_of(array, {})}
        sums = joined(ds, variable="good_dies", period="year", groups=groups)
        years = figures.astype(float)[0].reshape(9, 2, 4, 2, 3).sum(axis=2)
        one, every = years[:, :, 1, [0, 2]].sum(axis=-1), years.sum(axis=(2, 3))
        # a dozen figures in double precision, added in another order
        np.testing.assert_allclose(sums[0], [one.T, every.T], rtol=1e-14)
    with pytest.raises(UsageError, match="variable: is not a figure of the ensemble, got 'x'"):
        next(gather(ds, "x", groups=groups))


def test_quarters_are_named_by_their_dates_where_labels_are_missing() -> None:
    ds = ensemble(quarter_count=6)
    labels = periods.quarter_labels(ds)
    assert labels[0] == "2024Q1"
    assert periods.quarter_labels(ds.drop_vars("quarter_label")) == labels


@pytest.mark.parametrize(
    ("variable", "period", "message"),
    [
        ("nonsense", "quarter", "variable: is not a figure by product, got 'nonsense'; allowed: "),
        ("binding", "quarter", "variable: is not a figure by product, got 'binding'; allowed: "),
        (
            "usable_chips",
            "week",
            "period: unknown period, got 'week'; allowed: quarter, half",
        ),
        ("packages_wip", "year", "period: packages_wip is not a flow"),
    ],
)
def test_sums_that_mean_nothing_are_refused(variable: str, period: str, message: str) -> None:
    with pytest.raises(UsageError) as error:
        next(gather(ensemble(), variable, period))
    assert str(error.value).startswith(message)


def test_a_state_can_be_gathered_by_quarter() -> None:
    ds = ensemble(realizations=4)
    state = next(gather(ds, "packages_wip")).values[1]
    assert np.array_equal(state, ds["packages_wip"].to_numpy()[0, :, :, 0].T)


def test_scenarios_are_chosen_by_name() -> None:
    ds = ensemble()
    assert choose(ds, ()) is ds
    assert choose(ds, [SCENARIOS[1]])["scenario"].to_numpy().tolist() == [SCENARIOS[1]]
    with pytest.raises(UsageError, match="scenario: is not in the ensemble, got 'x'; allowed: bas"):
        choose(ds, ["x"])


def test_a_dimension_without_labels_is_reported() -> None:
    with pytest.raises(StoreError, match="coordinate scenario: is missing from the ensemble"):
        totals.labels_of(ensemble().drop_vars("scenario"), "scenario")
