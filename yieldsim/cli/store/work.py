"""``yieldsim work``: compute a share of the blocks of a store."""

from __future__ import annotations

import json
import sys

import click

from yieldsim.cli.environment import one_blas_thread
from yieldsim.cli.options import as_json, store_argument
from yieldsim.errors import RetryError

__all__ = ["work"]


@click.command()
@store_argument
@click.option("--task", type=click.IntRange(0), help="Number of this task, from 0.")
@click.option("--tasks", type=click.IntRange(1), help="How many tasks share the blocks.")
@click.option("--blocks", metavar="A-B", help="The blocks A to B instead of a task's share.")
@click.option("--threads", type=click.IntRange(1), help="How many cores to use.  [default: all]")
@click.option("--log", is_flag=True, help="Print a line for each block, also on a terminal.")
@as_json
def work(
    store: str,
    task: int | None,
    tasks: int | None,
    blocks: str | None,
    threads: int | None,
    log: bool,
    as_json: bool,
) -> None:
    """Compute a task's share of the blocks of a store.

    Without --task and --tasks they are read from the variables of Slurm, PBS, SGE or LSF (PBS does
    not give the number of tasks). Blocks that are stored and undamaged are skipped. SIGTERM,
    SIGUSR1 and SIGHUP end the task after the blocks under way, with exit code 75: run it again.
    """
    one_blas_thread()
    from yieldsim.execute.signals import Stopped, stop_signals_raise

    try:
        with stop_signals_raise():
            from yieldsim.execute import work_store

            result = work_store(
                store,
                task=task,
                tasks=tasks,
                blocks=blocks,
                threads=threads,
                progress=True,
                log=log or not sys.stderr.isatty(),
            )
    except Stopped as stop:
        problem = f"interrupted by {stop}; the same command continues"
        raise RetryError(store, problem) from None
    if as_json:
        record = {
            "store": str(result.place),
            "blocks": [result.blocks[0], result.blocks[-1]] if result.blocks else [],
            "blocks_computed": result.blocks_computed,
            "threads": result.threads,
            "seconds": round(result.seconds, 3),
        }
        click.echo(json.dumps(record, indent=2, ensure_ascii=False))
        return
    count = len(result.blocks)
    click.echo(
        f"{result.place}: {count} of {result.plan.blocks} blocks done by this task, "
        f"{result.blocks_computed} of them computed now, in {result.seconds:.1f} s"
    )
