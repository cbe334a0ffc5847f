"""Harvested dies against exact figures, high precision and the laws that they must obey."""

import json
import math
from decimal import Decimal, localcontext
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.examples import thinned
from tests.paths import REFERENCE
from yieldsim import closed_form as cf

TABLE = json.loads((REFERENCE / "harvest.json").read_text("utf-8"))


@pytest.mark.parametrize("case", TABLE["cases"])
def test_exact_harvest(case: dict[str, Any]) -> None:
    place = (TABLE["fatal_mm2"], TABLE["core_mm2"], TABLE["cores"])
    alpha = math.inf if case["alpha"] is None else case["alpha"]
    got = [cf.harvest_yield(*place, k, TABLE["d0_per_cm2"], alpha) for k in TABLE["min_good"]]
    np.testing.assert_allclose(got, case["yields"], rtol=1e-14)


def harvest_in_high_precision(
    fatal: float, core: float, n: int, k: int, d0: float, alpha: float
) -> float:
    """The alternating sum over negative binomial yields, in 150 digits."""
    with localcontext() as context:
        context.prec = 150
        density = Decimal(d0) / 100

        def whole(mm2: Decimal) -> Decimal:
            mean = density * mm2
            if math.isinf(alpha):
                return (-mean).exp()
            return (-Decimal(alpha) * (1 + mean / Decimal(alpha)).ln()).exp()

        total = Decimal(0)
        for j in range(k, n + 1):
            sign = (-1) ** (j - k)
            ways = math.comb(n, j) * (math.comb(j - 1, k - 1) if k else int(j == 0))
            total += sign * ways * whole(Decimal(fatal) + j * Decimal(core))
        return float(total)


@pytest.mark.parametrize("alpha", thinned([0.05, 0.001, 0.5, math.inf, 30.0, 1e5, 2.0], 3))
@pytest.mark.parametrize(
    ("cores", "min_good"),
    [(144, 132), (144, 72), (144, 1), (25, 18), (2, 1), (32, 31), (32, 32), (7, 0), (400, 399)],
)
@pytest.mark.parametrize("d0", [0.003, 0.1, 2.0])
def test_harvest_against_high_precision(cores: int, min_good: int, d0: float, alpha: float) -> None:
    fatal, core = 150.0, 600.0 / cores
    exact = harvest_in_high_precision(fatal, core, cores, min_good, d0, alpha)
    got = cf.harvest_yield(fatal, core, cores, min_good, d0, alpha)
    # The promise is relative, for yields above 1e-9.
    assert got == pytest.approx(exact, rel=1e-13, abs=1e-22)


def test_harvest_broadcasts() -> None:
    got = cf.harvest_yield(281.0, 12.0, 32, 30, np.array([[0.1], [0.2]]), np.array([2.0, np.inf]))
    assert got.shape == (2, 2)
    assert got[1, 0] == cf.harvest_yield(281.0, 12.0, 32, 30, 0.2, 2.0)
    assert got[0, 1] == cf.harvest_yield(281.0, 12.0, 32, 30, 0.1, np.inf)
    assert isinstance(cf.harvest_yield(281.0, 12.0, 32, 30, 0.1, 2.0), float)


@given(
    st.floats(0.0, 300.0),
    st.floats(0.1, 30.0),
    st.integers(1, 64),
    st.data(),
    st.floats(0.0, 3.0),
    st.floats(0.1, 1e4) | st.just(math.inf),
)
def test_bins_sum_to_one(
    fatal: float, core: float, cores: int, data: st.DataObject, d0: float, alpha: float
) -> None:
    needed = sorted(data.draw(st.sets(st.integers(0, cores), min_size=1)), reverse=True)
    bins = cf.harvest_bins(fatal, core, cores, needed, d0, alpha)
    assert bins.shape == (len(needed) + 1,)
    assert bins.sum() == pytest.approx(1.0, abs=1e-14)
    assert bins.min() >= -1e-14  # differences of numbers near one
    sold = cf.harvest_yield(fatal, core, cores, needed[-1], d0, alpha)
    assert bins[:-1].sum() == pytest.approx(float(sold), abs=1e-14)


@given(
    st.integers(2, 40), st.floats(0.0, 3.0), st.floats(0.0, 3.0), st.floats(0.05, 1e5), st.data()
)
def test_harvest_falls_with_the_density_and_the_cores_needed(
    cores: int, a: float, b: float, alpha: float, data: st.DataObject
) -> None:
    low, high = sorted([a, b])
    k = data.draw(st.integers(1, cores))
    slack = 1.0 + 1e-13  # the promised error
    at_low = cf.harvest_yield(100.0, 10.0, cores, k, low, alpha)
    assert cf.harvest_yield(100.0, 10.0, cores, k, high, alpha) <= at_low * slack
    assert at_low <= cf.harvest_yield(100.0, 10.0, cores, k - 1, low, alpha) * slack
