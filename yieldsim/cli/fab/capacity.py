"""``yieldsim capacity``: bottlenecks, tool states and cycle times of a fab."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from yieldsim.cli.options import allow_outside, as_json, changes, model_argument
from yieldsim.cli.output_files import check_output, force

if TYPE_CHECKING:
    from yieldsim.model import ModelFile

__all__ = ["capacity"]


@click.command()
@model_argument
@click.option("--fab", metavar="NAME", required=True, help="The fab.")
@click.option(
    "--quarter",
    metavar="2026Q3",
    help="The quarter in detail.  [default: all by quarter, and the most loaded in detail]",
)
@click.option(
    "--for",
    "wafers",
    type=float,
    metavar="WAFERS",
    help="Wafers a month, such as 20000: list the tools missing for them, by group and class.",
)
@click.option("--scenario", metavar="NAME", default="baseline", show_default=True)
@click.option(
    "--realizations",
    type=click.IntRange(1, 100_000),
    default=128,
    show_default=True,
    help="Number of realizations.",
)
@click.option("--seed", type=click.IntRange(0, 2**64 - 1), default=0, show_default=True)
@changes
@click.option("--threads", type=click.IntRange(1), help="How many cores to use.  [default: all]")
@click.option("--png", metavar="FILE", help="Draw it too: png, svg or pdf.")
@force
@allow_outside
@as_json
def capacity(
    model: str,
    fab: str,
    quarter: str | None,
    wafers: float | None,
    scenario: str,
    realizations: int,
    seed: int,
    changes: tuple[str, ...],
    threads: int | None,
    png: str | None,
    force: bool,
    allow_outside: tuple[str, ...],
    as_json: bool,
) -> None:
    """Show the capacity, bottlenecks and cycle times of a fab.

    The model is simulated in memory. Load over capacity is the passes that the plan asks of a tool
    group divided by the passes that its tools could make. The bottleneck is the group with the
    largest median. Tool states are those of SEMI E10, as shares of total time.

    --for lists the tools that are missing for a number of wafers a month in the quarter shown in
    detail: whole tools, if all were of one class, with P10, P50 and P90 over the realizations. The
    wafers have the mix of the quarter's plan.
    """
    from yieldsim.analysis.fab.capacity import capacity_record
    from yieldsim.analysis.fab.capacity_gap import check_wafers, gap_record
    from yieldsim.analysis.fab.capacity_run import run_fab
    from yieldsim.model import load_file

    if wafers is not None:
        check_wafers(wafers)
    file = load_file(model, allow_outside).with_changes(changes)
    _check(file, fab, quarter, scenario, png)
    check_output(png, force, "--png")
    run = run_fab(file, fab, scenario, realizations, seed, threads, progress=True)
    record = capacity_record(run, quarter)
    if wafers is not None:
        record["for"] = gap_record(run, record["quarter"], wafers)
    if png is not None:
        _draw(record, png)
    if as_json:
        click.echo(json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False))
    else:
        from yieldsim.report.capacity import capacity_text

        click.echo(capacity_text(record))
        if wafers is not None:
            from yieldsim.report.capacity_gap import gap_text

            click.echo(f"\n{gap_text(fab, record['for'])}")


def _check(file: ModelFile, fab: str, quarter: str | None, scenario: str, png: str | None) -> None:
    """Refuse what cannot be done before the simulation, not after it."""
    from yieldsim.analysis.fab.capacity import check_quarter
    from yieldsim.analysis.fab.capacity_run import check_fab
    from yieldsim.errors import UsageError
    from yieldsim.model.schema.calendar import quarter_range

    typed = file.model(scenario)
    check_fab(typed, fab)
    if quarter is not None:
        check_quarter(quarter_range(typed.simulation.start, typed.simulation.end), quarter)
    if png is None:
        return
    from yieldsim.plots.image import image_format

    image_format(png, "--png")
    if not typed.fabs[fab].fleets:
        equipped = ", ".join(name for name, each in typed.fabs.items() if each.fleets) or "none"
        problem = "draws tools, and the fab has none"
        raise UsageError("--png", problem, got=fab, allowed=f"a fab with tools: {equipped}")


def _draw(record: dict[str, Any], png: str) -> None:
    from yieldsim.plots.capacity import capacity_chart
    from yieldsim.plots.image import save

    save(capacity_chart(record), png)
    click.echo(f"figure: {png}", err=True)
