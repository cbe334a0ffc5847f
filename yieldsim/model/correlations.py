"""Groups of correlated parameters and their matrices."""

from __future__ import annotations

import math

import numpy as np

from yieldsim.model.schema import Model


def correlated_groups(model: Model) -> list[tuple[list[str], np.ndarray]]:
    """Groups of parameters linked by correlations: paths, and float64[path, path] of each group.

    The matrix holds Pearson's correlations of a Gaussian copula, 2 sin(pi r / 6) for Spearman's
    rank correlation r (Pearson 1907).
    """
    wanted = {tuple(sorted(c.between)): c.rank for c in model.correlations.values()}
    groups: list[set[str]] = []
    for pair in wanted:
        joined = set(pair).union(*(group for group in groups if group & set(pair)))
        groups = [group for group in groups if not group & joined] + [joined]
    matrices = []
    for group in groups:
        paths = sorted(group)
        matrix = np.eye(len(paths))
        for (a, b), rank in wanted.items():
            if a in group:
                i, j = paths.index(a), paths.index(b)
                matrix[i, j] = matrix[j, i] = 2.0 * math.sin(math.pi * rank / 6.0)
        matrices.append((paths, matrix))
    return matrices
