"""The defect density that gives a yield: the yield models solved for D0."""

from __future__ import annotations

import math
from collections.abc import Callable

from scipy import special

from yieldsim.closed_form.require import require
from yieldsim.errors import UsageError
from yieldsim.units import MM2_PER_CM2

__all__ = ["density_by_search", "density_of_yield"]

_ROUNDING = 1e-12  # of a yield of 1 that is a sum of many bins
_MOST_DENSITY = 1e12  # per cm2; beyond it a die is lost for any use


def density_of_yield(
    yield_: float, area_mm2: float, model: str, alpha: float = math.inf, layers: float = 1.0
) -> float:
    """Return D0 per cm2 (of ``bose_einstein``: per layer) at which a die has the yield.

    ``model`` is the name of a function of `yields`. Raises UsageError for a yield outside 0 to 1
    (0 excluded) and for an area that is not positive.
    """
    wanted = float(require("yield", yield_, above=0.0, most=1.0))
    area = float(require("area_mm2", area_mm2, above=0.0)) / MM2_PER_CM2
    loss = 0.0 - math.log(wanted)  # and not -0.0 for a yield of 1
    if model == "murphy":
        return _murphy_mean(wanted) / area
    if model == "seeds":
        return math.expm1(loss) / area
    if model == "negative_binomial":
        shape = float(require("alpha", alpha, above=0.0, infinite=True))
        return (loss if math.isinf(shape) else shape * math.expm1(loss / shape)) / area
    if model == "bose_einstein":
        return math.expm1(loss / float(require("layers", layers, above=0.0))) / area
    assert model == "poisson", model
    return loss / area


def _murphy_mean(wanted: float) -> float:
    """Return lambda with ((1 - e^-lambda) / lambda)^2 the yield wanted.

    It is below 1/sqrt(Y), at small yields by less than rounding, so the search goes to twice that.
    """
    root = math.sqrt(wanted)

    def miss(mean: float) -> float:
        return float(special.exprel(-mean)) - root

    return 0.0 if wanted == 1.0 else _root(miss, 2.0 / root)


def density_by_search(yield_: float, yield_at: Callable[[float], float]) -> float:
    """Return D0 per cm2 at which ``yield_at``, which falls with D0, has the value ``yield_``.

    Raises UsageError for a yield outside 0 to 1 (0 excluded) and where no density gives it.
    """
    wanted = float(require("yield", yield_, above=0.0, most=1.0))
    most = yield_at(0.0)
    if most < wanted * (1.0 - _ROUNDING):  # other losses remain
        raise UsageError("yield", "no density gives it", got=wanted, allowed=f"<= {most:.4g}")
    if most <= wanted:
        return 0.0
    high = 1e-6
    while yield_at(high) > wanted:
        high *= 2.0
        if high > _MOST_DENSITY:
            low = yield_at(_MOST_DENSITY)
            raise UsageError("yield", "no density gives it", got=wanted, allowed=f">= {low:.4g}")
    return _root(lambda d0: yield_at(d0) - wanted, high)


def _root(miss: Callable[[float], float], high: float) -> float:
    """Return where ``miss`` is zero between 0 and ``high``."""
    from scipy.optimize import brentq  # its import takes longer than a small run

    return float(brentq(miss, 0.0, high, xtol=1e-300))
