"""A run on a cluster of Dask-jobqueue: `pip install 'yieldsim[dask]' dask-jobqueue`.

    python runs/dask_jobqueue_run.py baseline store.zarr --realizations 100000 --jobs 20

The store must be on a path that all nodes share. Called again, it continues the store.
"""

from __future__ import annotations

import argparse

from yieldsim.execute import execute

CORES, MEMORY, WALLTIME = 4, "8GB", "04:00:00"


def main() -> None:
    """Start the jobs, compute the missing blocks on them, and finalize the store."""
    from dask_jobqueue import SLURMCluster  # PBSCluster, SGECluster and LSFCluster take the same

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("store")
    parser.add_argument("--realizations", type=int, default=256)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    # A worker for each core: blocks are computed side by side, and memory is that of one block.
    with SLURMCluster(cores=CORES, processes=CORES, memory=MEMORY, walltime=WALLTIME) as cluster:
        cluster.scale(jobs=options.jobs)
        result = execute(
            options.model,
            realizations=options.realizations,
            seed=options.seed,
            out=options.store,
            executor="dask",
            scheduler=cluster.scheduler_address,
            log=True,
        )
    print(f"{result.place}: {result.blocks_computed} blocks computed in {result.seconds:.0f} s")


if __name__ == "__main__":
    main()
