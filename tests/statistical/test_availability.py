"""Availability of small fleets against a simulation of machines that fail and are repaired."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from scipy.special import ndtr

from yieldsim.kernels.capacity import noisy_availability
from yieldsim.model.load import load_file
from yieldsim.simulate import Simulator
from yieldsim.units import DAYS_PER_QUARTER

pytestmark = pytest.mark.statistical

ONE_GROUP = Path(__file__).resolve().parents[1] / "models" / "valid" / "one_group.toml"
HOURS_PER_QUARTER = DAYS_PER_QUARTER * 24.0
SIGMAS = 4.0  # standard errors allowed; the seeds are fixed
MACHINES = 40_000


@cache
def up_time(mttf: float, mttr: float, hours: float) -> np.ndarray:
    """Share of a window that each of many machines is up: alternating exponential times, events
    played one by one from a state of the long run."""
    rng = np.random.default_rng(8)
    up = rng.random(MACHINES) < mttf / (mttf + mttr)
    clock, worked = np.zeros(MACHINES), np.zeros(MACHINES)
    while np.any(clock < hours):
        stay = rng.exponential(np.where(up, mttf, mttr))
        stay = np.minimum(stay, hours - clock)
        worked += stay * up
        clock += stay
        up = ~up
    return worked / hours


def fleets(mttf: float, mttr: float, hours: float, tools: int) -> np.ndarray:
    """Mean of the shares of fleets of so many tools."""
    each = up_time(mttf, mttr, hours)
    return each[: MACHINES // tools * tools].reshape(-1, tools).mean(axis=1)


def exact_variance(mttf: float, mttr: float, hours: float, tools: int) -> float:
    """Of the time average of exponential on-off machines, at any window."""
    up, tau = mttf / (mttf + mttr), mttf * mttr / (mttf + mttr)
    edge = 1.0 - tau / hours * (1.0 - np.exp(-hours / tau))
    return 2.0 * up * (1.0 - up) * tau / (tools * hours) * edge


CASES = [
    (150.0, 9.0, 168.5, 20),
    (90.0, 15.0, 168.5, 5),
    (60.0, 20.0, 168.5, 40),
    (300.0, 24.0, 2191.5, 2),
]


@pytest.mark.parametrize(("mttf", "mttr", "hours", "tools"), CASES)
def test_the_theory_is_that_of_the_events(
    mttf: float, mttr: float, hours: float, tools: int
) -> None:
    shares = fleets(mttf, mttr, hours, tools)
    error = shares.std() / shares.size**0.5
    assert shares.mean() == pytest.approx(mttf / (mttf + mttr), abs=SIGMAS * error)
    spread = (shares - shares.mean()) ** 2
    error = spread.std() / shares.size**0.5
    expected = exact_variance(mttf, mttr, hours, tools)
    assert spread.mean() == pytest.approx(expected, abs=SIGMAS * error)


@pytest.mark.parametrize(("mttf", "mttr", "hours", "tools"), CASES)
def test_the_kernel_has_the_mean_and_the_spread_of_the_events(
    mttf: float, mttr: float, hours: float, tools: int
) -> None:
    up, tau = mttf / (mttf + mttr), mttf * mttr / (mttf + mttr)
    luck = (np.arange(20_000) + 0.5) / 20_000
    drawn = np.array([noisy_availability(up, mttf, mttr, float(tools), hours, u) for u in luck])
    events = fleets(mttf, mttr, hours, tools)
    spread = exact_variance(mttf, mttr, hours, tools)
    error = SIGMAS * (spread / events.size) ** 0.5
    # where the normal is cut at one, it loses a part of the upper half of its spread
    cut = spread**0.5 * (1.0 - ndtr((1.0 - up) / spread**0.5))
    assert drawn.mean() == pytest.approx(events.mean(), abs=error + cut)
    # the kernel leaves out the edge of the window, a part tau / T of the variance
    assert drawn.std() == pytest.approx(events.std(), rel=tau / hours + 0.03)


def test_a_lines_tools_are_available_as_the_events_say() -> None:
    """Through the whole engine: two tools over quarters of one step."""
    changes = ["simulation.process_noise=true", "simulation.steps_per_quarter=1"]
    file = load_file(ONE_GROUP).with_changes(changes)
    use = Simulator(file, ["baseline"], 4).block(0, 3000)["utilization"][0, :, :, 0, 0]
    shares = (30_000.0 / (2 * 10 * HOURS_PER_QUARTER) / use).ravel()
    events = fleets(90.0, 10.0, HOURS_PER_QUARTER, 2)
    error = np.hypot(shares.std() / shares.size**0.5, events.std() / events.size**0.5)
    assert shares.mean() == pytest.approx(events.mean(), abs=SIGMAS * error)
    # normal by a good thousand failures: relative errors of the standard deviations
    error = np.hypot((2 * shares.size) ** -0.5, (2 * events.size) ** -0.5)
    tau = 9.0
    assert shares.std() / events.std() == pytest.approx(
        1.0, abs=SIGMAS * error + tau / HOURS_PER_QUARTER
    )
    apart = np.corrcoef(shares.reshape(-1, 4).T)[np.triu_indices(4, 1)]
    assert np.all(np.abs(apart) < SIGMAS / 3000**0.5)
