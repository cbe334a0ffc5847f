"""Nested redundancy, repair and spread: against other closed forms and plain enumeration."""

import itertools
import math

import numpy as np
import pytest
from scipy import special

from yieldsim import closed_form as cf
from yieldsim.errors import UsageError


@pytest.mark.parametrize("alpha", [0.1, 0.5, 2.0, 30.0])
def test_gamma_mean_of_an_exponential_is_the_negative_binomial(alpha: float) -> None:
    for mean in (1e-3, 0.5, 4.0):
        exact = (1.0 + mean / alpha) ** -alpha
        assert cf.gamma_mean(lambda g, m=mean: np.exp(-m * g), alpha) == pytest.approx(
            exact, rel=1e-11
        )


@pytest.mark.parametrize("alpha", [0.5, 2.0, math.inf])
@pytest.mark.parametrize("needed", [0, 25, 30, 32])
def test_one_cluster_level_is_a_harvest(alpha: float, needed: int) -> None:
    exact = cf.harvest_yield(281.0, 12.0, 32, needed, 0.1, alpha)
    outer = cf.nested_yield(281.0, 0.0, 32, 12.0, 1, 1, needed, 0.1, alpha)
    inner = cf.nested_yield(281.0, 0.0, 1, 12.0, 32, needed, 1, 0.1, alpha)
    assert outer == pytest.approx(exact, rel=1e-11)
    assert inner == pytest.approx(exact, rel=1e-11)


def test_nested_against_enumeration() -> None:
    """Every pattern of good and bad parts of 2 clusters of 3 cores, at one density."""
    d0, fatal, own, core = 0.8, 40.0, 20.0, 30.0
    p, q = math.exp(-d0 * own / 100.0), math.exp(-d0 * core / 100.0)
    total = 0.0
    for pattern in itertools.product((0, 1), repeat=8):
        clusters = [pattern[:4], pattern[4:]]
        chance = math.prod(
            (p if c[0] else 1 - p) * math.prod(q if x else 1 - q for x in c[1:]) for c in clusters
        )
        total += chance * (sum(c[0] and sum(c[1:]) >= 2 for c in clusters) >= 1)
    exact = math.exp(-d0 * fatal / 100.0) * total
    assert cf.nested_yield(fatal, own, 2, core, 3, 2, 1, d0, math.inf) == pytest.approx(
        exact, rel=1e-13
    )


def test_repair() -> None:
    mean = 0.5 * 60.0 / 100.0
    one = special.pdtr(1, mean)
    assert cf.repairable_yield(60.0, 3, 1, 0.5, math.inf) == pytest.approx(one**3, rel=1e-13)
    # no spares: a fatal area; with a gamma the negative binomial of all three
    exact = cf.negative_binomial(180.0, 0.5, 2.0)
    assert cf.repairable_yield(60.0, 3, 0, 0.5, 2.0) == pytest.approx(exact, rel=1e-11)


def test_spread_of_whole_dies_and_blocks() -> None:
    exact = cf.good_die_variance_per_wafer(64, 858.0, 0.1, 2.0)
    assert math.sqrt(exact) == pytest.approx(14.732070, abs=5e-7)  # reference case
    harvest = cf.harvest_variance_per_wafer(64, 858.0 - 64.0, 64.0, 1, 1, 0.1, 2.0)
    assert harvest == pytest.approx(exact, rel=1e-10)
    assert cf.good_die_variance_by_block([64], 858.0, 0.1, 2.0) == pytest.approx(exact)
    single = cf.good_die_variance_by_block(np.ones(64), 858.0, 0.1, 2.0)
    y = cf.negative_binomial(858.0, 0.1, 2.0)
    assert single == pytest.approx(64 * y * (1 - y))


@pytest.mark.parametrize(
    ("call", "where"),
    [
        (lambda: cf.nested_yield(1, 1, 2, 1, 3, 4, 1, 0.1, 2.0), "min_good_in_cluster"),
        (lambda: cf.nested_yield(1, 1, 2, 1, 3, 2, 3, 0.1, 2.0), "min_good_clusters"),
        (lambda: cf.nested_yield(1, 1, 2, 1, 3, 2, 2, 0.1, 0.0), "alpha"),
        (lambda: cf.repairable_yield(1, 2, -1, 0.1, 2.0), "spares"),
        (lambda: cf.good_die_variance_by_block([1.5], 1, 0.1, 2.0), "dies_in_block"),
    ],
)
def test_bad_input(call, where: str) -> None:
    with pytest.raises(UsageError, match=f"^{where}: "):
        call()
