"""The axes of the results: the labels of a model, and of several scenarios together.

A scenario may add a product, a line, a die, ... The axes of a run are the union over its scenarios:
labels of the first scenario, then those that the next ones add. What a scenario lacks is 0 in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from yieldsim.model import Model
from yieldsim.model.schema.calendar import quarter_range
from yieldsim.supply.compile.columns import CLASSES

Axes = Mapping[str, Sequence[str]]


def axes_of(model: Model) -> dict[str, list[str]]:
    """Return the labels of each dim of a model's results."""
    bins = max(len(die.bins) for die in model.dies.values())
    return {
        "quarter": quarter_range(model.simulation.start, model.simulation.end),
        "fab": list(model.fabs),
        "process": list(model.processes),
        "tool_group": list(model.tool_groups),
        "tool_class": list(CLASSES),
        "die": list(model.dies),
        "bin": [f"bin_{number + 1}" for number in range(bins)],
        "memory": list(model.memory),
        "packaging": list(model.packaging),
        "product": list(model.products),
        "order": list(model.orders),
        "import_source": list(model.imports),
    }


def united_axes(models: Iterable[Model]) -> dict[str, list[str]]:
    """Return the labels of each dim of the results of several scenarios."""
    united: dict[str, dict[str, None]] = {}
    for model in models:
        for dim, labels in axes_of(model).items():
            united.setdefault(dim, {}).update(dict.fromkeys(labels))
    return {dim: list(labels) for dim, labels in united.items()}


def spread(grid: np.ndarray, own: Axes, axes: Axes, dims: Sequence[str]) -> np.ndarray:
    """Return places (quarter, *dims) of a model's own labels among those of ``axes``; else -1."""
    if all(len(own[dim]) == len(axes[dim]) for dim in dims):
        return grid
    whole = np.full((len(grid), *(len(axes[dim]) for dim in dims)), -1)
    places = [[list(axes[dim]).index(label) for label in own[dim]] for dim in dims]
    whole[np.ix_(range(len(grid)), *places)] = grid
    return whole
