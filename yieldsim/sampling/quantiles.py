"""Inverse distribution functions of a model's quantities."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import betaincinv, ndtr, ndtri

from yieldsim.model import Quantity

_LEAST_U = 2.0**-53  # uniforms are the midpoints of 2^52 cells of (0, 1)
_PERT_WEIGHT = 4.0  # lambda of the PERT distribution, Malcolm et al. 1959


def inverse_cdf(quantity: Quantity, u: np.ndarray) -> np.ndarray:
    """Quantiles of a distribution at probabilities ``u`` in [0, 1], in the field's unit.

    The result has the shape of ``u``, rises with ``u`` and stays within `Quantity.support` despite
    rounding. ``quantity`` must have a distribution.
    """
    inside = np.clip(u, _LEAST_U, 1.0 - _LEAST_U)
    if quantity.dist in ("normal", "lognormal"):
        raw = _normal_family(quantity, _truncated_z(quantity, inside))
    else:
        raw = _bounded(quantity, inside)
    return np.clip(raw, *quantity.raw_support()) * quantity.factor


def _normal_family(q: Quantity, z: np.ndarray) -> np.ndarray:
    """Normal or lognormal at scores ``z``; three quantiles give each side its own scale."""
    centre, below, above = q.location()
    normal = centre + z * np.where(z < 0.0, below, above)
    return np.exp(normal) if q.dist == "lognormal" else normal


def _truncated_z(q: Quantity, u: np.ndarray) -> np.ndarray:
    if q.min is None and q.max is None:
        return ndtri(u)
    low = 0.0 if q.min is None else ndtr(q.z_of(q.min))
    high = 1.0 if q.max is None else ndtr(q.z_of(q.max))
    return ndtri(np.clip(low + (high - low) * u, _LEAST_U, 1.0 - _LEAST_U))


def _bounded(q: Quantity, u: np.ndarray) -> np.ndarray:
    if q.dist == "discrete":
        assert q.values is not None and q.weights is not None
        edges = np.cumsum(q.weights) / np.sum(q.weights)
        return np.array(q.values)[np.searchsorted(edges[:-1], u, side="right")]
    low = 0.0 if q.low is None else q.low
    high = 1.0 if q.high is None else q.high
    if q.dist == "loguniform":
        return np.exp(math.log(low) + (math.log(high) - math.log(low)) * u)
    return low + (high - low) * _unit_shape(q, u, high - low, low)


def _unit_shape(q: Quantity, u: np.ndarray, width: float, low: float) -> np.ndarray:
    """Quantiles on (0, 1) of a family that is then stretched over low..high."""
    if q.dist == "uniform":
        return u
    if q.dist == "beta":
        return betaincinv(q.a, q.b, u)
    assert q.mode is not None
    peak = (q.mode - low) / width
    if q.dist == "pert":
        return betaincinv(1.0 + _PERT_WEIGHT * peak, 1.0 + _PERT_WEIGHT * (1.0 - peak), u)
    rising = np.sqrt(u * peak)
    return np.where(u < peak, rising, 1.0 - np.sqrt((1.0 - u) * (1.0 - peak)))
