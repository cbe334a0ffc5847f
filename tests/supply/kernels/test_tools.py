"""Tool fleets: whole tools in production, what wears them, their repairs and their passes."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from yieldsim.kernels.inverse import gamma_wilson_hilferty, normal_ppf
from yieldsim.supply.kernels import records as a
from yieldsim.supply.kernels import tools as fleets

FORMS = ["compiled", "plain"]
ROUNDING = 64 * np.finfo(float).eps
SIGMAS = 4.0  # standard errors allowed; the seeds are fixed


def kernel(name: str, form: str) -> Any:
    function = getattr(fleets, name)
    return function if form == "compiled" else function.py_func


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
    curve, arrived = np.array([1.2, 2.4, 4.5, 8.0]), kernel("delivered", form)
    # as it is; halfway between half and one and a half of it; twice a quarter above none
    for low, high, position, scale in ((1, 3, 0.0, 1.0), (0.5, 1.5, 0.5, 1.0), (0, 2, 0.25, 2.0)):
        series = np.array([low * curve, high * curve])
        got = arrived(series, position, scale, delay, step, stop)
        assert got == pytest.approx(tools, rel=ROUNDING)


@pytest.mark.parametrize("form", FORMS)
def test_tools_in_production_are_whole(form: str) -> None:
    there = kernel("in_production", form)
    assert [there(x, 0.0, 1.0) for x in (0.0, 0.49, 0.5, 4.49, 4.5, 5.0)] == [0, 0, 1, 4, 5, 5]
    assert there(9.6, 4.0, 1.0) == 6
    assert there(3.0, 5.0, 1.0) == 0  # no more can be retired than arrived
    # of eight tools a half, of five two and a half, which rounds up; of any none
    assert [there(x, 2.0, 0.5) for x in (10.0, 7.0)] == [4, 3]
    assert there(100.0, 0.0, 0.0) == 0


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


WEAR = {  # kind, class; first step; factors of MTTF, MTTR and the part kept, in two lanes
    "spares": (a.SERVICE_LOSS, 0, 5.0, [[0.5, 0.25], [2.0, 3.0], [0.75, 0.5]]),
    "sanctions": (a.SERVICE_LOSS, 0, 5.0, [[0.5, 0.5], [1.5, 2.0], [1.0, 1.0]]),
    "quake": (a.TOOLS_LOST, a.BOTH_CLASSES, 3.0, [[1.0, 1.0], [1.0, 1.0], [0.5, 0.0]]),
    "stop": (a.DELIVERIES_STOP, 0, 7.0, [[9.0, 9.0]] * 3),
    "sooner": (a.DELIVERIES_STOP, 0, 4.0, [[9.0, 9.0]] * 3),
    "own": (a.TOOL_QUALIFIED, 1, 6.0, [[9.0, 9.0]] * 3),
    "later": (a.TOOL_QUALIFIED, 1, 8.0, [[9.0, 9.0]] * 3),
    "fire": (a.ACCIDENT, a.BOTH_CLASSES, 2.0, [[0.1, 0.1]] * 3),  # of the fab, not of its tools
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("hit", "tool_class", "dates", "expected"),
    [
        (WEAR, 0, (3.0, -np.inf), [[0.25, 0.125], [3.0, 6.0], [0.375, 0.0]]),
        (WEAR, 1, (np.inf, 8.0), [[1.0, 1.0], [1.0, 1.0], [0.5, 0.0]]),
        (("spares", "stop"), 0, (6.0, -np.inf), WEAR["spares"][3]),
        (("own",), 1, (np.inf, 6.0), [[1.0, 1.0]] * 3),
        ((), 0, (np.inf, -np.inf), [[1.0, 1.0]] * 3),
    ],
)
def test_events_wear_the_tools_that_they_hit(
    form: str, hit: Any, tool_class: int, dates: tuple[float, float], expected: list[list[float]]
) -> None:
    events = np.array([[kind, of] for kind, of, _, _ in WEAR.values()])
    steps = np.array([[start, np.inf] for _, _, start, _ in WEAR.values()])
    factors = np.array([each for *_, each in WEAR.values()])
    lane = np.full((a.LANE_FIELDS, 2), 7.0)
    hits = np.array([int(name in hit) for name in WEAR])
    assert kernel("wear", form)(events, steps, hits, factors, tool_class, lane, 2) == dates
    got = lane[[a.UPTIME_RATIO, a.REPAIR_RATIO, a.KEPT]]
    np.testing.assert_allclose(got, expected, rtol=ROUNDING)


# ---- repairs


@pytest.mark.parametrize("form", FORMS)
def test_repair_hours_by_hand(form: str) -> None:
    repair, mttf, mttr, failures = kernel("repair_hours", form), 90.0, 10.0, 2.0
    for u1, u2 in [(0.05, 0.5), (0.3, 0.1), (0.6, 0.9), (0.999, 0.7)]:
        count = stats.poisson.ppf(u1, failures)
        for cv2 in (0.0, 0.5, 1.0):
            each = gamma_wilson_hilferty(normal_ppf(u2), count / cv2) if count and cv2 else 1.0
            expected = 20.0 + 0.9 * (count * 10.0 * each - 20.0)
            got = repair(failures, mttf, mttr, cv2, u1, u2)
            assert got == pytest.approx(expected, rel=ROUNDING)
    # without a failure what is left of the mean is the part of the time in which none can fail
    assert repair(failures, mttf, mttr, 1.0, 1e-9, 0.5) == pytest.approx(2.0, rel=ROUNDING)


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
    hours = np.array([fleets.repair_hours(failures, mttf, mttr, cv2, u, v) for u, v in draws])
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


# ---- the passes of a class


def tool_of(lanes: int = 1, **values: float) -> np.ndarray:
    """Parameters of a class in all lanes: those given, and neutral ones."""
    neutral = {
        "RATE": 10.0,
        "PERFORMANCE": 1.0,
        "MTTF": 90.0,
        "MTTR": 10.0,
        "PM": 0.0,
        "ADDER": 1.0,
        "OVERLAY_SIGMA": 0.0,
        "INITIAL_ADDER": 1.0,
        "INITIAL_MTTF": 1.0,
        "MATURITY": 1.0,
        "REPAIR_CV2": 1.0,
        "ENGINEERING_TIME": 0.0,
        "NONSCHEDULED": 0.0,
    }
    made = np.empty((13, lanes))
    for name, value in {**neutral, **values}.items():
        made[getattr(a, name)] = value
    return made


class Group:
    """Working arrays of a group, with so many tools of each class."""

    def __init__(self, *tools: float, lanes: int = 1) -> None:
        self.all = np.zeros((a.GROUP_FIELDS, 2, lanes))  # the second of two groups
        self.row = self.all[:, 1]
        self.row[a.TOOLS : a.TOOLS + len(tools)] = np.array(tools)[:, None]
        self.lane = np.ones((a.LANE_FIELDS, lanes))
        self.repairs, self.kpasses = np.zeros((2, lanes)), np.zeros((2, lanes))
        self.lanes = lanes

    def rate(
        self, tool: np.ndarray, hours: float, c: int = 0, noise: bool = False, form: str = FORMS[0]
    ) -> None:
        kpasses, repairs = self.kpasses[c], self.repairs[c]
        rate = kernel("rate_class", form)
        rate(noise, hours, tool, c, self.all, 1, kpasses, repairs, self.lane, self.lanes)


@pytest.mark.parametrize("form", FORMS)
def test_a_class_adds_its_passes_to_its_group(form: str) -> None:
    group = Group(4.0, 10.0)
    imported = tool_of(PERFORMANCE=0.8, PM=0.1, ENGINEERING_TIME=0.2, NONSCHEDULED=0.5)
    group.rate(imported, 100.0, 0, form=form)
    group.rate(tool_of(RATE=5.0, MTTR=30.0, REPAIR_CV2=3.0, ADDER=2.0), 100.0, 1, form=form)
    row = group.row[:, 0]
    # 3200 passes at 0.9 up and 0.5 x 0.9 x 0.8 scheduled, 5000 at 0.75
    assert row[a.CALM] == pytest.approx(3200 * 0.9 * 0.36 + 5000 * 0.75, rel=ROUNDING)
    assert row[a.PASSES] == row[a.CALM]  # no luck is drawn
    assert row[a.PURE] == pytest.approx(8200, rel=ROUNDING)
    assert row[a.COUNT] == 14
    # means by rate once all classes are in
    assert row[a.REPAIR] == pytest.approx(3200 * 10 + 5000 * 30, rel=ROUNDING)
    assert row[a.REPAIR_SPREAD] == pytest.approx(3200 * 1 + 5000 * 3, rel=ROUNDING)
    shares = row[a.SHARE : a.SHARE + 2]
    np.testing.assert_allclose(shares, [3200 * 0.324, 5000 * 0.75], rtol=ROUNDING)
    np.testing.assert_allclose(row[a.UP : a.UP + 2], [0.324, 0.75], rtol=ROUNDING)
    np.testing.assert_array_equal(row[a.ADDER_NOW : a.ADDER_NOW + 2], [1.0, 2.0])


@pytest.mark.parametrize("form", FORMS)
def test_events_and_youth_change_a_class(form: str) -> None:
    group = Group(2.0)
    group.lane[a.UPTIME_RATIO], group.lane[a.REPAIR_RATIO] = 0.5, 3.0
    group.kpasses[0] = 4.0
    young = np.exp(-4.0 / 8.0)
    group.rate(tool_of(INITIAL_MTTF=0.6, INITIAL_ADDER=3.0, MATURITY=8.0), 50.0, form=form)
    mttf = 45.0 * (1.0 - 0.4 * young)
    assert group.row[a.UP, 0] == pytest.approx(mttf / (mttf + 30.0), rel=ROUNDING)
    assert group.row[a.ADDER_NOW, 0] == pytest.approx(1.0 + 2.0 * young, rel=ROUNDING)
    assert group.row[a.REPAIR, 0] == pytest.approx(1000.0 * 30.0, rel=ROUNDING)


@pytest.mark.parametrize("form", FORMS)
def test_no_tools_make_no_passes_and_keep_their_repairs(form: str) -> None:
    group = Group(0.0)
    group.repairs[0], before = 12.5, group.row.copy()
    group.rate(tool_of(), 100.0, noise=True, form=form)
    np.testing.assert_array_equal(group.row, before)
    assert group.repairs[0] == 12.5


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("cv2", [0.0, 1.0, 2.0])
def test_repairs_that_do_not_fit_into_a_step_are_carried(form: str, cv2: float) -> None:
    """Two tools whose repairs last five steps: hours are lost later, and none is forgotten."""
    tools, hours, mttf, mttr = 2.0, 10.0, 60.0, 50.0
    rng = np.random.default_rng(3)
    group, tool = Group(tools), tool_of(MTTF=mttf, MTTR=mttr, REPAIR_CV2=cv2)
    expected = lost = down = 0.0
    for _ in range(300):
        group.lane[a.LUCK], group.lane[a.LUCK + 1] = rng.random(2)
        brought = fleets.repair_hours(
            tools * hours / (mttf + mttr), mttf, mttr, cv2, *group.lane[a.LUCK : a.LUCK + 2, 0]
        )
        stock = expected + brought - lost
        expected += brought
        group.rate(tool, hours, noise=True, form=form)
        now = (1.0 - group.row[a.UP, 0]) * tools * hours
        assert now == pytest.approx(min(stock, tools * hours), abs=1e-9)  # a sum of 300 terms
        lost += now
        down += now > 0.999 * tools * hours
    assert lost + group.repairs[0, 0] == pytest.approx(expected, rel=300 * ROUNDING)
    assert down > 30  # there was more than fits
