"""The engine against its executable specification: every output of whole realizations."""

import json
from functools import cache
from typing import Any

import numpy as np
import pytest
from scipy import stats

from tests.examples import thinned
from tests.paths import REFERENCE, VALID
from tests.supply.twin.dies import good_cores, gross_dies
from tests.supply.twin.noise import EXACT_UP_TO, down_hours, failures
from tests.supply.twin.twin import simulate
from yieldsim.model.load import load_file
from yieldsim.outputs import OUTPUTS, Variable, constraint_names
from yieldsim.supply.simulate import Simulator

SEED = 7
REALIZATIONS = 6

# One rounding to float32 is 6e-8. Bins that few dies reach are small differences of tails that are
# right to 1e-7 of all dies at worst (alternating sums) or 1e-8 (quadrature).
RTOL = 1e-5
# Differences of large sums (stocks that run empty, wafers of no design) leave rounding errors of
# doubles: a millionth of a wafer, die, stack or package. Ratios and times have no such slack.
ATOL_DAYS = 1e-9  # differences of the numbers of steps, some hundreds, in doubles
ATOL_COUNTED = 1e-6
NOT_COUNTED = ("1", "day", "cm-2")

CASES = [
    ("two_fabs", "baseline"),
    ("two_fabs", "cut"),
    ("two_fabs", "dirty"),
    ("overload", "baseline"),
    ("overload", "little_wip"),
    ("layers", "baseline"),
    ("shocks", "baseline"),
    ("shocks", "opened_late"),
    ("shocks", "ask_for_more"),
    ("shocks", "overlapping"),
    ("tiers", "baseline"),
    ("memory", "baseline"),
    ("worlds", "baseline"),
    ("pairing", "baseline"),
    ("pairing", "few_io"),
    ("pairing", "at_random"),
    ("pairing", "blind_last"),
    ("young_lines", "baseline"),
    ("young_lines", "copied"),
]
LIFTED = [
    ("pairing", "no_limit:memory"),
    ("pairing", "no_limit:packaging"),
    ("pairing", "few_io+no_limit:demand"),
    ("tiers", "no_limit:memory+no_limit:packaging"),
    ("two_fabs", "dirty+no_limit:defects"),
    ("two_fabs", "no_limit:wafers"),
    ("two_fabs", "no_limit:wafers+no_limit:litho"),
    ("overload", "no_limit:tools"),
    ("layers", "no_limit:inspection"),
    ("young_lines", "no_limit:wafers"),
    ("young_lines", "no_limit:control"),
]
# with the outputs that an ensemble keeps on request
ALL_OUTPUTS = "simulation.outputs = " + json.dumps([variable.name for variable in OUTPUTS])


@cache
def simulator(name: str, scenario: str, *changes: str) -> Simulator:
    place = VALID / f"{name}.toml"
    file = load_file(place if place.is_file() else name).with_changes([ALL_OUTPUTS, *changes])
    return Simulator(file, [scenario], SEED)


@cache
def block(name: str, scenario: str) -> dict[str, np.ndarray]:
    return simulator(name, scenario).block(0, REALIZATIONS)


def twin_of(engine: Simulator, realization: int) -> dict[str, dict[str, Any]]:
    scenario = engine.scenarios[0]
    sampler = engine.compiled[scenario].sampler
    drawn = sampler.draw(SEED, realization, 1)[0]
    values = dict(zip(sampler.column, map(float, drawn), strict=True))
    return simulate(engine.models[scenario], values, SEED, realization)


def as_array(engine: Simulator, variable: Variable, results: dict[str, Any]) -> np.ndarray:
    """The nested dicts of a variable as (quarter, ...), by the names of the coordinates."""
    model, coords = engine.models[engine.scenarios[0]], engine.coords
    array = np.zeros([len(coords[dim]) for dim in ("quarter", *variable.dims)])
    codes = constraint_names(list(model.tool_groups))

    def place(dim: str, name: str, owner: str) -> int:
        if dim != "bin":
            return coords[dim].index(name)
        die = owner if owner in model.dies else model.products[owner].die
        return list(model.dies[die].bins).index(name)

    def fill(nest: Any, at: tuple[int, ...], owner: str) -> None:
        if len(at) == array.ndim:
            array[at] = codes.index(nest) if isinstance(nest, str) else nest
            return
        for name, inner in nest.items():
            fill(inner, (*at, place(variable.dims[len(at) - 1], name, owner)), name)

    assert list(results) == coords["quarter"]
    for number, quarter in enumerate(coords["quarter"]):
        fill(results[quarter][variable.name], (number,), "")
    return array


def check(engine: Simulator, got: dict[str, np.ndarray], realization: int) -> None:
    expected = twin_of(engine, realization)
    for variable in OUTPUTS:
        atol = 0.0 if variable.units in NOT_COUNTED else ATOL_COUNTED
        if variable.units == "day":
            atol = ATOL_DAYS
        np.testing.assert_allclose(
            got[variable.name][0, realization],
            as_array(engine, variable, expected),
            rtol=RTOL,
            atol=atol,
            err_msg=f"{variable.name} of realization {realization}",
        )


@pytest.mark.parametrize("realization", thinned(range(3), 3))
@pytest.mark.parametrize(("name", "scenario"), CASES)
def test_every_output_agrees_with_the_twin(name: str, scenario: str, realization: int) -> None:
    check(simulator(name, scenario), block(name, scenario), realization)


@pytest.mark.parametrize(("name", "scenario"), thinned(LIFTED, 3))
def test_models_without_a_limit_agree_with_the_twin(name: str, scenario: str) -> None:
    engine = simulator(name, scenario)
    got = engine.block(0, 1)
    check(engine, got, 0)
    # the limit mattered
    others = [part for part in scenario.split("+") if not part.startswith("no_limit:")]
    ordinary = "+".join(others) or "baseline"
    limited = block(name, ordinary)["packages_started"][:, :1]
    assert not np.array_equal(got["packages_started"], limited)


def test_lines_without_luck_agree_with_the_twin() -> None:
    """Random excursions are process noise: without it each wafer has the mean density."""
    engine = simulator("young_lines", "baseline", "simulation.process_noise=false")
    check(engine, engine.block(0, 1), 0)


# `make test` compares the baseline with the twin of its planner: tests/supply/planner
@pytest.mark.slow
def test_one_realization_of_the_baseline_by_the_shares_agrees_with_the_twin() -> None:
    engine = simulator("baseline", "baseline", "allocation.rule=shares")
    check(engine, engine.block(0, 1), 0)


@pytest.mark.slow
@pytest.mark.parametrize("scenario", ["baseline", "service_lost", "domestic_late", "memory_cut"])
def test_scenarios_of_the_baseline_agree_with_the_twin(scenario: str) -> None:
    engine = simulator("baseline", scenario)
    got = engine.block(0, 3)
    for realization in range(3):
        check(engine, got, realization)


def test_the_models_above_reach_every_constraint_and_every_output() -> None:
    """Agreement on zeros would show nothing."""
    met: set[str] = set()
    moved: set[str] = set()
    for name, scenario in CASES:
        engine, got = simulator(name, scenario), block(name, scenario)
        flags = engine.attrs["binding"]["flag_names"]
        met |= {flags[code] for code in np.unique(got["binding"])}
        moved |= {v.name for v in OUTPUTS if np.any(got[v.name] > 0.0)}
    tools = {name for name in met if name.startswith("tools: ")}
    assert tools
    assert met - tools == set(constraint_names([])) - {"mix"}  # the twin goes by the shares
    assert moved == {v.name for v in OUTPUTS}


def reference(name: str) -> Any:
    return json.loads((REFERENCE / f"{name}.json").read_text("utf-8"))


def test_the_twin_counts_the_reference_dies() -> None:
    """The twin reaches the figures of cases.md in a way of its own."""
    assert gross_dies(26.0, 33.0, 0.1, 147.0) == 64
    assert gross_dies(10.0, 10.0, 0.1, 147.0) == 616


@pytest.mark.parametrize(
    ("alpha", "least", "expected"),
    [
        (2.0, 32, 0.56320378472943338),
        (2.0, 30, 0.76121436654564829),
        (2.0, 25, 0.76879250265453403),
        (1e9, 30, 0.75011955384120537),
    ],
)
def test_the_twin_harvests_the_reference_cores(alpha: float, least: int, expected: float) -> None:
    exactly = good_cores(0.281, 0.012, 32, least, alpha)
    # alpha 1e9 is Poisson; float sums of at most eight terms
    assert sum(exactly.values()) == pytest.approx(expected, rel=4e-15)


@pytest.mark.parametrize("expected", [0.01, 0.6, 4.0, 9.9])
def test_the_twin_counts_failures_as_the_poisson(expected: float) -> None:
    luck = (np.arange(400) + 0.5) / 400
    counts = [failures(expected, u) for u in luck]
    assert counts == stats.poisson.ppf(luck, expected).tolist()


@pytest.mark.parametrize("expected", [10.1, 30.1, 90.0, 700.0])
def test_the_expansion_for_many_failures_is_at_most_one_failure_off(expected: float) -> None:
    assert expected > EXACT_UP_TO
    luck = (np.arange(400) + 0.5) / 400
    counts = np.array([failures(expected, u) for u in luck])
    off = counts - stats.poisson.ppf(luck, expected)
    assert np.abs(off).max() <= 1.0
    assert np.mean(off != 0.0) < 0.02


@pytest.mark.parametrize(
    ("tools", "mttf", "mttr", "cv2"),
    [(1, 300.0, 40.0, 0.0), (4, 60.0, 10.0, 1.0), (9, 50.0, 9.0, 2.0)],
)
def test_hours_down_of_the_twin_have_the_moments_of_alternating_renewal(
    tools: int, mttf: float, mttr: float, cv2: float
) -> None:
    hours, count = 168.0, 120
    grid = (np.arange(count) + 0.5) / count  # luck without chance: a product rule
    down = np.array([down_hours(tools, hours, mttf, mttr, cv2, (u, v)) for u in grid for v in grid])
    expected = tools * hours / (mttf + mttr)
    up = mttf / (mttf + mttr)
    # the gamma is that of Wilson and Hilferty, and the grid cuts the tails: 2 % and 5 %
    assert down.mean() == pytest.approx(expected * mttr, rel=0.02)
    assert down.var() == pytest.approx(up**2 * expected * mttr**2 * (1.0 + cv2), rel=0.05)
