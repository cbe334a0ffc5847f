"""Die yield, spread between wafers, overlay and learning, all from D0 in 1/cm2 and areas in mm2.

The mean number of killer defects on a die is lambda = D0 A, with A in cm2: the one conversion is
in ``mean_defects``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from yieldsim.closed_form.require import Floats, require
from yieldsim.units import MM2_PER_CM2

__all__ = [
    "bose_einstein",
    "exponential_learning",
    "good_die_variance_per_wafer",
    "mean_defects",
    "murphy",
    "negative_binomial",
    "overlay_yield",
    "poisson",
    "power_learning",
    "seeds",
]


def mean_defects(area_mm2: ArrayLike, d0_per_cm2: ArrayLike) -> NDArray[np.float64]:
    """Return lambda, the mean number of killer defects on an area."""
    area = require("area_mm2", area_mm2, least=0.0)
    return np.asarray(area / MM2_PER_CM2 * require("d0_per_cm2", d0_per_cm2, least=0.0))


def poisson(area_mm2: ArrayLike, d0_per_cm2: ArrayLike) -> Floats:
    """Return the yield exp(-lambda) of a die whose killer defects fall independently."""
    return np.exp(-mean_defects(area_mm2, d0_per_cm2))


def murphy(area_mm2: ArrayLike, d0_per_cm2: ArrayLike) -> Floats:
    """Return Murphy's yield ((1 - exp(-lambda)) / lambda)^2: densities of triangular law.

    B. T. Murphy, "Cost-size optima of monolithic integrated circuits", Proc. IEEE 52 (1964)
    1537-1545, doi:10.1109/PROC.1964.3442.
    """
    # exprel(x) = (e^x - 1) / x, exact at and near zero.
    return np.square(special.exprel(-mean_defects(area_mm2, d0_per_cm2)))


def seeds(area_mm2: ArrayLike, d0_per_cm2: ArrayLike) -> Floats:
    """Return Seeds' yield 1 / (1 + lambda): densities of exponential law.

    R. B. Seeds, "Yield, economic, and logistic models for complex digital arrays", IEEE
    International Convention Record 15, part 6 (1967) 60-61. (The name is also given to
    exp(-sqrt(lambda)); that is another formula.)
    """
    return 1.0 / (1.0 + mean_defects(area_mm2, d0_per_cm2))


def negative_binomial(area_mm2: ArrayLike, d0_per_cm2: ArrayLike, alpha: ArrayLike) -> Floats:
    """Return (1 + lambda / alpha)^-alpha: densities of gamma law; ``alpha`` inf is Poisson.

    C. H. Stapper, "Large-area fault clusters and fault tolerance in VLSI circuits: a review", IBM
    J. Res. Dev. 33 (1989) 162-173, doi:10.1147/rd.332.0162.
    """
    mean = mean_defects(area_mm2, d0_per_cm2)
    shape = require("alpha", alpha, above=0.0, infinite=True)
    poisson_like = np.isinf(shape)
    finite = np.where(poisson_like, 1.0, shape)
    # log1p keeps the digits of a small lambda / alpha: alpha -> inf goes smoothly to Poisson.
    log_yield = np.where(poisson_like, -mean, -finite * np.log1p(mean / finite))
    return np.exp(log_yield)


def bose_einstein(area_mm2: ArrayLike, d0_per_cm2_layer: ArrayLike, layers: ArrayLike) -> Floats:
    """Return (1 + lambda_layer)^-layers, where the density is that of *one* layer.

    J. E. Price, "A new look at yield of integrated circuits", Proc. IEEE 58 (1970) 1290-1291,
    doi:10.1109/PROC.1970.7911, applied to each layer. ``layers`` need not be whole: foundries quote
    complexity factors such as 15.5 for it.
    """
    area = require("area_mm2", area_mm2, least=0.0)
    density = require("d0_per_cm2_layer", d0_per_cm2_layer, least=0.0)
    count = require("layers", layers, above=0.0)
    return np.exp(-count * np.log1p(area / MM2_PER_CM2 * density))


def good_die_variance_per_wafer(
    gross_die: ArrayLike, die_mm2: ArrayLike, d0_per_cm2: ArrayLike, alpha: ArrayLike
) -> Floats:
    """Return the variance between wafers of the good dies on a wafer that shares one density.

    n Y1 (1 - Y1) + n (n - 1) (Y2 - Y1^2), where Y1 is the yield of one die and Y2 that of two
    together; the second term is the covariance of two dies under the wafer's gamma density, and
    vanishes for ``alpha`` inf, where the count is binomial.
    """
    count = require("gross_die", gross_die, least=0.0, whole=True)
    area = require("die_mm2", die_mm2, least=0.0)
    shape = require("alpha", alpha, above=0.0, infinite=True)
    one = negative_binomial(area, d0_per_cm2, shape)
    two = negative_binomial(2.0 * area, d0_per_cm2, shape)
    covariance = np.where(np.isinf(shape), 0.0, two - one * one)
    return count * one * (1.0 - one) + count * (count - 1.0) * covariance


def overlay_yield(
    sigma_nm: ArrayLike, tolerance_nm: ArrayLike, layers: ArrayLike, axes: int = 2
) -> Floats:
    """Return erf(tolerance / (sigma sqrt 2))^(axes layers): all errors within +-tolerance.

    Each layer must align along x and along y. The errors of layers and axes are independent and
    normal with mean zero and the same sigma; sigma zero yields one. ``axes`` is 1 for an error
    that matters along one axis only, such as the place of an edge.
    """
    sigma = require("sigma_nm", sigma_nm, least=0.0)
    tolerance = require("tolerance_nm", tolerance_nm, above=0.0)
    count = require("layers", layers, least=0.0)
    perfect = sigma == 0.0
    scaled = tolerance / (np.where(perfect, 1.0, sigma) * np.sqrt(2.0))
    outside = np.where(perfect, 0.0, special.erfc(scaled))
    return np.exp(axes * count * np.log1p(-outside))


def exponential_learning(start_ratio: ArrayLike, elapsed: ArrayLike, tau: ArrayLike) -> Floats:
    """Return D0(t) / D0(mature) = 1 + (start_ratio - 1) exp(-elapsed / tau).

    The excess over the mature density decays at a constant rate; ``elapsed`` and ``tau`` are in one
    unit of time. C. H. Stapper, R. J. Rosner, "Integrated circuit yield management and yield
    analysis: development and implementation", IEEE Trans. Semicond. Manuf. 8 (1995) 95-102.
    """
    start = require("start_ratio", start_ratio, above=0.0)
    time = require("elapsed", elapsed, least=0.0)
    return 1.0 + (start - 1.0) * np.exp(-time / require("tau", tau, above=0.0))


def power_learning(
    start_ratio: ArrayLike, cumulative: ArrayLike, reference: ArrayLike, exponent: ArrayLike
) -> Floats:
    """Return D0 / D0(mature) = 1 + (start_ratio - 1) (1 + cumulative / reference)^-exponent.

    A power law in cumulative wafers, after T. P. Wright, "Factors affecting the cost of
    airplanes", J. Aeronaut. Sci. 3 (1936) 122-128, doi:10.2514/8.155, shifted by one so that it
    starts at ``start_ratio``.
    """
    start = require("start_ratio", start_ratio, above=0.0)
    done = require("cumulative", cumulative, least=0.0)
    scale = require("reference", reference, above=0.0)
    power = require("exponent", exponent, least=0.0)
    return 1.0 + (start - 1.0) * np.exp(-power * np.log1p(done / scale))
