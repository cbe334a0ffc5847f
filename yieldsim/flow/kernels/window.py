"""The window of time that is counted, from the end of the warm-up to the end of the run."""

from __future__ import annotations

from yieldsim.flow.kernels.records import LineState
from yieldsim.kernels.jit import inline_jit

__all__ = ["counted_minutes", "is_counted"]


@inline_jit
def is_counted(state: LineState) -> bool:
    """Tell whether the present moment lies in the counted window."""
    run = state.run[0]
    return run.window_start <= run.now <= run.window_end


@inline_jit
def counted_minutes(state: LineState, start: float, end: float) -> float:
    """Return the minutes of [start, end] that lie in the counted window."""
    run = state.run[0]
    return max(0.0, min(end, run.window_end) - max(start, run.window_start))
