"""Who runs which block: here, on this machine."""

from .whole_run import RunResult, execute, run

__all__ = ["RunResult", "execute", "run"]
