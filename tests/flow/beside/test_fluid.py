"""The line model against the event simulator: wafers out by quarter, two lines, three plans.

The line model is not fitted to any plan that is scored (see benchmarks/fluid_cases.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from tests.scripts import script
from yieldsim.flow.beside.fab_steps import fab_steps

# Limits on the errors of a quarter's outs, all processes of a line together.
MEAN, LARGEST = 0.02, 0.06
REPLICATIONS = 2


@pytest.fixture(scope="module")
def fc() -> Iterator[ModuleType]:
    with script("benchmarks", "fluid_cases") as module:
        yield module


@pytest.fixture(scope="module")
def calibrated(fc: ModuleType) -> Any:
    return fc.calibrated() if fc.HVLM.is_dir() else None


@pytest.mark.slow
@pytest.mark.statistical
@pytest.mark.parametrize(
    ("name", "plan"),
    [
        ("hvlm", "ramp"),
        ("hvlm", "overload"),
        ("hvlm", "all"),
        ("mixed fleet", "ramp"),
        ("mixed fleet", "overload"),
        ("mixed fleet", "all"),
    ],
)
def test_outs_by_quarter(fc: ModuleType, calibrated: Any, name: str, plan: str) -> None:
    if name == "hvlm" and calibrated is None:
        pytest.skip("the public data set is not here (shared/data/smt2020/hvlm)")
    case = next(case for case in fc.cases(plan, calibrated) if case.name == name)
    planned, _, outs = fc.fluid_outs(case)
    due, _, event_outs = fc.event_outs(case, REPLICATIONS)
    # Lots are whole: up to one per process and quarter.
    assert due.sum(axis=1) == pytest.approx(planned.sum(axis=1), abs=100.0)
    error = np.abs(fc.errors(outs, event_outs))
    assert error.mean() <= MEAN
    assert error.max() <= LARGEST


def test_the_cases_are_overloaded_where_they_say_so(fc: ModuleType) -> None:
    """Without overload the WIP cap, the tool loss and the grants would not be tested."""
    for plan, lost in fc.LOST.items():
        case = fc.cases(plan, None)[-1]
        steps = fab_steps(case.file.model(), case.fab)
        scanners = next(fleet for fleet in steps.fleets if fleet.group == "arf_immersion")
        left = scanners.count[-1] / scanners.count[0]
        assert left == pytest.approx(1.0 - lost, abs=0.02)
        ratio = {
            name: steps.cap[name] / np.maximum(planned, 1e-9)
            for name, planned in steps.planned.items()
        }
        shortest = [float(own.min() / own.max()) for own in ratio.values()]
        assert (max(shortest) < 0.95) == (plan != "ramp")
        if lost > 0.0:
            allowed = fc.PLANS[plan][-1] * max(float(own[-1] / own.max()) for own in ratio.values())
            # scanners are whole, and one of those left makes no more than this
            one = fc.AFTER_LOSS / scanners.count[-1]
            assert allowed == pytest.approx(fc.AFTER_LOSS, abs=0.5 * one)
