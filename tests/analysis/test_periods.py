"""Periods by kind and by name: which quarters they hold, and which names are refused."""

import numpy as np
import pytest

from tests.analysis.made_up import ensemble
from yieldsim.analysis.periods import (
    by_period,
    named_periods,
    period_ends,
    period_quarters,
    time_fields,
)
from yieldsim.analysis.totals import gather
from yieldsim.errors import UsageError

# the made-up ensemble covers 2024Q1 to 2025Q4
PLACES = {
    "2024Q3": [2],
    "2025H1": [4, 5],
    "2024H2": [2, 3],
    "2025": [4, 5, 6, 7],
    "horizon": list(range(8)),
}


def test_a_name_stands_for_its_quarters() -> None:
    ds = ensemble()
    for name, places in PLACES.items():
        assert period_quarters(ds, (name,)) == ([name], [places])
    names = tuple(PLACES)
    assert period_quarters(ds, names) == (list(names), list(PLACES.values()))
    assert period_ends(ds, names) == ("2024Q3", "2025Q2", "2024Q4", "2025Q4", "2025Q4")


def test_sums_of_named_periods_are_those_of_their_quarters() -> None:
    """In any order, overlapping, and however few of them are gathered at once."""
    ds = ensemble(realizations=5)
    chips = ds["usable_chips"].to_numpy().astype(float)[0, :, :, :2].sum(axis=2)
    names = ("2025", "2024Q3", "horizon", "2024H2")
    expected = [chips[:, PLACES[name]].sum(axis=1) for name in names]
    for budget in (1, 10**9):
        parts = gather(ds, period=names, scenarios=[0], budget_bytes=budget)
        sums = np.concatenate([part.values[0] for part in parts])
        # float32 figures added in double precision, in another order
        np.testing.assert_allclose(sums, expected, rtol=1e-14)


def test_a_period_in_part_counts_its_quarters() -> None:
    ds = ensemble(quarter_count=6)
    assert period_quarters(ds, "2025") == (["2025"], [[4, 5]])
    assert time_fields(("2025",), "2025", 2) == {"period": "2025", "quarters": 2}
    assert time_fields("year", "2025", 2) == {"year": "2025", "quarters": 2}
    assert time_fields("quarter", "2025Q1", 1) == {"quarter": "2025Q1"}


def test_kinds_are_named_out() -> None:
    ds = ensemble(quarter_count=6)
    assert named_periods(ds, ["half"]) == ("2024H1", "2024H2", "2025H1")
    assert named_periods(ds, ["year", "2025", "2024Q4"]) == ("2024", "2025", "2024Q4")
    assert named_periods(ds, ["horizon"]) == ("horizon",)
    assert len(named_periods(ds, ["quarter"])) == 6


def test_chosen_periods_take_the_place_of_quarters_and_years() -> None:
    made = by_period(lambda period: [{"period": period}], ("2025",), "d0", "d0_yearly")
    assert made == {"d0": [{"period": ("2025",)}]}
    made = by_period(lambda period: [{"period": period}], ())
    assert made == {"records": [{"period": "quarter"}], "yearly": [{"period": "year"}]}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("2025Q5", "period: unknown period, got '2025Q5'; allowed: quarter, half, year, horizon, "),
        ("2025H3", "period: unknown period, got '2025H3'; allowed: "),
        ("25", "period: unknown period, got '25'; allowed: "),
        ("2025-01", "period: unknown period, got '2025-01'; allowed: "),
        ("", "period: unknown period, got ''; allowed: "),
        ("2023", "period: is outside the ensemble, got '2023'; allowed: 2024Q1 to 2025Q4"),
        ("2026Q1", "period: is outside the ensemble, got '2026Q1'; allowed: 2024Q1 to 2025Q4"),
    ],
)
def test_names_that_are_no_periods_are_refused(name: str, message: str) -> None:
    for chosen in ([name], ["year", name]):
        with pytest.raises(UsageError) as error:
            named_periods(ensemble(), chosen)
        assert str(error.value).startswith(message)


def test_a_stock_has_no_year_by_name_but_a_quarter() -> None:
    ds = ensemble(realizations=4)
    with pytest.raises(UsageError, match="period: packages_wip is not a flow"):
        next(gather(ds, "packages_wip", ("2024",)))
    (state,) = gather(ds, "packages_wip", ("2024Q2",), scenarios=[0])
    assert np.array_equal(state.values[1, 0], ds["packages_wip"].to_numpy()[0, :, 1, 0])
