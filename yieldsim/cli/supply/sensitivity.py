"""``yieldsim sensitivity``: which inputs drive a figure of an ensemble."""

from __future__ import annotations

import json

import click

from yieldsim.cli.options import as_json, store_argument


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
    help="How many inputs the table shows, and have quantile swaps.",
)
@as_json
def sensitivity(
    store: str,
    variable: str,
    product: str | None,
    periods: tuple[str, ...],
    scenario: str | None,
    without_noise: str | None,
    top: int,
    as_json: bool,
) -> None:
    """Print which uncertain inputs drive a figure of an ensemble.

    The first-order index of an input is the share of the figure's variance that is expected to go
    once the input is known. It has a bootstrap interval, and a mark if it exceeds what 99 % of
    inputs without effect would reach. Beside it stands the figure where the input is in its lowest
    and in its highest tenth. An index carries the effect of correlated inputs too; JSON names them.
    Any ensemble will do, and 1,000 realizations or more tell small indices from none.
    """
    from contextlib import ExitStack

    from yieldsim.analysis.drivers.summary import sensitivity_summary
    from yieldsim.ensemble import open_ensemble

    with ExitStack() as stack:
        ds = stack.enter_context(open_ensemble(store))
        other = without_noise and stack.enter_context(open_ensemble(without_noise))
        found = sensitivity_summary(
            ds, variable, product, periods, scenario, without_noise=other or None, leading=top
        )
    if as_json:
        click.echo(json.dumps(found, indent=2, ensure_ascii=False, allow_nan=False))
    else:
        from yieldsim.report.sensitivity import sensitivity_text

        click.echo(sensitivity_text(found, top))
