"""Process noise of the defect density against theory: its distribution, means and spreads."""

import numpy as np
import pytest
from scipy import stats

from tests.paths import VALID
from yieldsim.closed_form import negative_binomial
from yieldsim.model.load import load_file
from yieldsim.supply.simulate import Simulator

pytestmark = pytest.mark.statistical

ONE_LINE = VALID / "one_line.toml"
DIE_MM2 = 500.0
WAFERS_PER_QUARTER = 3000.0
SIGMAS = 4.0  # standard errors allowed; the seeds are fixed


def run(count: int, steps: int, alpha: float, clusters: float, faults: float) -> dict:
    """Return the results of a line with given clusters of wafers a step and faults per die."""
    per_step = WAFERS_PER_QUARTER / steps
    changes = {
        "simulation.process_noise": "true",
        "simulation.steps_per_quarter": steps,
        "processes.n2.alpha": alpha,
        "processes.n2.cluster_wafers": per_step / clusters,
        "processes.n2.d0_mature_per_cm2": faults / DIE_MM2 * 100,
    }
    file = load_file(ONE_LINE).with_changes([f"{path}={v}" for path, v in changes.items()])
    block = Simulator(file, ["baseline"], 20).block(0, count)
    return {name: values[0].astype(float) for name, values in block.items()}


def standard_error(sample: np.ndarray) -> float:
    return float(np.std(sample, ddof=1) / sample.size**0.5)


def variance_error(sample: np.ndarray) -> float:
    """Standard error of the variance, from the sample's own fourth moment."""
    return standard_error((sample - sample.mean()) ** 2)


@pytest.mark.parametrize(
    ("alpha", "clusters"), [(2.0, 1.0), (2.0, 12.0), (0.8, 30.0), (5.0, 400.0)]
)
def test_a_periods_density_is_gamma_of_shape_alpha_times_clusters(
    alpha: float, clusters: float
) -> None:
    got = run(20_000, 1, alpha, clusters, 1.0)
    factor = got["d0_per_cm2"][:, :, 0, 0] / (1.0 / DIE_MM2 * 100)
    shape = alpha * clusters
    assert factor.mean() == pytest.approx(1.0, abs=SIGMAS * standard_error(factor.ravel()))
    # the cube that approximates the gamma errs by 0.07 % of the variance at shape 2, less above
    slack = SIGMAS * variance_error(factor.ravel()) + 1e-3 / shape
    assert factor.var() == pytest.approx(1.0 / shape, abs=slack)
    # the distance is below 2.23 / sqrt(n) in 9,999 of 10,000 cases; the cube itself errs by 0.0034
    distance = stats.kstest(factor.ravel(), stats.gamma(shape, scale=1.0 / shape).cdf).statistic
    assert distance < 2.23 / factor.size**0.5 + 0.0034
    # quarters are independent
    apart = np.corrcoef(factor.T)[np.triu_indices(4, 1)]
    assert np.all(np.abs(apart) < SIGMAS / 20_000**0.5)


@pytest.mark.parametrize("clusters", [1.0, 2.0, 12.0, 400.0])
@pytest.mark.parametrize(("alpha", "faults"), [(2.0, 0.5), (2.0, 1.5), (5.0, 1.5), (3.0, 2.5)])
def test_mean_yield_is_the_negative_binomial(alpha: float, faults: float, clusters: float) -> None:
    """Noise moves dies between periods and changes no mean.

    Within a period the density of a cluster, given the mean of all, is a beta. A gamma takes its
    place, which is exact for one cluster and for many. Over the exact gamma of periods it keeps the
    mean to 7e-4 at two clusters (alpha >= 2, faults <= 2.5), better at more; the cube costs 4e-4.
    """
    got = run(2000, 10, alpha, clusters, faults)
    share = got["good_dies"].sum(axis=(1, 2, 3)) / got["gross_dies"].sum(axis=(1, 2))
    exact = float(negative_binomial(DIE_MM2, faults / DIE_MM2 * 100, alpha))
    bias = exact * ((0.0 if clusters == 1.0 else 2e-3 / clusters) + 4e-4)
    assert share.mean() == pytest.approx(exact, abs=SIGMAS * standard_error(share) + bias)
    quiet = run(1, 10, 1e12, clusters, faults)["good_dies"].sum()
    assert share.mean() > quiet / 1.2e6  # clustering saves dies


@pytest.mark.parametrize(("alpha", "faults"), [(2.0, 0.814), (2.0, 2.0), (5.0, 0.5)])
def test_single_wafers_spread_as_theory_says(alpha: float, faults: float) -> None:
    """One wafer a step with a density of its own: Var = Y(2A) - Y(A)^2 per die of the wafer."""
    got = run(20_000, 1, alpha, 1.0, faults)
    share = (got["good_dies"].sum(axis=-1) / got["gross_dies"]).ravel()
    one, two = (
        float(negative_binomial(n * DIE_MM2, faults / DIE_MM2 * 100, alpha)) for n in (1.0, 2.0)
    )
    slack = SIGMAS * variance_error(share)
    # the cube that approximates the gamma: below 1 % of this variance for shapes of 2 and more
    assert share.var() == pytest.approx(two - one**2, abs=slack + 0.01 * (two - one**2))
    assert share.mean() == pytest.approx(one, abs=SIGMAS * standard_error(share) + 4e-4)


def test_the_spread_of_periods_falls_with_their_clusters() -> None:
    """Few faults: the yield of a period follows its density, Var = faults^2 Y^2 / (alpha L)."""
    for clusters in (4.0, 40.0):
        got = run(20_000, 1, 2.0, clusters, 0.05)
        share = (got["good_dies"].sum(axis=-1) / got["gross_dies"]).ravel()
        expected = 0.05**2 * share.mean() ** 2 / (2.0 * clusters)
        # the next order in the faults is a relative 0.05
        slack = SIGMAS * variance_error(share) + 0.05 * expected
        assert share.var() == pytest.approx(expected, abs=slack)
