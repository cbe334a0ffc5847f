"""The parts of the intervals against closed forms, and against draws."""

import numpy as np
import pytest
from scipy.stats import binom, nbinom, poisson

from yieldsim.wafer.fit.intervals.estimate import binomial_interval, combined, count_factors
from yieldsim.wafer.fit.intervals.likelihood import likelihood_surface
from yieldsim.wafer.fit.law import DieLaw, Places, uneven
from yieldsim.wafer.fit.moments import pass_chance


@pytest.mark.parametrize(("part", "whole"), [(0, 50), (1, 7440), (40, 100), (50, 50)])
def test_exact_interval_of_a_share(part, whole):
    """At each end of the interval, a count this far out or farther has a probability of 2.5 %."""
    low, high = binomial_interval(part, whole, 0.95)
    if part:
        assert binom.sf(part - 1, whole, low) == pytest.approx(0.025)
    else:
        assert low == 0.0
    if part < whole:
        assert binom.cdf(part, whole, high) == pytest.approx(0.025)
    else:
        assert high == 1.0


@pytest.mark.parametrize("count", [0, 1, 12])
def test_exact_interval_of_a_count(count):
    low, high = (factor * (count or 1) for factor in count_factors(count, 0.95))
    assert poisson.cdf(count, high) == pytest.approx(0.025)
    assert low == 0.0 if count == 0 else poisson.sf(count - 1, low) == pytest.approx(0.025)


def test_independent_errors_add_in_square():
    got = combined(2.0, (0.5, 3.0), (0.5, 1.0), (1.0, 3.0))
    assert got.low == pytest.approx(2.0 * 0.5 ** np.sqrt(2.0))
    assert got.high == pytest.approx(2.0 * 3.0 ** np.sqrt(2.0))


def surface(fails, dies, rate, effect=1.0):
    def chance(x):
        p = np.clip(-np.expm1(-rate * np.exp(x)), 1e-300, 1.0 - 1e-12)
        return np.tile(p, (len(fails), 1))

    return likelihood_surface(np.array(fails), np.full(len(fails), dies), effect, chance)


def test_the_likelihood_of_few_fails_is_the_negative_binomial():
    """Wafers of a million dies: differences of the log likelihood by density and by spread."""
    fails, dies, rate = [3, 0, 7, 1, 12, 4], 1_000_000, 4.5e-6
    got = surface(fails, dies, rate)
    top = nbinom_top = None
    for k in (6, 14, 22):
        alpha = 1.0 / got.spreads[k]
        x = got.peak[k] + np.array([0.0, 0.4, -0.3])
        mean = rate * dies * np.exp(x)
        wanted = nbinom.logpmf(np.array(fails)[:, None], alpha, alpha / (alpha + mean)).sum(axis=0)
        # the grid of densities is a trapezoid rule; 1e-2 of a threshold of 3.84
        np.testing.assert_allclose(got.curves[k](x) - got.top[k], wanted - wanted[0], atol=0.01)
        if top is not None:
            assert got.top[k] - top == pytest.approx(wanted[0] - nbinom_top, abs=0.01)
        top, nbinom_top = got.top[k], wanted[0]


def test_wafers_that_are_alike_have_the_region_of_one_binomial():
    """No spread is likely, so the region of a threshold is that of the pooled count alone."""
    fails, dies, rate = [20] * 10, 400, -np.log1p(-0.05)
    got = surface(fails, dies, rate).region(3.841)
    assert got.spread[0] == 0.0
    x = np.array([got.low[0], got.high[0], 0.0])
    p = -np.expm1(-rate * np.exp(x))
    log_of = 200 * np.log(p) + 3800 * np.log1p(-p)
    np.testing.assert_allclose(2.0 * (log_of[2] - log_of[:2]), 3.841, atol=0.02)


def test_a_design_effect_widens_as_fewer_dies_do():
    wide, few = (
        surface(f, n, 0.05, effect).region(3.841)
        for f, n, effect in (([40, 44, 36], 800, 4.0), ([10, 11, 9], 200, 1.0))
    )
    assert wide.low.min() == pytest.approx(few.low.min(), abs=2e-3)
    assert wide.high.max() == pytest.approx(few.high.max(), abs=2e-3)


@pytest.mark.parametrize(("wafer", "region"), [(0.0, 0.0), (0.5, 0.0), (0.0, 2.0), (0.4, 0.7)])
def test_the_law_of_one_die_and_back(wafer, region):
    law, x = DieLaw(wafer, region), np.array([1e-4, 0.03, 0.8, 4.0])
    rng = np.random.default_rng(1)
    g = np.ones(200_000) if wafer == 0.0 else rng.gamma(1.0 / wafer, wafer, 200_000)
    drawn = 1.0 - pass_chance(np.multiply.outer(x, g), region).mean(axis=1)
    # four standard errors of at most half of 1 / sqrt(200,000)
    np.testing.assert_allclose(law.fails(x), drawn, atol=4.5e-3)
    np.testing.assert_allclose(law.faults(law.fails(x)), x, rtol=2e-3)


@pytest.mark.parametrize("law", [DieLaw(0.0, 0.0), DieLaw(0.5, 0.0)])
def test_places_of_unlike_rates(law):
    """Places at 0.7 beside places at 0.05: the mean faults exceed those of the mean rate."""
    rng, wafers = np.random.default_rng(2), 25
    x = np.where(np.arange(20_000) % 2, 1.2, 0.05)
    fails = rng.binomial(wafers, law.fails(x))
    one = np.zeros(len(x), np.int64)
    places = Places(np.full(len(x), wafers), fails, one, one)
    rate = fails.sum() / (wafers * len(x))
    factor, variance = uneven(places, law, 1)
    got = factor[0] * float(law.faults(np.array([rate]))[0])
    # four standard errors, and 1 % for the curvature of the law's one gamma
    assert got == pytest.approx(x.mean(), rel=0.01, abs=4.0 * np.sqrt(variance[0]))
    alike = Places(places.dies, rng.binomial(wafers, 0.4, len(x)), one, one)
    assert uneven(alike, law, 1)[0][0] == pytest.approx(1.0, abs=0.01)
