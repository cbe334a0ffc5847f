"""``yieldsim plot``: pictures of an ensemble."""

from __future__ import annotations

from pathlib import Path

import click

from yieldsim.cli.options import as_json, store_argument, weights
from yieldsim.cli.output_files import check_output, force

KINDS = (
    *("fan", "stack", "binding", "waterfall", "tornado"),
    *("difference", "demand", "yield", "wafers", "forecasts"),
)


@click.command()
@store_argument
@click.option(
    "--kind",
    type=click.Choice(KINDS),
    default="fan",
    show_default=True,
    help="fan: quantiles by quarter. stack: means by product. binding: what holds chips down. "
    "waterfall: from one year or scenario to the next by product. tornado: the leading inputs. "
    "difference: scenarios against the first. demand: the market. yield: losses of dies. wafers: "
    "starts by line. forecasts: those by others.",
)
@click.option("--out", help="Image to write: png, svg, pdf.  [default: KIND.png]")
@click.option(
    "--scenario",
    "scenarios",
    metavar="NAME",
    multiple=True,
    help="Draw only this scenario; can be repeated, and the first is the main one.",
)
@click.option(
    "--product",
    "products",
    metavar="NAME",
    multiple=True,
    help="Draw only this product, or total; can be repeated where a picture shows several.",
)
@click.option(
    "--period",
    metavar="PERIOD",
    help="For waterfall, tornado, difference and yield: the year.  [default: the last whole year "
    "before the outlook]",
)
@click.option("--size", metavar="W:H", help="Shape such as 16:9, or inches such as 8x5.")
@click.option("--title", metavar="TEXT", help="A title in place of the picture's own.")
@weights
@force
@as_json
def plot(
    store: str,
    kind: str,
    out: str | None,
    scenarios: tuple[str, ...],
    products: tuple[str, ...],
    period: str | None,
    size: str | None,
    title: str | None,
    weights: str | None,
    force: bool,
    as_json: bool,
) -> None:
    """Draw an ensemble: by default its fan chart.

    A fan shows the median of the first scenario with bands from P10 to P90 and from P25 to P75, and
    the medians of the other scenarios. The total is above, the products below; --size leaves only
    the total. Other kinds show the first scenario; difference and waterfall compare it with the
    others.
    """
    from yieldsim.analysis.conditioning import open_weighted
    from yieldsim.analysis.totals import choose
    from yieldsim.plots.image import image_format, save
    from yieldsim.plots.kinds.frame import Asked, size_of
    from yieldsim.plots.kinds.registry import picture

    path = out or f"{kind}.png"
    image_format(path)  # before the chart is drawn
    asked = Asked(products, period, title, size_of(size))
    check_output(path, force, "--out")
    with open_weighted(store, weights) as ds:
        save(picture(choose(ds, scenarios), kind, asked), path)
    if as_json:
        import json

        click.echo(json.dumps({"image": str(Path(path))}))
    else:
        click.echo(f"{'fan chart' if kind == 'fan' else kind}: {path}", err=True)
