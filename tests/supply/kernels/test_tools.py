"""Tool fleets: whole tools in production, and the hours of their repairs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tests.supply.kernels.records_by_hand import FORMS, form_of, parameters, table
from yieldsim.kernels.inverse import gamma_wilson_hilferty, normal_ppf, poisson_ppf_within_one
from yieldsim.model.schema import ToolClass
from yieldsim.supply.kernels.fleets import repairs
from yieldsim.supply.kernels.fleets import tools as fleets
from yieldsim.supply.kernels.records import LANES, FleetState, GroupState, Scratch

ROUNDING = 64 * np.finfo(float).eps
SIGMAS = 4.0  # standard errors allowed; the seeds are fixed


# ---- how many tools


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("delay", "step", "stop", "tools"),
    [
        (0.0, 0, np.inf, 1.2),
        (0.0, 2, np.inf, 4.5),
        (0.0, 3, np.inf, 8.0),
        (0.5, 3, np.inf, 6.25),  # halfway between 4.5 and 8
        (1.0, 3, np.inf, 4.5),
        (1.75, 3, np.inf, 2.925),  # a quarter of the way from 2.4 to 4.5
        (7.0, 3, np.inf, 1.2),  # flat before the curve's start
        (0.0, 3, 1.0, 2.4),  # deliveries stopped
        (2.0, 3, 2.0, 2.4),  # ordered and delivered before the stop, installed after it
        (0.0, 3, -9.0, 1.2),
    ],
)
def test_tools_arrive_late(form: str, delay: float, step: int, stop: float, tools: float) -> None:
    curve, arrived = np.array([1.2, 2.4, 4.5, 8.0]), form_of(fleets.delivered, form)
    # the curve itself; halfway between half and one and a half of it; twice a quarter of it
    for low, high, position, scale in ((1, 3, 0.0, 1.0), (0.5, 1.5, 0.5, 1.0), (0, 2, 0.25, 2.0)):
        series = {"position": [[position]], "scale": [[scale]], "factor": [[-1.0]]}
        drawn = table(("position", "scale", "factor"), 1, **series)
        lows, highs = (low * curve)[None], (high * curve)[None]
        scratch = table(Scratch, delay_steps=delay)
        arrived(lows, highs, drawn, 0, step, stop, scratch, 3)
        assert scratch["arrived"][:3] == pytest.approx(tools, rel=ROUNDING)


@pytest.mark.parametrize("form", FORMS)
def test_tools_in_production_are_whole(form: str) -> None:
    whole = form_of(fleets.in_production, form)
    arrived = (0.0, 0.49, 0.5, 4.49, 4.5, 5.0)
    assert [whole(x, 0.0, 1.0) for x in arrived] == [0, 0, 1, 4, 5, 5]
    assert whole(9.6, 4.0, 1.0) == 6
    assert whole(3.0, 5.0, 1.0) == 0  # no more can be retired than arrived
    # half of eight tools; half of five are two and a half, which rounds up
    assert [whole(x, 2.0, 0.5) for x in (10.0, 7.0)] == [4, 3]
    assert whole(100.0, 0.0, 0.0) == 0


@given(
    st.floats(0.0, 500.0),
    st.lists(st.floats(0.0, 500.0), min_size=2, max_size=2),
    st.lists(st.floats(0.0, 1.0), min_size=2, max_size=2),
)
def test_fewer_are_left_of_more_retired_or_lost(
    arrived: float, retired: list[float], kept: list[float]
) -> None:
    few, many = sorted(retired)
    part, more = sorted(kept)
    assert fleets.in_production(arrived, many, part) <= fleets.in_production(arrived, few, part)
    assert fleets.in_production(arrived, few, part) <= fleets.in_production(arrived, few, more)


# ---- repairs


def repair_hours(
    form: str, failures: float, mttf: float, mttr: float, cv2: float, u: np.ndarray, v: np.ndarray
) -> np.ndarray:
    """Hours that a step adds for each pair of uniforms, one lane each."""
    scratch = table(Scratch, failures_expected=failures, mttr_hours=mttr)
    scratch.mean_uptime[:] = mttf / (mttf + mttr)
    hours = np.empty(len(u))
    for first in range(0, len(u), LANES):
        n = min(LANES, len(u) - first)
        scratch.failure_uniform[:n] = u[first : first + n]
        scratch.repair_uniform[:n] = v[first : first + n]
        form_of(repairs.draw_repairs, form)(np.full(LANES, cv2), scratch, n)
        hours[first : first + n] = scratch.new_repair_hours[:n]
    return hours


@pytest.mark.parametrize("form", FORMS)
def test_repair_hours_follow_their_formula(form: str) -> None:
    mttf, mttr, failures = 90.0, 10.0, 2.0
    u, v = np.array([(0.05, 0.5), (0.3, 0.1), (0.6, 0.9), (0.999, 0.7)]).T
    for cv2 in (0.0, 0.5, 1.0):
        got = repair_hours(form, failures, mttf, mttr, cv2, u, v)
        for hours, count, u2 in zip(got, stats.poisson.ppf(u, failures), v, strict=True):
            each = gamma_wilson_hilferty(normal_ppf(u2), count / cv2) if count and cv2 else 1.0
            expected = 20.0 + 0.9 * (count * 10.0 * each - 20.0)
            assert hours == pytest.approx(expected, rel=ROUNDING)
    # without a failure what is left of the mean is the part of the time in which none can fail
    none = repair_hours(form, failures, mttf, mttr, 1.0, np.array([1e-9]), np.array([0.5]))
    assert none == pytest.approx(2.0, rel=ROUNDING)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("n", [1, 7, LANES])
def test_failures_are_poisson_quantiles_in_each_lane(form: str, n: int) -> None:
    """Lanes with few and with many failures expected, side by side, and lanes without any."""
    rng = np.random.default_rng(n)
    scratch = table(Scratch)
    for _ in range(200):
        means = 10.0 ** rng.uniform(-3.0, 2.5, n) * (rng.random(n) < 0.9)
        scratch.failures_expected[:n], scratch.failure_uniform[:n] = means, rng.random(n)
        form_of(repairs.count_failures, form)(scratch, n)
        uniforms = scratch.failure_uniform[:n]
        expected = [poisson_ppf_within_one(u, m) for u, m in zip(uniforms, means, strict=True)]
        assert scratch.failures[:n].tolist() == expected


N = 100_000
CASES = [(0.1, 1.0), (0.7, 0.0), (0.7, 2.0), (3.0, 0.0), (3.0, 1.0), (9.0, 2.0), (40.0, 1.0)]


@pytest.mark.statistical
@pytest.mark.parametrize(("failures", "cv2"), [*CASES, (40.0, 0.0), (40.0, 2.0)])
def test_repairs_have_the_mean_and_spread_of_alternating_renewal(
    failures: float, cv2: float
) -> None:
    """Over uniforms of a fixed seed: mean lambda MTTR, variance A^2 lambda MTTR^2 (1 + cr2)."""
    mttf, mttr = 80.0, 20.0
    draws = np.random.default_rng(5).random((N, 2))
    hours = repair_hours("compiled", failures, mttf, mttr, cv2, *draws.T)
    assert hours.min() >= 0.0
    # the gamma law below a shape of one has another mean: 0.14 % at 0.5, where one tool fails once
    bias = 0.0014 if cv2 > 1.0 else 2e-5
    error = hours.std() / N**0.5
    assert hours.mean() == pytest.approx(failures * mttr, abs=SIGMAS * error, rel=bias)
    variance = 0.8**2 * failures * mttr**2 * (1.0 + cv2)
    spread = (hours - failures * mttr) ** 2
    error = spread.std() / N**0.5
    # the expansion of the Poisson quantile adds 0.35 % at 40, the gamma law 0.25 % at 0.7 and 2
    assert spread.mean() == pytest.approx(variance, abs=SIGMAS * error + 0.005 * variance)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("cv2", [0.0, 1.0, 2.0])
def test_repairs_that_do_not_fit_into_a_step_are_carried(form: str, cv2: float) -> None:
    """Two tools whose repairs last five steps: hours are lost later, and none is forgotten."""
    tools, hours, mttf, mttr = 2.0, 10.0, 60.0, 50.0
    rng = np.random.default_rng(3)
    tool = parameters(ToolClass, mttf_hours=mttf, mttr_hours=mttr, repair_cv2=cv2)
    for name in ("initial_mttf_ratio", "initial_adder_ratio", "maturity_kpasses"):
        tool[name][...] = 1.0
    group, fleet = table(GroupState), table(FleetState)
    scratch = table(Scratch, mttf_ratio=1.0, mttr_ratio=1.0, adder_ratio=1.0, overlay_ratio=1.0)
    group.tools[0] = tools
    expected = lost = down = 0.0
    for _ in range(300):
        u, v = rng.random(2)
        scratch.failure_uniform[0], scratch.repair_uniform[0] = u, v
        failures = tools * hours / (mttf + mttr)
        one = np.array([u]), np.array([v])
        brought = float(repair_hours(form, failures, mttf, mttr, cv2, *one)[0])
        stock = expected + brought - lost
        expected += brought
        form_of(fleets.rate_class, form)(True, hours, tool, 0, group, fleet, scratch, 1)
        now = (1.0 - group.availability[0, 0]) * tools * hours
        assert now == pytest.approx(min(stock, tools * hours), abs=1e-9)  # a sum of 300 terms
        lost += now
        down += now > 0.999 * tools * hours
    assert lost + fleet.repair_hours[0] == pytest.approx(expected, rel=300 * ROUNDING)
    assert down > 30  # there was more than fits


def test_repairs_wait_while_their_tools_are_lost() -> None:
    fleet, group = table(FleetState, repair_hours=12.5), table(GroupState)
    tool = parameters(ToolClass, mttf_hours=60.0, mttr_hours=50.0, maturity_kpasses=1.0)
    fleets.rate_class(True, 10.0, tool, 0, group, fleet, table(Scratch), 1)
    assert fleet.repair_hours[0] == 12.5
    assert group.possible_passes[0] == 0.0
