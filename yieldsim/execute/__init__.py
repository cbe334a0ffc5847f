"""Running a simulation block by block: on this machine, in job arrays and on Dask."""

from yieldsim.execute.ensemble_run import (
    RunResult,
    execute,
    finalize_store,
    init_store,
    run,
    work_store,
)

__all__ = ["RunResult", "execute", "finalize_store", "init_store", "run", "work_store"]
