"""``yieldsim run``: simulate a model into an ensemble store and print the result."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

import click

from yieldsim.cli.environment import one_blas_thread
from yieldsim.cli.options import allow_outside, as_json, model_argument, run_options
from yieldsim.errors import IncompleteError

if TYPE_CHECKING:
    import xarray as xr

    from yieldsim.execute import RunResult
    from yieldsim.model import ModelFile

__all__ = ["run"]


@click.command()
@model_argument
@run_options
@click.option("--threads", type=click.IntRange(1), help="How many cores to use.  [default: all]")
@click.option("--out", type=click.Path(), help="The store.  [default: ./MODEL.zarr]")
@click.option("--log", is_flag=True, help="Print a line on stderr for each block.")
@click.option(
    "--executor",
    type=click.Choice(["local", "dask"]),
    default="local",
    show_default=True,
    help="Threads of this process, or a Dask cluster (--threads processes without a scheduler).",
)
@click.option("--scheduler", metavar="ADDRESS", help="Address of a Dask scheduler.")
@click.option("--scheduler-file", type=click.Path(), help="The file of a Dask scheduler.")
@click.option(
    "--dry-run",
    is_flag=True,
    help="Print the core-hours, bytes, files and memory of the run, and write nothing.",
)
@allow_outside
@as_json
def run(
    model: str,
    out: str | None,
    allow_outside: tuple[str, ...],
    as_json: bool,
    dry_run: bool,
    **options: Any,
) -> None:
    """Simulate MODEL into an ensemble store, or continue a store.

    MODEL is a file or the name of a model that ships with the package. The same command again
    continues a store that is not complete, and computes damaged blocks again. It reads every byte
    of a complete store with up to 1 GiB of results. Of a larger one it reads the metadata and
    records, and compares the sizes of the other files (`yieldsim verify` reads every byte). A store
    of another model, seed, scenario, number of realizations or block size is refused. Ctrl-C,
    SIGTERM, SIGUSR1 and SIGHUP end the run after the blocks under way.
    """
    one_blas_thread()
    from yieldsim.execute.signals import Stopped, stop_signals_raise

    try:
        with stop_signals_raise():
            from yieldsim.execute import execute
            from yieldsim.model import load_file

            file = load_file(model, allow_outside)
            out = f"{file.place}.zarr" if out is None else out
            if dry_run:
                click.echo(_dry_run(file, out, as_json, **options))
                return
            _note_defaults(file, **options)
            meanwhile = _load_modules_of_table if not as_json else lambda: None
            result = execute(file, out=out, progress=True, meanwhile=meanwhile, **options)
            text = _json(result) if as_json else f"{_table(out)}\n{_closing_line(result)}"
    except Stopped as stop:
        problem = f"interrupted by {stop}; the same command continues"
        raise IncompleteError(out or model, problem) from None
    click.echo(text)


def _note_defaults(
    file: ModelFile, scenarios: tuple[str, ...], changes: tuple[str, ...], **_: Any
) -> None:
    """Name on stderr what the products of the first scenario leave to defaults."""
    from yieldsim.model.silent_defaults import default_notes, silent_defaults

    changed = file.with_changes(changes)
    model = changed.model(changed.scenario_names(scenarios)[0])
    for note in default_notes(silent_defaults(model)):
        click.echo(note, err=True)


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


def _load_modules_of_table() -> None:
    """Import what the table needs while kernels run."""
    import yieldsim.analysis.supply.usable_chips
    import yieldsim.ensemble.reading.plain
    import yieldsim.report  # noqa: F401


def _table(store: str) -> str:
    """Usable AI chips in total by quarter, and of each product by year."""
    from yieldsim.analysis.supply.usable_chips import summarize
    from yieldsim.ensemble import open_plain
    from yieldsim.report import summary_text

    # it has as much of a Dataset as this summary needs
    ds = cast("xr.Dataset", open_plain(store))
    return summary_text(summarize(ds), by_quarter=["total"])


def _closing_line(result: RunResult) -> str:
    from yieldsim.execute.progress import several

    plan = result.plan
    of = several(len(plan.scenarios), "scenario")
    what = f"{several(plan.realizations, 'realization')} of {of}"
    if result.already_complete:
        return f"ensemble: {result.place} (was complete: {what}, seed {plan.seed})"
    return f"ensemble: {result.place} ({what}, seed {plan.seed}, in {result.seconds:.1f} s)"


def _dry_run(file: ModelFile, out: str, as_json: bool, threads: int | None, **options: Any) -> str:
    """What the run would cost."""
    from dataclasses import asdict

    from yieldsim.execute.cores import available_cores
    from yieldsim.execute.estimate import estimate
    from yieldsim.execute.job import new_job
    from yieldsim.execute.progress import several

    for name in ("log", "executor", "scheduler", "scheduler_file"):
        options.pop(name)
    threads = threads or available_cores()
    job = new_job(file, out=out, **options)
    cost, plan = estimate(job, threads), job.plan
    if as_json:
        shape = {"blocks": plan.blocks, "block_size": plan.block_size, "threads": threads}
        record = {"store": out, "written": False, **asdict(cost), **shape}
        return json.dumps(record, indent=2, ensure_ascii=False)
    rate = f"{1e3 * cost.seconds_per_realization:.3g} ms a realization"
    how = f"measured now on one core with {cost.measured_realizations} realizations"
    of = several(len(plan.scenarios), "scenario")
    lines = [
        f"{several(plan.realizations, 'realization')} of {of}, "
        f"{plan.blocks:,} blocks of {plan.block_size:,}",
        f"core-hours  {cost.core_hours:.3g} ({rate}, {how})",
        f"hours       {cost.hours:.3g} on {several(threads, 'core')}",
        f"disk        {_size(cost.bytes)}",
        f"files       {cost.files:,}",
        f"memory      {_size(cost.memory_bytes)}",
        "nothing was written",
    ]
    return "\n".join(lines)


def _size(count: float) -> str:
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000.0:
            return f"{count:.3g} {unit}"
        count /= 1000.0
    return f"{count:.4g} TB"
