"""Stages that a second process imports by name."""

import time
from typing import Any

from yieldsim.kernels.jit import stage_jit


@stage_jit
def doubled(values: Any, i: int) -> float:
    return 2.0 * values[i]  # type: ignore[no-any-return]


@stage_jit
def squared(values: Any, i: int, scale: float) -> float:
    return scale * values[i] * values[i]  # type: ignore[no-any-return]


class Slow:
    """A stage that takes longer to compile than any test waits."""

    def compile(self, kinds: Any) -> None:
        print("begins", flush=True)
        time.sleep(600.0)


slow = Slow()
