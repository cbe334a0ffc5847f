"""`yieldsim flow`: a re-entrant line of the SMT2020 format, simulated event by event."""

from __future__ import annotations

import json
import math
import sys
import time
from threading import Event, Lock
from typing import TYPE_CHECKING, Any

import click

from yieldsim.cli.options import as_json
from yieldsim.errors import UsageError

if TYPE_CHECKING:
    from yieldsim.flow import CompiledLine, FlowResult, GroupFigures, LotFigures, Outcome

__all__ = ["flow"]

_LONGEST_WARMUP_DAYS = 365.0


@click.command()
@click.argument("dataset", metavar="DATASET", type=click.Path())
@click.option("--days", type=float, default=730.0, show_default=True, help="Days to simulate.")
@click.option(
    "--warmup",
    type=float,
    help="Days left out of cycle times, utilization and availability.  "
    "[default: half of the days, at most 365]",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**64 - 1),
    default=0,
    show_default=True,
    help="Seed of all random numbers.",
)
@click.option(
    "--replications",
    type=click.IntRange(1, 2**32),
    default=1,
    show_default=True,
    help="Number of replications.",
)
@click.option("--threads", type=click.IntRange(1), help="Number of threads.  [default: all cores]")
@click.option(
    "--dispatch",
    type=click.Choice(["data", "fifo", "cr", "edd", "slack", "spt"]),
    default="data",
    show_default=True,
    help="Ranking of waiting lots: as in the data set, or by priority and then first come first "
    "served (fifo), critical ratio (cr), due date (edd), time to the due date less the work left "
    "(slack) or processing time of the step (spt).",
)
@click.option(
    "--failure",
    type=click.Choice(["wait", "migrate"]),
    default="wait",
    show_default=True,
    help="When its tool fails, a lot waits for the repair or goes on at another tool.",
)
@as_json
def flow(dataset: str, dispatch: str, failure: str, as_json: bool, **options: Any) -> None:
    """Simulate a re-entrant line event by event (SMT2020 format).

    DATASET is a folder with tool.txt, part.txt and its route files, order.txt, and any other files
    of the format, or SMT2020's workbook (.xlsx; needs the extra xlsx). Without WIP.txt the line
    starts empty. Lots out are those of the whole run, per replication. All other figures exclude
    the warm-up.

    The cycle time of a lot in WIP.txt starts at its true release: its due date less the lead time
    (DUE less START) of the order with its part and priority. Lots without a due date or such an
    order count in lots out, but not in cycle times.

    Times are constant, uniform (mean, half width), exponential, normal, lognormal, gamma (mean,
    standard deviation) or triangular (least, most likely, greatest, as in PTIME, PTIME2, PTIME3).
    Files of shifts and operators are refused. Notes on stderr list what else is not simulated.

    In availability, repairs of exponential failures count at their expectation, and maintenance as
    simulated. Utilization is the share of that availability that is in use. --json also prints both
    as counted.
    """
    from yieldsim.flow import compile_line, read_dataset, summarize

    data = read_dataset(dataset)
    for note in data.notes:
        click.echo(f"note: {note}", err=True)
    line = compile_line(data, dispatch, failure == "migrate")
    warmup = options["warmup"]
    if warmup is None:
        warmup = min(options["days"] / 2.0, _LONGEST_WARMUP_DAYS)
    options["warmup"] = warmup
    outcomes, threads, seconds = _run(line, **options)
    result = summarize(line, outcomes, warmup)
    run = {
        "dataset": dataset,
        "days": options["days"],
        "warmup_days": warmup,
        "seed": options["seed"],
        "replications": options["replications"],
        "threads": threads,
        "seconds": round(seconds, 3),
        "events": result.events,
        "events_per_second": result.events / seconds,
        "wip_lots": result.wip_lots,
    }
    if as_json:
        click.echo(json.dumps(_plain(result) | run, indent=2, ensure_ascii=False))
    else:
        click.echo("\n".join(_text(result, run)))


def _run(
    line: CompiledLine,
    days: float,
    warmup: float,
    seed: int,
    replications: int,
    threads: int | None,
) -> tuple[list[Outcome], int, float]:
    """Run all replications; return them, the number of threads and the seconds it took."""
    from tqdm import tqdm

    from yieldsim.execute.cores import available_cores
    from yieldsim.execute.local import run_blocks
    from yieldsim.flow import replicate

    _check(days, warmup)
    threads = min(threads or available_cores(), replications)
    outcomes: dict[int, Outcome] = {}
    stop, lock = Event(), Lock()
    replicate(line, seed, 0, min(days, 1e-3))  # compiles, or loads the cache
    with tqdm(
        total=days * replications,
        unit=" days",
        file=sys.stderr,
        disable=not sys.stderr.isatty(),
        dynamic_ncols=True,
    ) as bar:

        def each(done: float) -> None:
            if stop.is_set():
                raise KeyboardInterrupt
            with lock:
                bar.update(done)

        def work(replication: int) -> int:
            outcomes[replication] = replicate(line, seed, replication, days, warmup, each)
            return 1

        begun = time.perf_counter()
        run_blocks(work, range(replications), threads, stopping=stop.set)
        seconds = time.perf_counter() - begun
    return [outcomes[replication] for replication in range(replications)], threads, seconds


def _check(days: float, warmup: float) -> None:
    if not 0.0 < days <= 36525.0:
        raise UsageError("--days", "is out of range", got=days, allowed="> 0 and <= 36525")
    if not 0.0 <= warmup < days:
        raise UsageError("--warmup", "is out of range", got=warmup, allowed=f">= 0 and < {days:g}")


def _finite(figure: float) -> float | None:
    """A number, or None for nan, which JSON lacks."""
    return figure if math.isfinite(figure) else None


def _shown(figure: float, form: str) -> str:
    """A figure, or a dash where nothing was counted."""
    return format(figure, form) if math.isfinite(figure) else "-"


def _plain(result: FlowResult) -> dict[str, Any]:
    return {
        "lots": [_record(lot) for lot in result.lots],
        "tool_groups": [_record(group) for group in result.groups],
    }


def _record(figures: LotFigures | GroupFigures) -> dict[str, Any]:
    return {
        key: _finite(value) if isinstance(value, float) else value
        for key, value in vars(figures).items()
    }


def _text(result: FlowResult, run: dict[str, Any]) -> list[str]:
    names = [lot.name for lot in result.lots] + [group.name for group in result.groups]
    width = max(map(len, names))
    lines = [
        f"{run['dataset']}: {run['days']:g} days, the first {run['warmup_days']:g} as warm-up; "
        f"replications: {run['replications']}, seed {run['seed']}",
        "",
        f"{'lots':{width}} {'lots out':>10} {'cycle time, days':>20} {'x-factor':>9} "
        f"{'on time':>8} {'limits missed':>14}",
    ]
    for lot in result.lots:
        cycle = _shown(lot.cycle_time_days, ".2f")
        if math.isfinite(lot.cycle_time_se_days):
            cycle += f" ± {lot.cycle_time_se_days:.2f}"
        lines.append(
            f"{lot.name:{width}} {lot.lots_out:10.1f} {cycle:>20} {_shown(lot.x_factor, '.2f'):>9} "
            f"{_shown(lot.on_time, '.1%'):>8} {_shown(lot.limits_missed, '.1%'):>14}"
        )
    lines += [
        "",
        f"{'tool group':{width}} {'tools':>6} {'utilization':>12} {'availability':>13} "
        f"{'setup':>7} {'wait, h':>8}",
    ]
    lines += [
        f"{group.name:{width}} {group.tools:6d} {_shown(group.utilization, '.2%'):>12} "
        f"{group.availability:13.2%} {group.setup:7.2%} {_shown(group.wait_h, '.2f'):>8}"
        for group in result.groups
    ]
    return [
        *lines,
        "",
        f"{run['wip_lots']:.1f} lots in the line; {run['events']:,} events in "
        f"{run['seconds']:.1f} s ({run['events_per_second'] / 1e6:.1f} million per second, "
        f"threads: {run['threads']})",
    ]
