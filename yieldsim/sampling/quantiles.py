"""Inverse distribution functions of a model's quantities."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from scipy.special import betaincinv, ndtr, ndtri

from yieldsim.model import Quantity
from yieldsim.sampling.beta_table import LEAST_SHAPE, beta_table

_LEAST_U = 2.0**-53  # uniforms are the midpoints of 2^52 cells of (0, 1)
_PERT_WEIGHT = 4.0  # lambda of the PERT distribution, Malcolm et al. 1959

Law = Callable[[np.ndarray], np.ndarray]  # quantiles at probabilities (quantity, count)


def inverse_cdf(quantity: Quantity, u: np.ndarray) -> np.ndarray:
    """Quantiles of a distribution at probabilities ``u`` in [0, 1], in the field's unit.

    The result has the shape of ``u``, rises with ``u`` and stays within `Quantity.support` despite
    rounding. ``quantity`` must have a distribution.
    """
    return Quantiles([quantity])(u.reshape(1, -1)).reshape(u.shape)


class Quantiles:
    """`inverse_cdf` of many quantities: those of a kind at once, as each call of NumPy counts."""

    def __init__(self, quantities: Sequence[Quantity]) -> None:
        rows: dict[str, list[int]] = {}
        for row, quantity in enumerate(quantities):
            rows.setdefault(_kind(quantity), []).append(row)
        self._laws = [
            (np.array(own), _LAWS[kind]([quantities[row] for row in own]))
            for kind, own in rows.items()
        ]
        about = np.array([(*q.raw_support(), q.factor) for q in quantities]).reshape(-1, 3, 1)
        self._low, self._high, self._factor = about.swapaxes(0, 1)

    def __call__(self, u: np.ndarray) -> np.ndarray:
        """Quantiles at probabilities (quantity, count)."""
        inside = np.clip(u, _LEAST_U, 1.0 - _LEAST_U)
        raw = np.empty(u.shape)
        for rows, law in self._laws:
            raw[rows] = law(inside[rows])
        return np.clip(raw, self._low, self._high) * self._factor


def _columns(rows: Sequence[Sequence[float]]) -> np.ndarray:
    """Columns (quantity, 1) of what each quantity has."""
    return np.array(rows, np.float64).T[..., None]


def _kind(q: Quantity) -> str:
    assert q.dist is not None
    if q.dist in ("beta", "pert"):
        return "tabulated" if min(_shape(q)) >= LEAST_SHAPE else "beta"
    return q.dist


def _normal(quantities: Sequence[Quantity]) -> Law:
    """Three quantiles give each side of the median its own scale."""
    centre, below, above = _columns([q.location() for q in quantities])
    low, high = _columns([_cuts(q) for q in quantities])

    def law(u: np.ndarray) -> np.ndarray:
        z = ndtri(np.clip(low + (high - low) * u, _LEAST_U, 1.0 - _LEAST_U))
        return centre + z * np.where(z < 0.0, below, above)

    return law


def _cuts(q: Quantity) -> tuple[float, float]:
    """The probabilities at which a distribution is cut off."""
    low = 0.0 if q.min is None else ndtr(q.z_of(q.min))
    return low, 1.0 if q.max is None else ndtr(q.z_of(q.max))


def _lognormal(quantities: Sequence[Quantity]) -> Law:
    logarithm = _normal(quantities)
    return lambda u: np.exp(logarithm(u))


def _discrete(quantities: Sequence[Quantity]) -> Law:
    steps = []
    for q in quantities:
        assert q.values is not None and q.weights is not None
        steps.append((np.array(q.values), (np.cumsum(q.weights) / np.sum(q.weights))[:-1]))

    def law(u: np.ndarray) -> np.ndarray:
        rows = zip(steps, u, strict=True)
        return np.stack([values[np.searchsorted(e, row, "right")] for (values, e), row in rows])

    return law


def _loguniform(quantities: Sequence[Quantity]) -> Law:
    low, high = _columns([tuple(map(math.log, q.raw_support())) for q in quantities])
    return lambda u: np.exp(low + (high - low) * u)


def _uniform(quantities: Sequence[Quantity]) -> Law:
    return _stretched(quantities, lambda u: u)


def _triangular(quantities: Sequence[Quantity]) -> Law:
    (peak,) = _columns([(_peak(q),) for q in quantities])

    def law(u: np.ndarray) -> np.ndarray:
        return np.where(u < peak, np.sqrt(u * peak), 1.0 - np.sqrt((1.0 - u) * (1.0 - peak)))

    return _stretched(quantities, law)


def _beta(quantities: Sequence[Quantity]) -> Law:
    a, b = _columns([_shape(q) for q in quantities])
    return _stretched(quantities, lambda u: betaincinv(a, b, u))


def _tabulated(quantities: Sequence[Quantity]) -> Law:
    shapes = [_shape(q) for q in quantities]
    distinct = list(dict.fromkeys(shapes))
    table, rows = beta_table(tuple(distinct)), np.array([distinct.index(s) for s in shapes])
    return _stretched(quantities, lambda u: table(u, rows))


def _shape(q: Quantity) -> tuple[float, float]:
    """The shapes a and b of a beta or PERT distribution."""
    if q.dist == "beta":
        assert q.a is not None and q.b is not None
        return q.a, q.b
    return 1.0 + _PERT_WEIGHT * _peak(q), 1.0 + _PERT_WEIGHT * (1.0 - _peak(q))


def _peak(q: Quantity) -> float:
    """Where the mode lies between the lowest and the highest value, from 0 to 1."""
    low, high = q.raw_support()
    assert q.mode is not None
    return (q.mode - low) / (high - low)


def _stretched(quantities: Sequence[Quantity], law: Law) -> Law:
    """A law on (0, 1) stretched over the support of each quantity."""
    low, high = _columns([q.raw_support() for q in quantities])
    return lambda u: low + (high - low) * law(u)


_LAWS: dict[str, Callable[[Sequence[Quantity]], Law]] = {
    "normal": _normal,
    "lognormal": _lognormal,
    "discrete": _discrete,
    "loguniform": _loguniform,
    "uniform": _uniform,
    "triangular": _triangular,
    "beta": _beta,
    "tabulated": _tabulated,
}
