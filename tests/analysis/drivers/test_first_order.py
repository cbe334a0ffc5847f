"""Given-data indices against closed forms: Ishigami, Sobol's g, linear Gaussians, ANOVA."""

import math

import numpy as np
import pytest
from scipy.stats import f_oneway, norm

from yieldsim.analysis.drivers.classes import class_count, class_edges
from yieldsim.analysis.drivers.first_order import (
    DUMMIES,
    FALSE_RATE,
    FirstOrder,
    Indices,
    threshold,
)

INTERVAL_SD = 2.0 * norm.ppf(0.975)  # width of a 95 % interval in standard errors


def estimate(inputs: np.ndarray, figures: np.ndarray, classes: int = 0) -> list[Indices]:
    """Indices of the columns of ``inputs``."""
    count = classes or class_count(len(inputs))
    estimator = FirstOrder(figures.reshape(len(inputs), -1), count)
    return [
        estimator.estimate(np.searchsorted(class_edges(own, count), own, side="left"))
        for own in inputs.T
    ]


def check(found: Indices, exact: float) -> None:
    """The index is the exact one, of classes, within four standard errors."""
    error = (found.high[0] - found.low[0]) / INTERVAL_SD
    assert found.index[0] == pytest.approx(exact, abs=4.0 * error)


@pytest.mark.statistical
@pytest.mark.parametrize("n", [1_024, 8_000])
def test_ishigami(n: int) -> None:
    # Ishigami and Homma (1990) with a = 7 and b = 0.1; closed form as in Saltelli et al. (2008)
    a, b = 7.0, 0.1
    x = np.random.default_rng(1).uniform(-math.pi, math.pi, (n, 6))
    y = np.sin(x[:, 0]) + a * np.sin(x[:, 1]) ** 2 + b * x[:, 2] ** 4 * np.sin(x[:, 0])
    whole = 0.5 + a**2 / 8.0 + b * math.pi**4 / 5.0 + b**2 * math.pi**8 / 18.0
    first = (0.5 * (1.0 + b * math.pi**4 / 5.0) ** 2 / whole, a**2 / 8.0 / whole)
    found = estimate(x, y)
    # a sine of k periods over m equal classes keeps sinc^2(k / m) of its variance
    m = class_count(n)
    for own, exact, periods in zip(found, first, (1.0, 2.0, 0.0), strict=False):
        check(own, exact * np.sinc(periods / m) ** 2)
    limit = threshold(FirstOrder(y[:, None], m).dummies())[0]
    significant = [bool(own.index[0] > limit) for own in found]
    # the third acts in products alone: it changes the spread, for which dummies have no measure
    assert significant[:2] + significant[3:] == [True, True, False, False, False]
    # both rise and fall: the second has no slope at all, that of sin x is 6 / pi^2 of its variance
    assert found[0].trend[0] / found[0].index[0] == pytest.approx(6.0 / math.pi**2, abs=0.05)
    assert abs(found[1].trend[0]) < 0.01


@pytest.mark.statistical
def test_sobol_g() -> None:
    # g = prod (|4 x - 2| + a) / (1 + a): V_i = 1 / (3 (1 + a_i)^2) (Saltelli and Sobol' 1995)
    a = np.array([0.0, 1.0, 4.5, 9.0, 99.0])
    n = 20_000
    x = np.random.default_rng(2).random((n, len(a)))
    y = np.prod((np.abs(4.0 * x - 2.0) + a) / (1.0 + a), axis=1)
    parts = 1.0 / (3.0 * (1.0 + a) ** 2)
    whole = np.prod(1.0 + parts) - 1.0
    for own, part in zip(estimate(x, y), parts, strict=True):
        # |4 x - 2| is linear over either half: m / 2 classes lose (2 / m)^2 of its variance
        check(own, part / whole * (1.0 - (2.0 / class_count(n)) ** 2))


@pytest.mark.statistical
@pytest.mark.parametrize("rho", [0.0, 0.6])
def test_a_linear_gaussian_carries_its_partner(rho: float) -> None:
    # Y = 2 X1 + X2 + e: E[Y | X1] = (2 + rho) X1, E[Y | X2] = (1 + 2 rho) X2
    n = 20_000
    rng = np.random.default_rng(3)
    x1, other, e = rng.standard_normal((3, n))
    x2 = rho * x1 + math.sqrt(1.0 - rho**2) * other
    whole = 4.0 + 1.0 + 4.0 * rho + 1.0
    first, second = estimate(np.stack([x1, x2], axis=1), 2.0 * x1 + x2 + e)
    kept = normal_kept(class_count(n))
    check(first, kept * (2.0 + rho) ** 2 / whole)
    check(second, kept * (1.0 + 2.0 * rho) ** 2 / whole)
    assert first.trend[0] > 0.95 * first.index[0]


def normal_kept(classes: int) -> float:
    """The share of a normal input's variance between classes of equal probability."""
    density = norm.pdf(norm.ppf(np.arange(classes + 1) / classes))
    return float(classes * (np.diff(density) ** 2).sum())


@pytest.mark.statistical
def test_intervals_hold_the_index_as_often_as_they_say() -> None:
    runs, n, classes = 200, 300, 9
    rng = np.random.default_rng(4)
    held = 0
    for _ in range(runs):
        x, e = rng.standard_normal((2, n))
        (found,) = estimate(x[:, None], math.sqrt(0.3) * x + math.sqrt(0.7) * e, classes)
        held += found.low[0] <= 0.3 * normal_kept(classes) <= found.high[0]
    # four standard errors of a share of 200 runs
    assert held / runs == pytest.approx(0.95, abs=4.0 * math.sqrt(0.95 * 0.05 / runs))


@pytest.mark.statistical
def test_inert_inputs_are_significant_at_the_stated_rate() -> None:
    sets, inert, n = 8, 200, 128
    rng = np.random.default_rng(5)
    passed, total = 0, 0.0
    for _ in range(sets):
        y = np.exp(rng.standard_normal((n, 1)))  # a skewed figure
        count = class_count(n)
        estimator = FirstOrder(y, count)
        limit = threshold(estimator.dummies())[0]
        x = rng.random((inert, n))
        labels = [np.searchsorted(class_edges(own, count), own, side="left") for own in x]
        found = np.array([estimator.estimate(own).index[0] for own in labels])
        passed += (found > limit).sum()
        total += found.mean()
    # Inert inputs of one set share its threshold: given it, they pass at a rate of Beta(10, 990).
    rate = FALSE_RATE
    within = rate * (1.0 - rate) / (sets * inert)
    between = rate * (1.0 - rate) / (DUMMIES + 2) / sets
    assert passed / (sets * inert) == pytest.approx(rate, abs=4.0 * math.sqrt(within + between))
    # under exchange an inert index has the mean 0 and the sd sqrt(2 (classes - 1)) / n, about
    error = math.sqrt(2.0 * (count - 1)) / n / math.sqrt(sets * inert)
    assert total / sets == pytest.approx(0.0, abs=5.0 * error)


def test_an_input_of_few_values_is_an_analysis_of_variance() -> None:
    rng = np.random.default_rng(6)
    x = rng.choice([1.0, 2.0, 7.0], size=300, p=[0.2, 0.5, 0.3])
    y = x**2 + 8.0 * rng.standard_normal(300)
    (found,) = estimate(x[:, None], y)
    groups = [y[x == value] for value in (1.0, 2.0, 7.0)]
    # F = (B / (k - 1)) / (W / (n - k)); the corrected ratio: 1 - (n - 1) / (n - k) W / (B + W)
    ratio = f_oneway(*groups).statistic * (3 - 1) / (300 - 3)
    expected = 1.0 - 299.0 / 297.0 / (1.0 + ratio)
    assert found.index[0] == pytest.approx(expected, rel=1e-12)  # rounding of two formulas


def test_a_constant_input_has_no_index_and_no_interval() -> None:
    y = np.random.default_rng(7).random(100)
    (found,) = estimate(np.full((100, 1), 4.0), y)
    assert (found.index[0], found.low[0], found.high[0], found.trend[0]) == (0.0, 0.0, 0.0, 0.0)


def test_a_figure_that_does_not_vary_has_no_index() -> None:
    x = np.random.default_rng(8).random((100, 2))
    figures = np.stack([x[:, 0], np.full(100, 3.0)], axis=1)
    found = estimate(x, figures)[0]
    assert found.index[0] > 0.9
    assert np.isnan([found.index[1], found.low[1], found.high[1]]).all()


def test_scale_and_origin_of_a_figure_do_not_matter() -> None:
    x = np.random.default_rng(9).random((200, 1))
    y = x[:, 0] ** 2
    (first,), (second,) = estimate(x, y), estimate(x, 1e9 - 3e-3 * y)
    # figures near 1e9 with a spread of 1e-3 are rounded to 1e-7, 1e-4 of their spread
    assert second.index[0] == pytest.approx(first.index[0], abs=1e-3)
    assert np.sign(second.trend[0]) == -np.sign(first.trend[0])


def test_each_half_has_an_index_of_its_own() -> None:
    # groups of two realizations alternate between the halves: the figure follows x in one alone
    n = 100
    x = np.random.default_rng(10).random((n, 1))
    odd = np.arange(n) * 50 // n % 2 == 1
    y = np.where(odd, x[:, 0], np.random.default_rng(11).random(n))
    (found,) = estimate(x, y)
    assert found.half[0, 0] > 0.8
    assert found.half[1, 0] < 0.3
