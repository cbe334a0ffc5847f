"""``yieldsim sensitivity``: which inputs drive a figure of an ensemble."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from yieldsim.cli.options import as_json, store_argument, weights
from yieldsim.cli.output_files import check_output, force

if TYPE_CHECKING:
    import xarray as xr


@click.command()
@store_argument
@click.option(
    "--variable",
    default="usable_chips",
    show_default=True,
    metavar="NAME",
    help="The figure: a variable of the store, such as h100_equivalents.",
)
@click.option(
    "--product",
    metavar="NAME",
    help="A product, also one that is not in the total.  [default: total, of AI products]",
)
@click.option(
    "--period",
    "periods",
    metavar="PERIOD",
    multiple=True,
    help="A year such as 2027, a half 2027H1, a quarter 2027Q3, horizon; or quarter, half, year "
    "for all of these; can be repeated.  [default: quarters, years and horizon]",
)
@click.option("--scenario", metavar="NAME", help="A scenario.  [default: baseline, or the first]")
@click.option(
    "--without-noise",
    metavar="STORE",
    type=click.Path(),
    help="The same run with --set simulation.process_noise=false, to tell inputs from noise.",
)
@click.option(
    "--top",
    type=click.IntRange(1, 1000),
    default=10,
    show_default=True,
    help="How many inputs the table shows, and for how many quantile swaps are computed.",
)
@click.option(
    "--write-design",
    metavar="FILE",
    help="Write the samples (csv or npz) of a run for total indices of the --top inputs: draws of "
    "the store, and the same with one input after the other swapped; correlated ones together.",
)
@click.option(
    "--rows",
    type=click.IntRange(1),
    help="Draws of --write-design; it has (3 + inputs) times as many.  "
    "[default: half of the realizations]",
)
@weights
@force
@as_json
def sensitivity(
    store: str,
    variable: str,
    product: str | None,
    periods: tuple[str, ...],
    scenario: str | None,
    without_noise: str | None,
    top: int,
    write_design: str | None,
    rows: int | None,
    weights: str | None,
    force: bool,
    as_json: bool,
) -> None:
    """Print which uncertain inputs drive a figure of an ensemble.

    The first-order index of an input is the share of the figure's variance that is expected to go
    once the input is known. It has a bootstrap interval, and a mark if it exceeds what 99 % of
    inputs without effect would reach. Beside it stands the figure where the input is in its lowest
    and in its highest tenth. An index carries the effect of correlated inputs too; JSON names them.
    Any ensemble will do. With 1,000 realizations or more, small indices can be told from zero.

    Total indices, which count what an input does together with others, need a designed run:
    --write-design writes its inputs, `yieldsim run MODEL --samples FILE` computes it, and this
    command finds the design in its store.

    Indices need independent draws, so --weights is refused. `yieldsim condition` says which inputs
    the evidence moved.
    """
    from contextlib import ExitStack

    from yieldsim.analysis.conditioning import open_weighted
    from yieldsim.analysis.drivers.summary import sensitivity_summary
    from yieldsim.ensemble import open_ensemble
    from yieldsim.errors import UsageError

    if write_design is None and rows is not None:
        raise UsageError("--rows", "is for --write-design", got=rows)
    check_output(write_design, force, "--write-design")
    with ExitStack() as stack:
        ds = stack.enter_context(open_weighted(store, weights))
        other = without_noise and stack.enter_context(open_ensemble(without_noise))
        found = sensitivity_summary(
            ds, variable, product, periods, scenario, without_noise=other or None, leading=top
        )
        if write_design is not None:
            _write_design(ds, found, write_design, rows, top)
    if as_json:
        click.echo(json.dumps(found, indent=2, ensure_ascii=False, allow_nan=False))
    else:
        from yieldsim.report.sensitivity import sensitivity_text

        click.echo(sensitivity_text(found, top))


def _write_design(
    ds: xr.Dataset, found: dict[str, Any], path: str, rows: int | None, top: int
) -> None:
    """Write the samples of a designed run of the leading inputs."""
    from yieldsim.analysis.drivers.summary import leading_groups
    from yieldsim.analysis.drivers.swapped import swapped_draws, write_draws

    groups = leading_groups(found, top)
    columns = swapped_draws(ds, found["scenario"], groups, rows)
    write_draws(columns, path)
    count = len(next(iter(columns.values())))
    click.echo(f"samples: {path} ({len(columns)} inputs, {count:,} realizations)", err=True)
