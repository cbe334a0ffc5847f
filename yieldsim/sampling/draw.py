"""Uncertain parameters: one draw per realization and parameter, through the inverse CDF.

A parameter's uniforms are tied to its path: that of realization r is Philox with the counter (hash
of the path, PARAMETER stream, r). So a new parameter or scenario leaves all other draws as they
were, any realization can be drawn on its own, and their number can grow. A Gaussian copula induces
rank correlations. A design (`yieldsim.design`) may give values or spread the uniforms.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np
from scipy.special import ndtr, ndtri

from yieldsim.design import RANDOM, SOBOL, Design
from yieldsim.errors import ModelError
from yieldsim.kernels.philox import STREAM_PARAMETER, column_uniforms
from yieldsim.model import Model, Quantity, Schedule, parameters
from yieldsim.model.correlations import correlated_groups
from yieldsim.model.schema.fields import Entity, neutral_value
from yieldsim.sampling.quantiles import Quantiles
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
        # fixed values are looked up once; NaN for a schedule, whose points are in compiled curves
        self._fixed = np.full(len(self.declared), np.nan)
        self._drawn: dict[str, Quantity] = {}
        self._refs: list[tuple[int, int, float]] = []  # number, that of the shared one, factor
        for number, p in enumerate(self.declared):
            if not isinstance(p.item, Quantity):
                continue
            if p.item.value is not None:
                self._fixed[number] = p.item.value * p.item.factor
            elif p.item.ref is not None:
                factor = conversion_factor(model.shared[p.item.ref].unit or "1", p.spec.unit)
                self._refs.append((number, self.column[f"shared.{p.item.ref}"], factor))
            else:
                self._drawn[p.path] = p.item
        self._numbers = [self.column[path] for path in self._drawn]
        self._quantiles = Quantiles(list(self._drawn.values()))
        self._raised = [
            (number, p.item)
            for number, p in enumerate(self.declared)
            if isinstance(p.item, Quantity) and p.item.ratio != 1.0
        ]
        row = {path: number for number, path in enumerate(self._drawn)}
        self._groups = [
            ([row[path] for path in paths], np.linalg.cholesky(matrix))
            for paths, matrix in correlated_groups(model)
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
        u = np.empty((len(self._drawn), count))
        for own, path in zip(u, self._drawn, strict=True):
            entity = np.uint64(self._entities[path])
            column_uniforms(np.uint64(seed), entity, STREAM_PARAMETER, np.uint64(first), own)
            if design.name == SOBOL:
                own[:] = sobol_uniforms(own, path, seed, first)
        self._correlate(u)
        drawn = self._quantiles(u)
        for own, path in zip(drawn, self._drawn, strict=True):
            given = design.given(path, first, count)
            if given is not None:
                own[:] = given
        return self._values(drawn)

    def medians(self) -> dict[str, float]:
        """The median of each parameter by its path, NaN for a schedule."""
        values = self._values(self._quantiles(np.full((len(self._drawn), 1), 0.5)))[0]
        return {path: float(values[number]) for path, number in self.column.items()}

    def _values(self, drawn: np.ndarray) -> np.ndarray:
        """Values (count, width), given those of each uncertain parameter (parameter, count)."""
        # contiguous by parameter
        values = np.repeat(self._fixed[:, None], drawn.shape[1], axis=1)
        values[self._numbers] = drawn
        for number, shared, factor in self._refs:
            values[number] = values[shared] * factor
        for number, raised in self._raised:
            values[number] = np.minimum(values[number] * raised.ratio, raised.most)
        return values.T

    def _correlate(self, u: np.ndarray) -> None:
        """Let the uniforms (parameter, count) of correlated parameters follow a Gaussian copula."""
        for rows, root in self._groups:
            own = ndtri(u[rows])
            # summed in a fixed order; the rounding of a matrix product can depend on its size
            for number, row in enumerate(rows):
                u[row] = ndtr(sum(root[number, k] * own[k] for k in range(number + 1)))


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
