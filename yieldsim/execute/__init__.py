"""Running a simulation block by block on this machine."""

from yieldsim.execute.ensemble_run import RunResult, execute, run

__all__ = ["RunResult", "execute", "run"]
