"""Defect density: learning, tools, overlay and clustering against closed forms and by hand."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yieldsim.closed_form import exponential_learning, overlay_yield, power_learning
from yieldsim.kernels.inverse import gamma_wilson_hilferty, normal_ppf
from yieldsim.kernels.philox import STREAM_DENSITY, noise_uniform
from yieldsim.supply.kernels import density as defects
from yieldsim.supply.kernels import records as a
from yieldsim.supply.kernels.dies import POISSON_ALPHA

FORMS = ["compiled", "plain"]
ROUNDING = 16 * np.finfo(float).eps


def kernel(name: str, form: str) -> Any:
    function = getattr(defects, name)
    return function if form == "compiled" else function.py_func


def process(**values: float) -> np.ndarray:
    row = np.zeros(13)
    for name, value in values.items():
        row[getattr(a, name)] = value
    return row


@pytest.mark.parametrize("form", FORMS)
def test_learning_follows_the_closed_forms(form: str) -> None:
    learning = kernel("learning_ratio", form)
    row = process(LEARNING_RATIO=3.0, LEARNING_SCALE=6.0, LEARNING_EXPONENT=0.7)
    assert learning(row, a.NO_LEARNING, 5.0, 5.0) == 1.0
    for elapsed in (0.0, 1.5, 6.0, 40.0):
        expected = exponential_learning(3.0, elapsed, 6.0)
        assert learning(row, a.EXPONENTIAL, elapsed, 0.0) == pytest.approx(expected, rel=ROUNDING)
        expected = power_learning(3.0, elapsed, 6.0, 0.7)
        assert learning(row, a.POWER, 0.0, elapsed) == pytest.approx(expected, rel=ROUNDING)
    assert learning(row, a.EXPONENTIAL, -9.0, 0.0) == 3.0  # before it starts


def groups() -> tuple[np.ndarray, np.ndarray]:
    """(weights and variability, shares and adders) of three groups, in each of two lanes; the
    second lane's tools are all imported."""
    weights = np.array([[0.5, 1.0], [0.3, 1.0], [0.2, 1.0]])
    state = np.zeros((a.GROUP_FIELDS, 3, 2))
    state[a.SHARE, :, 0], state[a.SHARE + 1, :, 0] = [0.75, 1.0, 0.0], [0.25, 0.0, 1.0]
    state[a.SHARE, :, 1] = 1.0
    state[a.ADDER_NOW] = 1.0
    state[a.ADDER_NOW + 1] = np.array([[3.0], [1.0], [2.0]])
    return np.repeat(weights[:, :, None], 2, axis=2), state


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("visits", "ratio"),
    [
        ([9.0, 1.0, 3.0], 1.45),  # (0.5 (0.75 + 0.25 * 3) + 0.3 * 1 + 0.2 * 2) / 1
        ([9.0, 0.0, 0.0], 1.5),  # a group that the process does not visit has no part
        ([0.0, 0.0, 0.0], 1.0),
    ],
)
def test_adders_are_weighted_by_group_and_share(
    form: str, visits: list[float], ratio: float
) -> None:
    weights, state = groups()
    lane = np.full((a.LANE_FIELDS, 2), 9.0)
    lane[a.DENSITY] = 0.2
    kernel("adder_ratio", form)(np.repeat([visits], 2, axis=0).T, weights, state, lane, 2)
    np.testing.assert_allclose(lane[a.DENSITY], [0.2 * ratio, 0.2], rtol=ROUNDING)


def tools(sigma: list[list[float]]) -> np.ndarray:
    tool = np.zeros((3, 2, 10, 2))
    tool[:, :, a.OVERLAY_SIGMA] = np.array(sigma)[:, :, None]
    return tool


@pytest.mark.parametrize("form", FORMS)
def test_overlay_mixes_the_classes_layer_by_layer(form: str) -> None:
    _, state = groups()

    def survive(row: np.ndarray, sigma: list[list[float]]) -> np.ndarray:
        left, visits = np.ones(2), np.array([[9.0, 9.0], [1.0, 1.0], [0.0, 0.0]])
        process = np.repeat(row[:, None], 2, axis=1)
        kernel("overlay_yield", form)(process, visits, tools(sigma), state, left, 2)
        return left

    row = process(OVERLAY_LAYERS=12.0, TOLERANCE=5.5)
    one = overlay_yield(2.0, 5.5, 1.0), overlay_yield(3.0, 5.5, 1.0)
    mixed = [(0.75 * one[0] + 0.25 * one[1]) ** 12, one[0] ** 12]
    sigma = [[2.0, 3.0], [0.0, 0.0], [9.0, 9.0]]
    np.testing.assert_allclose(survive(row, sigma), mixed, rtol=64 * ROUNDING)
    # a class without overlay error always aligns; the third group is not visited
    sigma[0][0] = 0.0
    mixed = [(0.75 + 0.25 * one[1]) ** 12, 1.0]
    np.testing.assert_allclose(survive(row, sigma), mixed, rtol=64 * ROUNDING)
    np.testing.assert_array_equal(survive(process(TOLERANCE=5.5), sigma), 1.0)


SEED, DRAW, ENTITY, WHO = np.uint64(7), 123, np.uint32(456), np.uint32(9)


def clustered(alpha: float, clusters: float, form: str = "compiled") -> tuple[float, float]:
    return kernel("clustered", form)(SEED, DRAW, ENTITY, WHO, alpha, clusters)


@pytest.mark.parametrize("form", FORMS)
def test_the_factor_of_a_period_is_a_gamma_of_its_luck(form: str) -> None:
    u = noise_uniform(SEED, np.uint32(DRAW), ENTITY, STREAM_DENSITY, WHO)
    factor, left = clustered(2.0, 5.0, form)
    assert factor == gamma_wilson_hilferty(normal_ppf(u), 10.0)
    assert left == 11.0 / 4.0
    # no less than one cluster: a tenth of a lot has the density of a lot
    assert clustered(2.0, 0.1, form) == clustered(2.0, 1.0, form)
    assert clustered(POISSON_ALPHA, 5.0, form) == (1.0, POISSON_ALPHA)


def test_one_cluster_leaves_poisson_and_many_leave_alpha() -> None:
    assert clustered(2.0, 1.0)[1] >= POISSON_ALPHA
    factor, left = clustered(2.0, 1e12)
    assert left == pytest.approx(2.0, rel=1e-11)
    assert factor == pytest.approx(1.0, abs=1e-4)  # ten standard deviations of 1 / sqrt(2e12)


@given(st.floats(0.1, 1e4), st.floats(1.0, 1e6, exclude_min=True))
def test_period_and_die_together_have_the_variance_of_one_cluster(
    alpha: float, clusters: float
) -> None:
    """(1 + 1/(alpha L)) (1 + 1/alpha') = 1 + 1/alpha: two gammas of mean one, multiplied."""
    _, left = clustered(alpha, clusters)
    both = math.log1p(1.0 / (alpha * clusters)) + math.log1p(1.0 / left)
    # L - 1 loses digits when L is hardly above one
    slack = 1e-9 + 1e-15 / (clusters - 1.0)
    assert both == pytest.approx(math.log1p(1.0 / alpha), rel=slack)
