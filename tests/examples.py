"""How much of a long test `make test` runs; `make test-full` runs all of it."""

import os
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import settings


def examples(count: int) -> settings:
    """At least ten of ``count`` examples; all of them where YIELDSIM_ALL_EXAMPLES is set."""
    everything = bool(os.environ.get("YIELDSIM_ALL_EXAMPLES"))
    return settings(max_examples=count if everything else max(10, count // 4))


def thinned(cases: Iterable[Any], every: int) -> list[Any]:
    """The cases of a grid, all but each ``every``-th marked slow."""
    rows = [case if isinstance(case, tuple) else (case,) for case in cases]
    slow = pytest.mark.slow
    return [pytest.param(*row, marks=[slow] * (i % every != 0)) for i, row in enumerate(rows)]
