"""The draws of whole models: every marginal against SciPy, and the rank correlations."""

import math
from functools import cache
from typing import Any

import numpy as np
import pytest
from scipy import stats

from tests.paths import VALID
from yieldsim.closed_form.ranks import spearman
from yieldsim.model import Quantity, parameters
from yieldsim.model.load import load_file
from yieldsim.sampling import Sampler

pytestmark = pytest.mark.statistical

DRAWS = 20_000
SEED = 12
Z90 = stats.norm.ppf(0.9)
# The Kolmogorov distance of one sample exceeds this in 1 of 100,000 cases; about 60 are drawn.
DISTANCE = math.sqrt(math.log(2 / 1e-5) / (2 * DRAWS))


@cache
def drawn(name: str) -> tuple[dict[str, Quantity], dict[str, np.ndarray], Any]:
    """(uncertain quantities, their draws, the model) by path."""
    model = load_file(VALID / f"{name}.toml").model()
    sampler = Sampler(model)
    values = sampler.draw(SEED, 0, DRAWS)
    items = {p.path: p.item for p in parameters(model) if p.uncertain}
    return items, {path: values[:, sampler.column[path]] for path in items}, model


def both_sides(z: np.ndarray, centre: float, below: float, above: float) -> np.ndarray:
    return np.where(z < centre, (z - centre) / below, (z - centre) / above)


def normal_score(q: Quantity, values: np.ndarray) -> np.ndarray:
    """Standard normal score of values of the normal family, each side with its own scale."""
    log = np.log if q.dist == "lognormal" else np.asarray
    if q.sd is not None or q.sigma is not None:
        centre = q.mean if q.mean is not None else math.log(q.median)
        return (log(values) - centre) / (q.sd or q.sigma)
    low, high = float(log(q.p10)), float(log(q.p90))
    centre = (low + high) / 2 if q.p50 is None else float(log(q.p50))
    return both_sides(log(values), centre, (centre - low) / Z90, (high - centre) / Z90)


def cdf(q: Quantity, values: np.ndarray) -> np.ndarray:
    """Probabilities of values, from SciPy's distributions."""
    if q.dist in ("normal", "lognormal"):
        bounds = [
            default if bound is None else float(stats.norm.cdf(normal_score(q, np.array(bound))))
            for bound, default in ((q.min, 0.0), (q.max, 1.0))
        ]
        return (stats.norm.cdf(normal_score(q, values)) - bounds[0]) / (bounds[1] - bounds[0])
    low, high = q.low or 0.0, 1.0 if q.high is None else q.high
    width = high - low
    if q.dist == "uniform":
        return stats.uniform(low, width).cdf(values)
    if q.dist == "loguniform":
        return stats.loguniform(low, high).cdf(values)
    if q.dist == "beta":
        return stats.beta(q.a, q.b, low, width).cdf(values)
    peak = (q.mode - low) / width
    if q.dist == "triangular":
        return stats.triang(peak, low, width).cdf(values)
    return stats.beta(1 + 4 * peak, 5 - 4 * peak, low, width).cdf(values)


def test_the_models_draw_every_distribution() -> None:
    items = [q for name in ("two_fabs", "tiers") for q in drawn(name)[0].values()]
    kinds = {q.dist for q in items}
    assert kinds == {
        *("normal", "lognormal", "uniform", "loguniform"),
        *("triangular", "pert", "beta", "discrete"),
    }
    assert any(q.p50 is not None for q in items)
    assert any(q.min is not None for q in items)
    assert any(q.max is not None and q.dist == "lognormal" for q in items)


@pytest.mark.parametrize("name", ["two_fabs", "tiers", "overload"])
def test_every_marginal_agrees_with_scipy(name: str) -> None:
    items, values, _ = drawn(name)
    for path, q in items.items():
        if q.dist == "discrete":
            shares = np.array(q.weights) / np.sum(q.weights)
            counts = [int(np.sum(values[path] == value)) for value in q.values]
            assert sum(counts) == DRAWS
            spread = np.sqrt(DRAWS * shares * (1 - shares))
            assert np.all(np.abs(counts - DRAWS * shares) < 4.5 * spread), path
            continue
        uniforms = cdf(q, values[path] / q.factor)
        assert np.all((uniforms >= 0.0) & (uniforms <= 1.0)), path
        assert stats.kstest(uniforms, "uniform").statistic < DISTANCE, path


@pytest.mark.parametrize("name", ["two_fabs", "tiers"])
def test_ranks_are_correlated_as_asked_and_not_otherwise(name: str) -> None:
    items, values, model = drawn(name)
    asked = {frozenset(c.between): c.rank for c in model.correlations.values()}
    paths = list(items)
    pairs = len(paths) * (len(paths) - 1) / 2
    sigmas = float(stats.norm.isf(1e-3 / pairs))  # one false alarm in 500 models
    for k, first in enumerate(paths):
        for second in paths[:k]:
            rank = asked.get(frozenset((first, second)), 0.0)
            got = spearman(values[first], values[second])
            # of Spearman's coefficient: at most 1.06 (1 - rank^2) / sqrt(n)
            error = 1.06 * (1.0 - rank**2) / math.sqrt(DRAWS)
            assert abs(got - rank) < sigmas * error, (first, second)
