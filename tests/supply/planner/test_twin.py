"""The planner against its executable specification, with every output of whole realizations."""

import numpy as np
import pytest

from tests.examples import thinned
from tests.supply.test_twin import check, simulator

PLANNER = "allocation.rule=planner"
PACED = 'memory.fast.lasts_until="2027Q2"'
CUT = (
    "products.handset.demand=1e6",
    "products.server.demand=1e5",
    "fabs.west.allocation.n2.big=0",
    "fabs.west.allocation.n2.phone=1",
)
CASES = [
    ("mix", "baseline", ()),
    ("mix", "baseline", (PACED, "memory.fast.lasts_slip_quarters=0.6")),
    ("mix", "baseline", (PACED, 'memory.fast.paced_from="2026Q3"')),
    ("mix", "baseline", ("allocation.worth=chips", "products.handset.demand=30000")),
    ("mix", "baseline", CUT),  # less than the share of phones, and a line that gets AI wafers late
    ("mix", "baseline", ("allocation.worth=bandwidth",)),
    ("mix", "baseline", ("simulation.no_limit=['packaging']", "simulation.steps_per_quarter=3")),
    ("mix", "baseline", ("simulation.no_limit=['demand']", "processes.n2.raw_process_days=20")),
    ("two_fabs", "baseline", ()),  # tools, waits, accidents and an overload
    ("two_fabs", "dirty", ()),
    ("layers", "baseline", ()),
    ("shocks", "opened_late", ()),
    ("tiers", "baseline", ()),
    ("pairing", "baseline", ()),
    ("pairing", "few_io", ()),
]


@pytest.mark.parametrize("realization", thinned(range(2), 2))
@pytest.mark.parametrize(("name", "scenario", "changes"), CASES)
def test_every_output_agrees_with_the_twin(
    name: str, scenario: str, changes: tuple[str, ...], realization: int
) -> None:
    engine = simulator(name, scenario, PLANNER, *changes)
    check(engine, engine.block(0, 2), realization)


# the twin takes half a second for each year
@pytest.mark.parametrize("end", ["2025Q4", pytest.param("2030Q4", marks=pytest.mark.slow)])
def test_one_realization_of_the_baseline_agrees_with_the_twin(end: str) -> None:
    changes = ("simulation.steps_per_quarter=3", f'simulation.end="{end}"')
    engine = simulator("baseline", "baseline", PLANNER, *changes)
    check(engine, engine.block(0, 1), 0)


def test_the_cases_differ_from_the_shares() -> None:
    """Agreement where nothing is planned would show nothing."""
    differ = 0
    for name, scenario, changes in CASES:
        planned = simulator(name, scenario, PLANNER, *changes).block(0, 1)
        shared = simulator(name, scenario, "allocation.rule=shares", *changes).block(0, 1)
        differ += not np.array_equal(planned["packages_started"], shared["packages_started"])
    assert differ >= len(CASES) - 2
