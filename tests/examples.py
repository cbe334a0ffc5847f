"""How much of a long test `make test` runs; `make test-full` runs all of it."""

import os
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import settings

EVERYTHING = bool(os.environ.get("YIELDSIM_ALL_EXAMPLES"))
USUAL_EXAMPLES = 100 if EVERYTHING else 25  # of a property that names no number of its own


def examples(count: int) -> settings:
    """At least ten of ``count`` examples; all of them where YIELDSIM_ALL_EXAMPLES is set."""
    return settings(max_examples=count if EVERYTHING else max(10, count // 4))


def some(cases: Iterable[Any], most: int = 4) -> list[Any]:
    """Return at most ``most`` cases, evenly spaced from the first. `make test-full` runs all."""
    rows = list(cases)
    return rows if EVERYTHING else rows[:: -(-len(rows) // most) or 1]


def thinned(cases: Iterable[Any], every: int) -> list[Any]:
    """The cases of a grid, all but each ``every``-th marked slow."""
    rows = [case if isinstance(case, tuple) else (case,) for case in cases]
    slow = pytest.mark.slow
    return [pytest.param(*row, marks=[slow] * (i % every != 0)) for i, row in enumerate(rows)]
