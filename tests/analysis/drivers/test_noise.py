import math

import numpy as np
import pytest

from tests.analysis.made_up_driven import driven
from yieldsim.analysis.drivers.figure import figure_of
from yieldsim.analysis.drivers.noise import explained_by_regression, explained_without_noise
from yieldsim.analysis.drivers.sensitivity import first_order_indices
from yieldsim.errors import UsageError


def linear(x: np.ndarray) -> np.ndarray:
    return 100.0 + 30.0 * x[:, 0] - 20.0 * x[:, 1]


LINEAR_VARIANCE = (30.0**2 + 20.0**2) / 12.0  # of uniform inputs
NOISE = 8.0
SHARE = LINEAR_VARIANCE / (LINEAR_VARIANCE + NOISE**2)


def regression(ds, period="2026Q1"):
    figure = figure_of(ds, "usable_chips", None, "baseline", [period])
    return explained_by_regression(ds, figure, first_order_indices(ds, figure))


@pytest.mark.statistical
def test_a_regression_finds_the_share_of_a_linear_figure() -> None:
    split = regression(driven(4_000, NOISE, chips=linear))
    # ten superfluous terms of 2,000 fitted realizations cost 0.5 % of the noise
    cost = 12.0 / 2_000.0 * (1.0 - SHARE)
    share, error = float(split["parameters"][0]), float(split["se"][0])
    assert share == pytest.approx(SHARE, abs=4.0 * error + cost)
    # a quotient of two mean squares, R^2 of normal noise: sd about 2 (1 - R^2) sqrt(R^2 / n)
    assert error == pytest.approx(2.0 * (1.0 - SHARE) * math.sqrt(SHARE / 4_000.0), rel=0.25)


@pytest.mark.statistical
def test_noise_is_never_taken_for_inputs() -> None:
    # nothing but noise: fitted to one half and judged on the other, nothing is explained
    split = regression(driven(400, NOISE, chips=lambda x: np.full(len(x), 100.0)))
    assert float(split["parameters"][0]) < 4.0 * float(split["se"][0])


def test_a_product_of_inputs_is_not_explained_by_sums() -> None:
    def product(x: np.ndarray) -> np.ndarray:
        return 100.0 + 40.0 * (x[:, 0] - 0.5) * (x[:, 1] - 0.5)

    assert float(regression(driven(400, chips=product))["parameters"][0]) < 0.1


def pair(noise: float, realizations: int, chips=linear):
    """An ensemble with noise, and the same draws without."""
    first = driven(realizations, noise, chips=chips)
    return first, driven(realizations, chips=chips, process_noise=False)


@pytest.mark.statistical
def test_a_pair_tells_inputs_from_noise() -> None:
    ds, other = pair(NOISE, 2_000)
    figure = figure_of(ds, "usable_chips", None, "baseline", ["2026Q1"])
    split = explained_without_noise(ds, other, figure)
    share, error = float(split["parameters"][0]), float(split["se"][0])
    assert share == pytest.approx(SHARE, abs=4.0 * error)
    # the sd of r^2, 2 r (1 - r^2) / sqrt n, of normal figures; uniform ones have shorter tails,
    # and a jackknife of fifty groups is known to a tenth
    assert error == pytest.approx(2.0 * math.sqrt(SHARE / 2_000.0) * (1.0 - SHARE), rel=0.4)


def test_only_common_realizations_are_paired() -> None:
    ds, other = pair(NOISE, 300)
    figure = figure_of(ds, "usable_chips", None, "baseline", ["2027"])
    fewer = other.isel(realization=slice(0, 120))
    split = explained_without_noise(ds, fewer, figure)
    first, second = (d["usable_chips"].to_numpy()[0, :120, 4:, 0].sum(axis=1) for d in (ds, other))
    expected = np.corrcoef(first, second)[0, 1] ** 2
    assert float(split["parameters"][0]) == pytest.approx(expected, rel=1e-12)


def test_other_draws_are_no_pair() -> None:
    ds, other = pair(NOISE, 40)
    figure = figure_of(ds, "usable_chips", None, "baseline", ["2027"])

    def refused(message: str, first=ds, second=other) -> None:
        with pytest.raises(UsageError, match=f"--without-noise: {message}"):
            explained_without_noise(first, second, figure)

    refused("has other draws than the ensemble", second=other.assign_attrs(seed="8"))
    changed = other.copy(deep=True)
    changed["parameter_value"][0, 3, 2] = 0.5
    refused("has other draws than the ensemble", second=changed)
    refused(
        "has process noise; allowed: a run with --set simulation.process_noise=false", second=ds
    )
    refused("is compared with another without noise", first=other)
    renamed = other.assign_coords(scenario=["late"])
    refused("lacks the scenario, got 'baseline'; allowed: late", second=renamed)
