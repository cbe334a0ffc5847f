"""Uncertain parameters: one draw per realization and parameter, through the inverse CDF.

A parameter's uniforms are tied to its path: that of realization r is Philox with the counter (hash
of the path, PARAMETER stream, r). So a new parameter or scenario leaves all other draws as they
were, any realization can be drawn on its own, and their number can grow. A Gaussian copula induces
rank correlations.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable

import numpy as np
from scipy.special import betaincinv, ndtr, ndtri

from yieldsim.errors import ModelError
from yieldsim.kernels.philox import STREAM_PARAMETER, column_uniforms
from yieldsim.model import Model, Quantity, Schedule, parameters
from yieldsim.model.correlations import correlated_groups
from yieldsim.model.schema.fields import Entity, neutral_value
from yieldsim.units import conversion_factor

_LEAST_U = 2.0**-53  # uniforms are the midpoints of 2^52 cells of (0, 1)
_PERT_WEIGHT = 4.0  # lambda of the PERT distribution, Malcolm et al. 1959


def path_entity(path: str) -> int:
    """64-bit hash of a name, the same on every machine and in every run."""
    return int.from_bytes(hashlib.blake2b(path.encode(), digest_size=8).digest(), "little")


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


class Sampler:
    """Draws the parameters of one checked model, in columns in the order of `parameters`.

    A reference has the value of its shared quantity in the unit of its own field.
    """

    def __init__(self, model: Model) -> None:
        self.declared = parameters(model)
        self.column = {p.path: number for number, p in enumerate(self.declared)}
        self.uncertain = [p.path for p in self.declared if p.uncertain]
        self._entities = {path: path_entity(path) for path in self.uncertain}
        if len(set(self._entities.values())) != len(self.uncertain):
            raise ModelError("parameters", "two paths share a hash; rename one of them")
        self._ref_factor = {
            p.path: conversion_factor(model.shared[p.item.ref].unit or "1", p.spec.unit)
            for p in self.declared
            if isinstance(p.item, Quantity) and p.item.ref is not None
        }
        # fixed values are looked up once; NaN for a schedule, whose points are in compiled curves
        self._fixed = np.full(len(self.declared), np.nan)
        self._varying: list[tuple[int, str, Quantity]] = []
        for number, p in enumerate(self.declared):
            if isinstance(p.item, Quantity) and p.item.value is not None:
                self._fixed[number] = p.item.value * p.item.factor
            elif isinstance(p.item, Quantity):
                self._varying.append((number, p.path, p.item))
        self._groups = [
            (paths, np.linalg.cholesky(matrix)) for paths, matrix in correlated_groups(model)
        ]

    @property
    def width(self) -> int:
        """Number of columns."""
        return len(self.declared)

    def draw(self, seed: int, first: int, count: int) -> np.ndarray:
        """Values of realizations first..first+count-1: float64[realization, column]."""
        scores = self._correlated_scores(seed, first, count)

        def uniforms(path: str) -> np.ndarray:
            if path in scores:
                return ndtr(scores[path])
            return self._uniforms(path, seed, first, count)

        return self._values(count, uniforms)

    def medians(self) -> dict[str, float]:
        """The median of each parameter by its path, NaN for a schedule."""
        values = self._values(1, lambda path: np.array([0.5]))[0]
        return {path: float(values[number]) for path, number in self.column.items()}

    def _values(self, count: int, uniforms: Callable[[str], np.ndarray]) -> np.ndarray:
        """Values (count, width), given the ``uniforms`` of each uncertain parameter by its path."""
        values = np.repeat(self._fixed[:, None], count, axis=1)  # contiguous by parameter
        for number, path, item in self._varying:
            if item.ref is not None:
                shared = self.column[f"shared.{item.ref}"]
                values[number] = values[shared] * self._ref_factor[path]
            else:
                values[number] = inverse_cdf(item, uniforms(path))
        return values.T

    def _uniforms(self, path: str, seed: int, first: int, count: int) -> np.ndarray:
        u = np.empty(count)
        column_uniforms(
            np.uint64(seed), np.uint64(self._entities[path]), STREAM_PARAMETER, np.uint64(first), u
        )
        return u

    def _correlated_scores(self, seed: int, first: int, count: int) -> dict[str, np.ndarray]:
        """Standard normal scores of the correlated parameters (Gaussian copula)."""
        scores: dict[str, np.ndarray] = {}
        for paths, root in self._groups:
            own = np.stack([ndtri(self._uniforms(path, seed, first, count)) for path in paths])
            # summed in a fixed order; the rounding of a matrix product can depend on its size
            for row, path in enumerate(paths):
                scores[path] = sum(root[row, k] * own[k] for k in range(row + 1))  # type: ignore[assignment]
        return scores


class Medians:
    """The central case of a model: every parameter at its median."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.by_path = Sampler(model).medians()

    def __call__(self, path: str, entity: Entity, name: str) -> float:
        """Field ``name`` of the entity at ``path``; its neutral value where it is left out."""
        if getattr(entity, name) is None:
            return neutral_value(entity, name)
        return self.by_path[f"{path}.{name}"]

    def row(self, path: str, entity: Entity, names: Iterable[str]) -> dict[str, float]:
        """Several fields of one entity."""
        return {name: self(path, entity, name) for name in names}

    def at(self, path: str) -> float:
        """The median of the parameter at ``path``, 1 where the model does not give it."""
        return self.by_path.get(path, 1.0)

    def curve(self, path: str, schedule: Schedule, times: np.ndarray) -> np.ndarray:
        """The schedule at ``path`` at ``times`` (quarter indices), in the field's unit."""
        low, high = schedule.curves(times)
        position = self.by_path.get(f"{path}.position", 0.0)
        return (low + position * (high - low)) * self.by_path.get(f"{path}.scale", 1.0)
