"""Random times: their mean, standard deviation and quantiles against closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.special
import scipy.stats

from tests.flow.lines import data_set, order, step, tool_group
from tests.flow.twin.parts import quantile_of_gamma
from yieldsim.flow import compile_line, replicate
from yieldsim.flow.laws import Spread, triangular

LOTS = 20_000
DAY_MIN = 1440.0
VARIATION = 1.2**2
LAWS = {
    "uniform": (Spread(8.0, 3.0, "uniform"), scipy.stats.uniform(5.0, 6.0)),
    "exponential": (Spread(8.0, 0.0, "exponential"), scipy.stats.expon(scale=8.0)),
    "normal": (Spread(8.0, 2.0, "normal"), scipy.stats.norm(8.0, 2.0)),
    "lognormal": (
        Spread(8.0, 9.6, "lognormal"),
        scipy.stats.lognorm(math.sqrt(math.log(1 + VARIATION)), scale=8 / math.sqrt(1 + VARIATION)),
    ),
    "triangular": (triangular(1.0, 3.0, 20.0), scipy.stats.triang(2 / 19, loc=1.0, scale=19.0)),
    "gamma": (Spread(8.0, 9.6, "gamma"), scipy.stats.gamma(1 / VARIATION, scale=8 * VARIATION)),
    "steady gamma": (Spread(8.0, 0.5, "gamma"), scipy.stats.gamma(256.0, scale=1 / 32)),
}


@pytest.mark.statistical
@pytest.mark.parametrize("name", LAWS)
def test_mean_and_deviation_of_the_times_of_lone_lots(name: str) -> None:
    spread, law = LAWS[name]
    assert (spread.mean, spread.sd) == pytest.approx((law.mean(), law.std()), rel=1e-12)
    assert spread.scaled(3.0).sd == pytest.approx(3.0 * law.std(), rel=1e-12)
    data = data_set([tool_group()], [step("1", time=spread)], [order(1000.0, releases=LOTS)])
    outcome = replicate(compile_line(data), 3, 0, LOTS)
    assert outcome.lots_counted[0] == LOTS
    # Four standard errors; that of the deviation by the law's own kurtosis.
    mean_se = law.std() / math.sqrt(LOTS)
    sd_se = law.std() * math.sqrt((float(law.stats("k")) + 2.0) / (4.0 * LOTS))
    assert abs(outcome.cycle_days[0] * DAY_MIN - law.mean()) < 4.0 * mean_se
    assert abs(outcome.cycle_sd_days[0] * DAY_MIN - law.std()) < 4.0 * sd_se


@pytest.mark.parametrize("shape", [0.1, 0.5, 1.0, 2.5, 30.0, 400.0])
def test_gamma_quantiles(shape: float) -> None:
    grid = np.array([2.0**-33, 1e-6, 0.01, 0.3, 0.5, 0.7, 0.99, 1.0 - 1e-6, 1.0 - 2.0**-33])
    got = [quantile_of_gamma(float(u), shape) for u in grid]
    # SciPy's own inverse is good to about ten digits; far in the upper tail 1 - u rounds.
    np.testing.assert_allclose(got, scipy.special.gammaincinv(shape, grid), rtol=1e-7)
