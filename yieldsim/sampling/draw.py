"""Uncertain parameters: one draw per realization and parameter, through the inverse CDF.

A parameter's uniforms are tied to its path: that of realization r is Philox with the counter (hash
of the path, PARAMETER stream, r). So a new parameter or scenario leaves all other draws as they
were, any realization can be drawn on its own, and their number can grow. A Gaussian copula induces
rank correlations. A design (`yieldsim.design`) may give values or spread the uniforms.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable

import numpy as np
from scipy.special import ndtr, ndtri

from yieldsim.design import RANDOM, SOBOL, Design
from yieldsim.errors import ModelError
from yieldsim.kernels.philox import STREAM_PARAMETER, column_uniforms
from yieldsim.model import Model, Quantity, Schedule, parameters
from yieldsim.model.correlations import correlated_groups
from yieldsim.model.schema.fields import Entity, neutral_value
from yieldsim.sampling.quantiles import inverse_cdf
from yieldsim.sampling.sobol import sobol_uniforms
from yieldsim.units import conversion_factor


def path_entity(path: str) -> int:
    """64-bit hash of a name, the same on every machine and in every run."""
    return int.from_bytes(hashlib.blake2b(path.encode(), digest_size=8).digest(), "little")


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
        self._raised = [
            (number, p.item)
            for number, p in enumerate(self.declared)
            if isinstance(p.item, Quantity) and p.item.ratio != 1.0
        ]
        self._groups = [
            (paths, np.linalg.cholesky(matrix)) for paths, matrix in correlated_groups(model)
        ]

    @property
    def width(self) -> int:
        """Number of columns."""
        return len(self.declared)

    def draw(self, seed: int, first: int, count: int, design: Design = RANDOM) -> np.ndarray:
        """Values of realizations first..first+count-1: float64[realization, column].

        What the design gives takes the place of draws. All other draws stay as they were, also
        those that are correlated with a given parameter.
        """

        def uniforms(path: str) -> np.ndarray:
            u = self._uniforms(path, seed, first, count)
            return sobol_uniforms(u, path, seed, first) if design.name == SOBOL else u

        scores = self._correlated_scores(uniforms)

        def quantiles(path: str, item: Quantity) -> np.ndarray:
            given = design.given(path, first, count)
            if given is not None:
                return given
            return inverse_cdf(item, ndtr(scores[path]) if path in scores else uniforms(path))

        return self._values(count, quantiles)

    def medians(self) -> dict[str, float]:
        """The median of each parameter by its path, NaN for a schedule."""
        values = self._values(1, lambda path, item: inverse_cdf(item, np.array([0.5])))[0]
        return {path: float(values[number]) for path, number in self.column.items()}

    def _values(self, count: int, quantiles: Callable[[str, Quantity], np.ndarray]) -> np.ndarray:
        """Values (count, width), given those of each uncertain parameter."""
        values = np.repeat(self._fixed[:, None], count, axis=1)  # contiguous by parameter
        for number, path, item in self._varying:
            if item.ref is not None:
                shared = self.column[f"shared.{item.ref}"]
                values[number] = values[shared] * self._ref_factor[path]
            else:
                values[number] = quantiles(path, item)
        for number, raised in self._raised:
            values[number] = np.minimum(values[number] * raised.ratio, raised.most)
        return values.T

    def _uniforms(self, path: str, seed: int, first: int, count: int) -> np.ndarray:
        u = np.empty(count)
        column_uniforms(
            np.uint64(seed), np.uint64(self._entities[path]), STREAM_PARAMETER, np.uint64(first), u
        )
        return u

    def _correlated_scores(self, uniforms: Callable[[str], np.ndarray]) -> dict[str, np.ndarray]:
        """Standard normal scores of the correlated parameters (Gaussian copula)."""
        scores: dict[str, np.ndarray] = {}
        for paths, root in self._groups:
            own = np.stack([ndtri(uniforms(path)) for path in paths])
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
        curve = (low + position * (high - low)) * self.by_path.get(f"{path}.scale", 1.0)
        for name in schedule.factors:
            curve = curve * self.curve(f"factors.{name}", self.model.factors[name], times)
        return curve
