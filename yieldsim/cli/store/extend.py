"""``yieldsim extend``: add realizations or scenarios to a finished store."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from yieldsim.cli.options import as_json, store_argument
from yieldsim.errors import IncompleteError

if TYPE_CHECKING:
    from yieldsim.execute import RunResult

__all__ = ["extend"]


@click.command()
@store_argument
@click.option(
    "--realizations",
    type=click.IntRange(1, 2**32),
    help="Number of realizations that the store is to hold.  [default: as many as now]",
)
@click.option(
    "--scenario",
    "scenarios",
    metavar="NAME",
    multiple=True,
    help="A scenario of the stored model to add; can be repeated.",
)
@click.option("--threads", type=click.IntRange(1), help="How many cores to use.  [default: all]")
@click.option("--log", is_flag=True, help="Print a line on stderr for each block.")
@as_json
def extend(
    store: str,
    realizations: int | None,
    scenarios: tuple[str, ...],
    threads: int | None,
    log: bool,
    as_json: bool,
) -> None:
    """Add realizations or scenarios to a finished store.

    The results equal those of a run that had them from the start. What is stored is not computed
    again. The command needs nothing but the store. Until the command ends the store is incomplete;
    the same command continues. A scenario with other products, fabs or parameters is refused.
    """
    from yieldsim.execute.signals import Stopped, stop_signals_raise

    try:
        with stop_signals_raise():
            from yieldsim.execute.extend import extend_store

            result = extend_store(
                store,
                realizations=realizations,
                scenarios=scenarios,
                threads=threads,
                progress=True,
                log=log,
            )
    except Stopped as stop:
        problem = f"interrupted by {stop}; the same command continues"
        raise IncompleteError(store, problem) from None
    click.echo(result_json(result) if as_json else result_line(result))


def result_json(result: RunResult) -> str:
    """What a store holds and what was done, as JSON."""
    plan = result.plan
    record = {
        "store": str(result.place),
        "complete": True,
        "scenarios": list(plan.scenarios),
        "realizations": plan.realizations,
        "blocks": plan.blocks,
        "blocks_written": result.blocks_computed,
        "seconds": round(result.seconds, 3),
    }
    return json.dumps(record, indent=2, ensure_ascii=False)


def result_line(result: RunResult) -> str:
    """What a store holds and what was done, in a line."""
    from yieldsim.execute.progress import several

    plan = result.plan
    return (
        f"{result.place}: complete, {several(plan.realizations, 'realization')} of "
        f"{several(len(plan.scenarios), 'scenario')}, "
        f"{result.blocks_computed} of {plan.blocks} blocks written now, in {result.seconds:.1f} s"
    )
