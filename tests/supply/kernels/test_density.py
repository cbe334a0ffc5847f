"""Defect density against closed forms: learning, overlay and the gamma factor of a period."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.supply.kernels.records_by_hand import FORMS, column, form_of, parameters, table
from yieldsim import closed_form
from yieldsim.kernels.inverse import gamma_wilson_hilferty, normal_ppf
from yieldsim.kernels.philox import STREAM_DENSITY, noise_uniform
from yieldsim.model.schema import Process, ToolClass
from yieldsim.supply.kernels import density
from yieldsim.supply.kernels.dies import POISSON_ALPHA
from yieldsim.supply.kernels.records import EXPONENTIAL, LANES, NO_LEARNING, POWER, GroupState

ROUNDING = 16 * np.finfo(float).eps


@pytest.mark.parametrize("form", FORMS)
def test_learning_follows_the_closed_forms(form: str) -> None:
    left = form_of(density.excess_left, form)
    names = ("tau_quarters", "reference_wafers", "exponent")
    learning = table(names, tau_quarters=6.0, reference_wafers=9.0, exponent=0.7)
    assert left(learning, NO_LEARNING, 2.0, 5.0, 5.0, 0) == 0.0
    for elapsed in (0.0, 1.5, 6.0, 40.0):
        expected = closed_form.exponential_learning(3.0, elapsed, 6.0)
        got = 1.0 + left(learning, EXPONENTIAL, 2.0, elapsed, 0.0, 0)
        assert got == pytest.approx(expected, rel=ROUNDING)
        expected = closed_form.power_learning(3.0, elapsed, 9.0, 0.7)
        got = 1.0 + left(learning, POWER, 2.0, 0.0, elapsed, 0)
        assert got == pytest.approx(expected, rel=ROUNDING)
    assert left(learning, EXPONENTIAL, 2.0, -9.0, 0.0, 0) == 2.0  # before it starts


@pytest.mark.parametrize("form", FORMS)
def test_overlay_mixes_the_classes_layer_by_layer(form: str) -> None:
    share = [column([0.75, 0.25]), column([1.0, 0.0]), column([0.0, 1.0])]
    groups = table(GroupState, 3, share=share, overlay_ratio=1.0)
    visits = np.repeat(column([9.0, 1.0, 0.0]), LANES, axis=1)  # the third group is not visited
    by_class = [closed_form.overlay_yield(sigma, 5.5, 1.0) for sigma in (2.0, 3.0)]

    def survive(layers: float, imported_nm: float) -> float:
        process = parameters(Process, overlay_layers=layers, overlay_tolerance_nm=5.5)
        sigma = column([[imported_nm, 3.0], [0.0, 0.0], [9.0, 9.0]])
        tools, left = parameters(ToolClass, 3, 2, overlay_sigma_nm=sigma), np.ones(LANES)
        form_of(density.overlay_yield, form)(process, visits, tools, groups, left, LANES)
        assert np.ptp(left) == 0.0
        return float(left[0])

    mixed = (0.75 * by_class[0] + 0.25 * by_class[1]) ** 12
    assert survive(12.0, 2.0) == pytest.approx(mixed, rel=64 * ROUNDING)
    # a class without overlay error always aligns
    mixed = (0.75 + 0.25 * by_class[1]) ** 12
    assert survive(12.0, 0.0) == pytest.approx(mixed, rel=64 * ROUNDING)
    assert survive(0.0, 2.0) == 1.0
    # an event has made the errors of imported tools half as large again
    groups.overlay_ratio[:, 0] = 1.5
    assert survive(12.0, 2.0 / 1.5) == pytest.approx(
        (0.75 * by_class[0] + 0.25 * by_class[1]) ** 12, rel=64 * ROUNDING
    )


SEED, DRAW, ENTITY, REALIZATION = np.uint64(7), 123, np.uint32(456), np.uint32(9)


def clustered(alpha: float, clusters: float, form: str = "compiled") -> tuple[float, float]:
    kernel = form_of(density.clustered, form)
    factor, left = kernel(SEED, DRAW, ENTITY, REALIZATION, alpha, clusters)
    return factor, left


@pytest.mark.parametrize("form", FORMS)
def test_the_factor_of_a_period_is_a_gamma_of_its_luck(form: str) -> None:
    u = noise_uniform(SEED, np.uint32(DRAW), ENTITY, STREAM_DENSITY, REALIZATION)
    factor, left = clustered(2.0, 5.0, form)
    assert factor == gamma_wilson_hilferty(normal_ppf(u), 10.0)
    assert left == 11.0 / 4.0
    # there is at least one cluster: a tenth of a lot has the density of a lot
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
