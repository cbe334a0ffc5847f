"""Rank correlations between uncertain parameters: their groups and matrices."""

from __future__ import annotations

import math

import numpy as np

from yieldsim.errors import ModelError
from yieldsim.model.parameters import Parameter
from yieldsim.model.schema import Model


def check_correlations(model: Model, found: list[Parameter]) -> None:
    """Raise ModelError for correlations of what is not drawn, and for those that contradict."""
    uncertain = {p.path for p in found if p.uncertain}
    said: dict[frozenset[str], str] = {}
    for name, correlation in model.correlations.items():
        where = f"correlations.{name}.between"
        for path in correlation.between:
            if path not in uncertain:
                sure = any(p.path == path for p in found)
                problem = "is not drawn" if sure else "is no parameter"
                allowed = "a path of `yieldsim show` with a distribution"
                raise ModelError(where, problem, got=path, allowed=allowed)
        pair = frozenset(correlation.between)
        if len(pair) == 1:
            raise ModelError(where, "names one parameter twice", got=correlation.between[0])
        if pair in said:
            problem = f"has the pair of correlations.{said[pair]}, got it again"
            raise ModelError(where, problem, allowed="one rank a pair")
        said[pair] = name
    for paths, matrix in correlated_groups(model):
        if np.linalg.eigvalsh(matrix)[0] < _LEAST_EIGENVALUE:
            problem = f"contradict each other, got those of {', '.join(paths)}"
            allowed = "ranks that can hold at once (a positive definite matrix)"
            raise ModelError("correlations", problem, allowed=allowed)


# below it the Cholesky root loses the digits that tell a singular matrix from a sound one
_LEAST_EIGENVALUE = 1e-9


def correlated_groups(model: Model) -> list[tuple[list[str], np.ndarray]]:
    """Groups of parameters that hang together by correlations, with each one's matrix.

    The matrix is that of Pearson's correlations of a Gaussian copula, 2 sin(pi r / 6) for the rank
    correlation r of Spearman (Pearson 1907).
    """
    wanted = {tuple(sorted(c.between)): c.rank for c in model.correlations.values()}
    groups: list[set[str]] = []
    for pair in wanted:
        joined = set(pair).union(*(group for group in groups if group & set(pair)))
        groups = [group for group in groups if not group & joined] + [joined]
    made = []
    for group in groups:
        paths = sorted(group)
        matrix = np.eye(len(paths))
        for (a, b), rank in wanted.items():
            if a in group:
                i, j = paths.index(a), paths.index(b)
                matrix[i, j] = matrix[j, i] = 2.0 * math.sin(math.pi * rank / 6.0)
        made.append((paths, matrix))
    return made
