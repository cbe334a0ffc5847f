"""``yieldsim run``: simulate a model into an ensemble store and print the result."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from yieldsim.cli.options import allow_outside, as_json, model_argument, run_options
from yieldsim.errors import IncompleteError

if TYPE_CHECKING:
    from yieldsim.execute import RunResult

__all__ = ["run"]


@click.command()
@model_argument
@run_options
@click.option("--threads", type=click.IntRange(1), help="How many cores to use.  [default: all]")
@click.option("--out", type=click.Path(), help="The store.  [default: ./MODEL.zarr]")
@click.option("--log", is_flag=True, help="Print a line on stderr for each block.")
@allow_outside
@as_json
def run(
    model: str, out: str | None, allow_outside: tuple[str, ...], as_json: bool, **options: Any
) -> None:
    """Simulate MODEL into an ensemble store, or continue a store.

    MODEL is a file or the name of a model that ships with the package. The same command again
    continues a store that is not complete, and computes damaged blocks again. A store of another
    model, seed, scenario, number of realizations or block size is refused. Ctrl-C, SIGTERM, SIGUSR1
    and SIGHUP end it after the blocks under way.
    """
    from yieldsim.execute.signals import Stopped, stop_signals_raise

    try:
        with stop_signals_raise():
            from yieldsim.execute import execute
            from yieldsim.model import load_file

            file = load_file(model, allow_outside)
            out = f"{file.place}.zarr" if out is None else out
            result = execute(file, out=out, progress=True, **options)
            text = _json(result) if as_json else f"{_table(out)}\n{_closing_line(result)}"
    except Stopped as stop:
        problem = f"interrupted by {stop}; the same command continues"
        raise IncompleteError(out or model, problem) from None
    click.echo(text)


def _json(result: RunResult) -> str:
    """What was run."""
    plan = result.plan
    record = {
        "store": str(result.place),
        "complete": True,
        "already_complete": result.already_complete,
        "model": plan.file.place,
        "model_hash": plan.file.digest(plan.scenarios),
        "scenarios": list(plan.scenarios),
        "realizations": plan.realizations,
        "seed": plan.seed,
        "block_size": plan.block_size,
        "blocks": plan.blocks,
        "blocks_computed": result.blocks_computed,
        "threads": result.threads,
        "seconds": round(result.seconds, 3),
    }
    return json.dumps(record, indent=2, ensure_ascii=False)


def _table(store: str) -> str:
    """Usable AI chips in total by quarter, and of each product by year."""
    from yieldsim.analysis import summarize
    from yieldsim.ensemble import open_ensemble
    from yieldsim.report import summary_text

    return summary_text(summarize(open_ensemble(store)), by_quarter=["total"])


def _closing_line(result: RunResult) -> str:
    plan = result.plan
    what = f"{plan.realizations:,} realizations of {len(plan.scenarios)} scenario(s)"
    if result.already_complete:
        return f"ensemble: {result.place} (was complete: {what}, seed {plan.seed})"
    return f"ensemble: {result.place} ({what}, seed {plan.seed}, in {result.seconds:.1f} s)"
