"""The density of a yield is where the yield model has that yield."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yieldsim import closed_form as cf
from yieldsim.errors import UsageError

YIELDS = st.floats(1e-6, 1.0)
AREAS = st.floats(0.01, 5000.0)


@given(YIELDS, AREAS, st.floats(0.05, 50.0), st.floats(0.5, 60.0))
def test_every_model_gives_the_yield_back(wanted, area, alpha, layers):
    for law, extra in (
        ("poisson", ()),
        ("murphy", ()),
        ("seeds", ()),
        ("negative_binomial", (alpha,)),
        ("bose_einstein", (layers,)),
    ):
        density = cf.density_of_yield(wanted, area, law, alpha, layers)
        # the relative error of a yield is that of D0 times at most -ln Y + 1 < 15, and rounding
        assert getattr(cf, law)(area, density, *extra) == pytest.approx(wanted, rel=1e-11), law


def test_by_hand():
    # Y = 0.8 on 18 mm2: -ln 0.8 / 0.18 cm2
    assert cf.density_of_yield(0.8, 18.0, "poisson") == pytest.approx(1.2396863961901165, rel=1e-14)
    assert cf.density_of_yield(1.0, 18.0, "murphy") == 0.0
    assert cf.density_of_yield(0.5, 100.0, "seeds") == pytest.approx(1.0, rel=1e-14)
    # at a tiny yield murphy is 1 / lambda^2; this one once had no root between the bounds
    tiny = 0.0006850289525833787
    assert cf.density_of_yield(tiny, 100.0, "murphy") == pytest.approx(tiny**-0.5, rel=1e-14)


@given(st.floats(0.001, 0.999), st.sampled_from([0.5, 2.0, math.inf]))
def test_a_search_gives_the_harvest_yield_back(wanted, alpha):
    law = (281.0, 12.0, 32, 28)
    density = cf.density_by_search(wanted, lambda d0: float(cf.harvest_yield(*law, d0, alpha)))
    assert cf.harvest_yield(*law, density, alpha) == pytest.approx(wanted, rel=1e-9)


def test_what_no_density_gives():
    with pytest.raises(UsageError, match=r"yield: no density gives it, got 0.5; allowed: >= 1"):
        cf.density_by_search(0.5, lambda _: 1.0 + 1e-9)
    for wrong in (0.0, 1.1, math.nan):
        with pytest.raises(UsageError, match="yield: out of range"):
            cf.density_of_yield(wrong, 1.0, "poisson")
    with pytest.raises(UsageError, match="area_mm2: out of range"):
        cf.density_of_yield(0.5, 0.0, "poisson")


def test_losses_of_another_kind_bound_the_yield():
    with pytest.raises(UsageError, match=r"yield: no density gives it, got 0.9; allowed: <= 0.8$"):
        cf.density_by_search(0.9, lambda d0: 0.8 * math.exp(-d0))
    assert cf.density_by_search(1.0, lambda d0: (1.0 - 1e-15) * math.exp(-d0)) == 0.0
