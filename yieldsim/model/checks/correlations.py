"""Cross-checks of rank correlations between uncertain parameters."""

from __future__ import annotations

import numpy as np

from yieldsim.errors import ModelError
from yieldsim.model.correlations import correlated_groups
from yieldsim.model.parameters import Parameter
from yieldsim.model.schema import Model

# below it the Cholesky root loses the digits that tell a singular matrix from a sound one
_LEAST_EIGENVALUE = 1e-9


def check_correlations(model: Model, declared: list[Parameter]) -> None:
    """Raise ModelError for a pair that cannot be correlated, and for ranks that contradict."""
    uncertain = {p.path for p in declared if p.uncertain}
    name_of: dict[frozenset[str], str] = {}
    for name, correlation in model.correlations.items():
        where = f"correlations.{name}.between"
        for path in correlation.between:
            if path not in uncertain:
                fixed = any(p.path == path for p in declared)
                problem = "is not uncertain" if fixed else "is not a parameter"
                allowed = "a path of `yieldsim show` with a distribution"
                raise ModelError(where, problem, got=path, allowed=allowed)
        pair = frozenset(correlation.between)
        if len(pair) == 1:
            raise ModelError(where, "names one parameter twice", got=correlation.between[0])
        if pair in name_of:
            problem = f"repeats the pair of correlations.{name_of[pair]}"
            got = " and ".join(correlation.between)
            raise ModelError(where, problem, got=got, allowed="one rank per pair")
        name_of[pair] = name
    for paths, matrix in correlated_groups(model):
        if np.linalg.eigvalsh(matrix)[0] < _LEAST_EIGENVALUE:
            problem = f"contradict each other, got those of {', '.join(paths)}"
            allowed = "ranks with a positive definite matrix"
            raise ModelError("correlations", problem, allowed=allowed)
