"""The scenarios of the baseline: dated, sourced, and each moves what its title says.

Differences are paired (realization r has the same luck in all scenarios, whichever run together)
and held against their own standard error. `make test` runs some of each form, `make test-full` all.
"""

import re
from functools import cache

import numpy as np
import pytest
import xarray as xr

import yieldsim
from yieldsim.errors import UsageError
from yieldsim.model import ModelFile, load_file

SEED = 7
REALIZATIONS = 96
FORESEEN = 4  # of the scenario whose program takes most of the time
# months: every test here compares scenarios with one another, and needs no fine steps
COARSE = "simulation.steps_per_quarter=3"
CHIPS, STARTS, GOOD = "usable_chips", "wafer_starts", "good_dies"
DEMAND, IMPORTS, COMPUTE = "demand", "imports", "h100_equivalents"
FILLED, BACKLOG = "order_delivered", "order_backlog"
GAP, GAP_COMPUTE = "gap_with_imports", "gap_with_imports_h100_equivalents"
WITHOUT_IMPORTS = "gap_without_imports"
DOWN, UP = -1, 1
# scenario: (output, calendar year, direction) of what its title says
# A plan makes the most compute of its dies and stacks. Tools and yields therefore show in wafers,
# and in compute once there is memory for the dies. Good dies show them where they limit what is
# made: phones take no more dies than they need. The number of chips says little of them: with
# fewer dies the stacks go to smaller chips, of which they make more.
EFFECTS: dict[str, list[tuple[str, int, int]]] = {
    "domestic_late": [(STARTS, 2027, DOWN), (GOOD, 2028, DOWN), (COMPUTE, 2029, DOWN)],
    # memory limits what the dies add in the median world, so the title says nothing of compute
    "domestic_early": [(STARTS, 2027, UP), (STARTS, 2028, UP)],
    "service_lost": [(STARTS, 2027, DOWN), (COMPUTE, 2028, DOWN), (COMPUTE, 2029, DOWN)],
    "service_denied": [(STARTS, 2027, DOWN), (COMPUTE, 2028, DOWN), (COMPUTE, 2029, DOWN)],
    "duv_stopped": [(STARTS, 2028, DOWN), (GOOD, 2028, DOWN), (COMPUTE, 2029, DOWN)],
    "inspection_stopped": [(STARTS, 2027, DOWN), (GOOD, 2028, DOWN), (COMPUTE, 2029, DOWN)],
    "tools_stopped": [(STARTS, 2027, DOWN), (GOOD, 2028, DOWN), (COMPUTE, 2029, DOWN)],
    "licences_back": [(STARTS, 2027, UP), (GOOD, 2028, UP), (COMPUTE, 2029, UP)],
    "scanners_early": [(STARTS, 2028, UP), (GOOD, 2028, UP), (COMPUTE, 2029, UP)],
    # fewer wafers; what is left has less overlay loss, so the title says nothing of chips
    "scanners_late": [(STARTS, 2028, DOWN)],
    "scanners_never": [(STARTS, 2028, DOWN)],
    "n3_ramps": [
        (GOOD, 2027, UP),
        *((COMPUTE, year, UP) for year in (2026, 2027, 2028, 2029)),
    ],
    "n3_fails": [
        (GOOD, 2027, DOWN),
        *((COMPUTE, year, DOWN) for year in (2026, 2027, 2028, 2029)),
    ],
    "n2_learns": [
        # in 2026 stacks bind, and hardly any product has a stack to spare for more dies
        *((COMPUTE, year, UP) for year in (2025, 2027, 2028)),
    ],
    "memory_cut": [(CHIPS, 2027, DOWN), (CHIPS, 2028, DOWN)],
    "memory_available": [(CHIPS, 2027, UP), (CHIPS, 2028, UP)],
    "memory_fast": [(CHIPS, 2027, UP), (CHIPS, 2028, UP)],
    "memory_slow": [(CHIPS, 2027, DOWN), (CHIPS, 2028, DOWN)],
    "memory_banned": [(CHIPS, 2027, DOWN), (CHIPS, 2028, DOWN)],
    "fab_accident": [(STARTS, 2027, DOWN), (COMPUTE, 2027, DOWN)],
    "lines_late": [(STARTS, 2026, DOWN), (STARTS, 2027, DOWN), (COMPUTE, 2029, DOWN)],
    # before, too few stacks need the packaging that is missing
    "packaging_late": [(COMPUTE, 2029, DOWN)],
    # over the horizon, see below: which years gain is the program's choice
    "most_compute": [(COMPUTE, 2028, UP), (COMPUTE, 2030, UP)],
    "imports_return": [
        *((IMPORTS, year, UP) for year in (2027, 2028)),
        *((gap, year, DOWN) for gap in (GAP, GAP_COMPUTE) for year in (2027, 2028)),
    ],
    "imports_blocked": [
        *((IMPORTS, year, DOWN) for year in (2027, 2028)),
        *((gap, year, UP) for gap in (GAP, GAP_COMPUTE) for year in (2027, 2028)),
    ],
    "demand_surges": [
        *((name, year, UP) for name in (DEMAND, GAP, WITHOUT_IMPORTS) for year in (2027, 2028)),
        (GAP_COMPUTE, 2028, UP),
    ],
}
# they change what is wanted or imported, and nothing that is made
DEMAND_SIDE = ("imports_return", "imports_blocked", "demand_surges")
# the first year in which a scenario may differ from the baseline: nothing that is dated later
# changes the past (priors of domestic tools and of processes hold for all dates)
FIRST_YEAR = {
    "domestic_late": 2024,
    "domestic_early": 2024,
    "n2_learns": 2024,
    "most_compute": 2024,
    "n3_ramps": 2025,
    "n3_fails": 2025,
    "memory_cut": 2026,
    "lines_late": 2025,
    # from 2026Q2, when the first of these scanners are delivered
    "scanners_early": 2026,
    "scanners_late": 2026,
    "scanners_never": 2026,
}
# A plan knows what is announced for the next quarters (PLANNER.md), so it may prepare in 2026 for
# memory and packaging of 2027. Plans of wafers, demand and imports are given.
PREPARED = ("memory_available", "memory_fast", "memory_slow", "memory_banned", "packaging_late")
GIVEN = (STARTS, DEMAND, IMPORTS)
COMBINED = "memory_fast+n3_ramps+fab_accident"
# of an event, a process, a limit of packages, an accident, imports, and a sum
QUICK = (
    *("service_lost", "n3_ramps", "memory_slow", "memory_fast", "fab_accident"),
    "imports_blocked",
)
USED = (CHIPS, STARTS, GOOD, DEMAND, IMPORTS, COMPUTE, FILLED, BACKLOG)
USED_GAPS = (GAP, GAP_COMPUTE, WITHOUT_IMPORTS)
KEPT = f"simulation.outputs={[*USED, *USED_GAPS]}"
# With 26 scenarios and some 80 comparisons, chance alone would pass 3 standard errors in one of
# ten such files; the seed is fixed, so a failure is a change of the model.
STANDARD_ERRORS = 3.0


@cache
def ensemble(quick: bool) -> xr.Dataset:
    """The baseline, the quick scenarios and the sum; or those that `make test-full` adds."""
    others = [name for name in scenarios() if name not in QUICK]
    return yieldsim.run(
        "baseline",
        realizations=REALIZATIONS,
        seed=SEED,
        scenarios=["baseline", *QUICK, COMBINED] if quick else others,
        changes=[COARSE, KEPT],
    )


def is_quick(scenario: str) -> bool:
    return scenario in ("baseline", *QUICK, COMBINED)


def case(*values: object) -> object:
    """One case of a test: slow if it needs a scenario that `make test` does not run."""
    slow = any(value in scenarios() and not is_quick(str(value)) for value in values)
    return pytest.param(*values, marks=[pytest.mark.slow] * slow)


@cache
def by_scenario_and_quarter(variable: str, quick: bool) -> np.ndarray:
    """The variable by scenario, quarter and realization, summed over all else (AI chips alone)."""
    ds = ensemble(quick)
    array = ds[variable]
    if "product" in array.dims:
        array = array.isel(product=np.flatnonzero(ds["product_kind"].values == "ai"))
    kept = ("scenario", "quarter", "realization")
    rest = [dim for dim in array.dims if dim not in kept]
    return np.asarray(array.astype(float).sum(rest).transpose(*kept).values)


@cache
def labels(quick: bool) -> tuple[list[str], list[str]]:
    """The scenarios and the quarters, in their order."""
    ds = ensemble(quick)
    quarters = [str(label) for label in ds["quarter_label"].values]
    return [str(name) for name in ds["scenario"].values], quarters


def yearly(variable: str, scenario: str, year: int) -> np.ndarray:
    """Sums over a year (AI chips alone; all lines, dies, bins, orders) by realization."""
    quick = is_quick(scenario)
    names, quarters = labels(quick)
    places = [i for i, label in enumerate(quarters) if label.startswith(str(year))]
    assert len(places) == 4
    array = by_scenario_and_quarter(variable, quick)
    total: np.ndarray = array[names.index(scenario), places].sum(axis=0)
    return total


def in_standard_errors(variable: str, name: str, other: str, year: int) -> float:
    """Mean of the paired differences over its standard error; 0 where all are 0."""
    difference = yearly(variable, name, year) - yearly(variable, other, year)
    error = difference.std(ddof=1) / np.sqrt(difference.size)
    return float(difference.mean() / error) if error > 0.0 else 0.0


@cache
def baseline() -> ModelFile:
    return load_file("baseline")


def scenarios() -> list[str]:
    return list(baseline().scenarios)


def test_there_are_twelve_scenarios_and_each_has_its_effect_here() -> None:
    assert len(scenarios()) >= 12
    assert set(scenarios()) == set(EFFECTS)


@pytest.mark.parametrize("name", scenarios())
def test_a_scenario_says_when_and_whence(name: str) -> None:
    file = baseline()
    entry = file.scenarios[name]
    assert entry["source"] in file.raw["sources"]
    assert entry["grade"] in ("reported", "estimated", "assumed")
    assert len(entry["note"]) > 20
    assert re.search(r"\b20[23]\d(Q[1-4])?\b", f"{entry['title']} {entry['note']}")


@pytest.mark.parametrize(
    ("name", "variable", "year", "direction"),
    [case(name, *effect) for name, effects in EFFECTS.items() for effect in effects],
)
def test_a_scenario_moves_the_year_as_its_title_says(
    name: str, variable: str, year: int, direction: int
) -> None:
    moved = in_standard_errors(variable, name, "baseline", year)
    assert direction * moved > STANDARD_ERRORS


@pytest.mark.parametrize("name", [case(name) for name in scenarios()])
def test_a_scenario_leaves_the_years_before_it_alone(name: str) -> None:
    for variable in (CHIPS, STARTS, GOOD, FILLED, DEMAND, IMPORTS, GAP):
        prepared = name in PREPARED and variable not in GIVEN
        first = 2026 if prepared else FIRST_YEAR.get(name, 2027)
        for year in range(2024, first):
            same = yearly(variable, name, year) == yearly(variable, "baseline", year)
            assert same.all(), (variable, year)


@pytest.mark.parametrize("name", [case(name) for name in DEMAND_SIDE])
def test_demand_and_imports_change_nothing_that_is_made_or_delivered(name: str) -> None:
    for variable in (CHIPS, STARTS, FILLED):
        for year in range(2024, 2029):
            assert (yearly(variable, name, year) == yearly(variable, "baseline", year)).all()


@pytest.mark.parametrize(
    "name", [case(name) for name in ("memory_slow", "memory_cut", "n3_fails", "fab_accident")]
)
def test_fewer_chips_widen_the_gap_by_as_many(name: str) -> None:
    for year in (2027, 2028):
        fewer = yearly(CHIPS, "baseline", year) - yearly(CHIPS, name, year)
        wider = yearly(GAP, name, year) - yearly(GAP, "baseline", year)
        # single precision keeps 6e-8 of gaps of up to 2e7 chips a year, in each of eight quarters
        np.testing.assert_allclose(wider, fewer, atol=10.0)
        # not in chips: stacks that an accident leaves over may make more chips later, smaller ones
        assert in_standard_errors(GAP_COMPUTE, name, "baseline", year) > 0.0


def test_foresight_makes_more_compute_over_the_horizon_in_every_realization() -> None:
    """It knows what the plan must guess; years may fall, as 2024 and 2026 do for later ones."""
    ds = yieldsim.run(
        "baseline",
        realizations=FORESEEN,
        seed=SEED,
        scenarios=["baseline", "most_compute"],
        changes=[COARSE, KEPT],
    )
    compute = ds[COMPUTE].isel(product=np.flatnonzero(ds["product_kind"].values == "ai"))
    planned, foreseen = compute.sum(["product", "quarter"]).transpose("scenario", ...).values
    assert planned.shape == (FORESEEN,)
    assert (foreseen > planned).all()


def test_fewer_chips_leave_more_of_the_orders_open() -> None:
    assert in_standard_errors(BACKLOG, "memory_slow", "baseline", 2027) > STANDARD_ERRORS
    assert in_standard_errors(BACKLOG, "memory_fast", "baseline", 2027) < -STANDARD_ERRORS


@pytest.mark.parametrize(
    ("low", "high"),
    [
        case("memory_slow", "memory_fast"),
        case("memory_cut", "memory_available"),
        case("n3_fails", "n3_ramps"),
        case("domestic_late", "domestic_early"),
        case("tools_stopped", "inspection_stopped"),
        case("tools_stopped", "duv_stopped"),
        case("tools_stopped", "licences_back"),
        case("service_lost", "service_denied"),
    ],
)
def test_rival_scenarios_keep_their_order(low: str, high: str) -> None:
    assert in_standard_errors(STARTS, low, high, 2028) <= 0.0
    assert in_standard_errors(COMPUTE, low, high, 2029) < -STANDARD_ERRORS


def test_a_combination_does_what_its_parts_do() -> None:
    # lost wafers are those of the accident alone: nothing else in it touches starts
    for year in (2026, 2027, 2028):
        combined, alone = (yearly(STARTS, name, year) for name in (COMBINED, "fab_accident"))
        assert (combined == alone).all()
    # memory and clean dies do not stand in each other's way; in 2028 the accident of 2027 still
    # costs dies, and memory binds more than it does in 2029
    for part in ("memory_fast", "n3_ramps"):
        assert in_standard_errors(COMPUTE, COMBINED, part, 2029) > STANDARD_ERRORS


def test_a_combination_is_stored_as_given_with_all_titles() -> None:
    ds = ensemble(True)
    assert ds["scenario"].values.tolist() == ["baseline", *QUICK, COMBINED]
    title = str(ds["scenario_title"].sel(scenario=COMBINED).values)
    parts = [baseline().scenarios[name]["title"] for name in COMBINED.split("+")]
    assert title == "; ".join(parts)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("memory_fast+memory_slow", "dram_lines.cxmt.wafers"),
        ("memory_cut+memory_available", "memory.grey_hbm.deliveries"),
        ("scanners_late+scanners_never", "shared.domestic_scanner_delay_quarters"),
        ("n3_ramps+service_lost+n3_fails", "processes.n3.d0_mature_per_cm2"),
        ("imports_return+imports_blocked", "imports.h200.licensed"),
    ],
)
def test_rivals_cannot_be_combined(name: str, path: str) -> None:
    with pytest.raises(UsageError, match=f"both set {re.escape(path)}, differently"):
        baseline().model(name)


def test_what_two_scenarios_share_can_be_combined() -> None:
    # both end service in the same way; one also ends deliveries
    file = baseline()
    assert file.model("service_denied+service_lost").events == file.model("service_lost").events
