"""Availability of small fleets against a simulation of machines that fail and are repaired."""

from functools import cache

import numpy as np
import pytest

from tests.examples import thinned
from tests.paths import VALID
from tests.supply.kernels.records_by_hand import parameters, table
from yieldsim.model.load import load_file
from yieldsim.model.schema import ToolClass
from yieldsim.supply.kernels.fleets.tools import rate_class
from yieldsim.supply.kernels.records import LANES, FleetState, GroupState, Scratch
from yieldsim.supply.simulate import Simulator
from yieldsim.units import DAYS_PER_QUARTER

pytestmark = pytest.mark.statistical

ONE_GROUP = VALID / "one_group.toml"
HOURS_PER_QUARTER = DAYS_PER_QUARTER * 24.0
SIGMAS = 4.0  # standard errors allowed; the seeds are fixed
MACHINES = 40_000
DRAWS = 20_000


@cache
def up_time(mttf: float, mttr: float, hours: float, cv2: float = 1.0) -> np.ndarray:
    """Share of a window in which each of many machines is up, event by event: exponential times
    to failure and gamma repairs. Exponential repairs start in the steady state, all others ten
    failures before the window."""
    rng = np.random.default_rng(8)
    early = 0.0 if cv2 == 1.0 else 10.0 * (mttf + mttr)
    up = rng.random(MACHINES) < mttf / (mttf + mttr)
    clock, worked = np.full(MACHINES, -early), np.zeros(MACHINES)
    while np.any(clock < hours):
        repair = np.full(MACHINES, mttr)
        if cv2 > 0.0:
            repair = rng.gamma(1.0 / cv2, cv2 * mttr, MACHINES)
        end = np.minimum(clock + np.where(up, rng.exponential(mttf, MACHINES), repair), hours)
        worked += np.maximum(0.0, end - np.maximum(clock, 0.0)) * up
        clock, up = end, ~up
    return worked / hours


def fleets(mttf: float, mttr: float, hours: float, tools: int, cv2: float = 1.0) -> np.ndarray:
    """Return the mean share of fleets of a given number of tools."""
    each = up_time(mttf, mttr, hours, cv2)
    return each[: MACHINES // tools * tools].reshape(-1, tools).mean(axis=1)


def drawn(mttf: float, mttr: float, hours: float, tools: int, cv2: float = 1.0) -> np.ndarray:
    """Shares that the kernel gives to fleets in a step without earlier repairs."""
    tool = parameters(ToolClass, mttf_hours=mttf, mttr_hours=mttr, repair_cv2=cv2)
    for ratio in (tool.initial_mttf_ratio, tool.initial_adder_ratio):
        ratio[:] = 1.0
    luck = np.random.default_rng(9).random((2, DRAWS)).reshape(2, -1, LANES)
    scratch = table(Scratch, mttf_ratio=1.0, mttr_ratio=1.0)
    shares = np.empty((DRAWS // LANES, LANES))
    for k, (failures, repairs) in enumerate(zip(*luck, strict=True)):
        scratch.failure_uniform[:], scratch.repair_uniform[:] = failures, repairs
        group, fleet = table(GroupState), table(FleetState)
        group.tools[0] = tools
        rate_class(True, hours, tool, 0, group, fleet, scratch, LANES)
        shares[k] = group.availability[0]
    return shares.ravel()


def exact_variance(mttf: float, mttr: float, hours: float, tools: int) -> float:
    """Variance of the time average of exponential on-off machines over a window."""
    up, tau = mttf / (mttf + mttr), mttf * mttr / (mttf + mttr)
    edge = 1.0 - tau / hours * (1.0 - np.exp(-hours / tau))
    return 2.0 * up * (1.0 - up) * tau / (tools * hours) * edge


CASES = [
    (150.0, 9.0, 168.5, 20),
    (90.0, 15.0, 168.5, 5),
    (60.0, 20.0, 168.5, 40),
    (300.0, 24.0, 2191.5, 2),
]


def spread_error(shares: np.ndarray) -> tuple[float, float]:
    """(variance, its standard error)."""
    spread = (shares - shares.mean()) ** 2
    return float(spread.mean()), float(spread.std() / shares.size**0.5)


@pytest.mark.parametrize(("mttf", "mttr", "hours", "tools"), CASES)
def test_the_events_have_the_mean_and_the_spread_of_theory(
    mttf: float, mttr: float, hours: float, tools: int
) -> None:
    shares = fleets(mttf, mttr, hours, tools)
    error = shares.std() / shares.size**0.5
    assert shares.mean() == pytest.approx(mttf / (mttf + mttr), abs=SIGMAS * error)
    variance, error = spread_error(shares)
    expected = exact_variance(mttf, mttr, hours, tools)
    assert variance == pytest.approx(expected, abs=SIGMAS * error)


@pytest.mark.parametrize(("mttf", "mttr", "hours", "tools"), CASES)
def test_the_kernel_has_the_mean_and_the_spread_of_the_events(
    mttf: float, mttr: float, hours: float, tools: int
) -> None:
    shares, events = drawn(mttf, mttr, hours, tools), fleets(mttf, mttr, hours, tools)
    error = np.hypot(shares.std() / DRAWS**0.5, events.std() / events.size**0.5)
    assert shares.mean() == pytest.approx(events.mean(), abs=SIGMAS * error)
    (one, error), (other, more) = spread_error(shares), spread_error(events)
    # the kernel leaves out the edge of the window, a part tau / T of the variance
    edge = mttf * mttr / (mttf + mttr) / hours * other
    assert one == pytest.approx(other + edge, abs=SIGMAS * np.hypot(error, more))


@pytest.mark.parametrize("cv2", thinned([2.0, 0.0, 0.5], 3))
@pytest.mark.parametrize(("mttf", "mttr", "tools"), [(90.0, 10.0, 1), (60.0, 20.0, 3)])
def test_repairs_of_any_spread_are_those_of_the_events(
    mttf: float, mttr: float, tools: int, cv2: float
) -> None:
    """Over windows of many failures, where edges matter little."""
    hours = 40.0 * (mttf + mttr)
    shares = drawn(mttf, mttr, hours, tools, cv2)
    events = fleets(mttf, mttr, hours, tools, cv2)
    error = np.hypot(shares.std() / DRAWS**0.5, events.std() / events.size**0.5)
    # the windows start in the steady state, up to the error of ten failures
    assert shares.mean() == pytest.approx(events.mean(), abs=SIGMAS * error)
    (one, error), (other, more) = spread_error(shares), spread_error(events)
    # edges: a part of the order of (1 + cr2) tau / T of the variance, 0.5 to 1.5 %
    edge = (1.0 + cv2) / 2.0 * mttf * mttr / (mttf + mttr) / hours * other
    assert one == pytest.approx(other, abs=SIGMAS * np.hypot(error, more) + 2.0 * edge)


def test_availability_through_the_whole_engine_is_that_of_the_events() -> None:
    """Through the whole engine: two tools over quarters of one step."""
    changes = ["simulation.process_noise=true", "simulation.steps_per_quarter=1"]
    changes.append('simulation.outputs=["tool_availability"]')
    file = load_file(ONE_GROUP).with_changes(changes)
    found = Simulator(file, ["baseline"], 4).block(0, 3000)["tool_availability"]
    by_quarter = found[0, :, :, 0, 0, 0].astype(float)
    shares = by_quarter.ravel()
    events = fleets(90.0, 10.0, HOURS_PER_QUARTER, 2)
    error = np.hypot(shares.std() / shares.size**0.5, events.std() / events.size**0.5)
    assert shares.mean() == pytest.approx(events.mean(), abs=SIGMAS * error)
    # normal by a good hundred failures: relative errors of the standard deviations
    error = np.hypot((2 * shares.size) ** -0.5, (2 * events.size) ** -0.5)
    tau = 9.0
    assert shares.std() / events.std() == pytest.approx(
        1.0, abs=SIGMAS * error + tau / HOURS_PER_QUARTER
    )
    apart = np.corrcoef(by_quarter.T)[np.triu_indices(4, 1)]
    assert np.all(np.abs(apart) < SIGMAS / 3000**0.5)


def test_classes_of_a_group_have_luck_of_their_own() -> None:
    """Imported and domestic tools of the same kind."""
    changes = ["simulation.process_noise=true", "simulation.steps_per_quarter=1"]
    changes += ['simulation.outputs=["tool_availability"]']
    changes += ["fabs.line.fleets.litho.domestic={count=2}"]
    file = load_file(ONE_GROUP).with_changes(changes)
    found = Simulator(file, ["baseline"], 4).block(0, 2000)["tool_availability"]
    one, other = found[0, :, :, 0, 0, 0].ravel(), found[0, :, :, 0, 0, 1].ravel()
    error = (2 * one.size) ** -0.5
    assert one.std() / other.std() == pytest.approx(1.0, abs=SIGMAS * 2**0.5 * error)
    assert abs(np.corrcoef(one, other)[0, 1]) < SIGMAS / one.size**0.5
