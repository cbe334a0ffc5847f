"""``yieldsim plot``: the fan chart of an ensemble."""

from __future__ import annotations

from pathlib import Path

import click

from yieldsim.cli.options import as_json, store_argument
from yieldsim.cli.output_files import check_output, force


@click.command()
@store_argument
@click.option("--out", default="fan.png", show_default=True, help="Image to write: png, svg, pdf.")
@click.option(
    "--scenario",
    "scenarios",
    metavar="NAME",
    multiple=True,
    help="Draw only this scenario; can be repeated, and the first has the bands.",
)
@click.option(
    "--product",
    "products",
    metavar="NAME",
    multiple=True,
    help="Draw only this product, or total; can be repeated.",
)
@force
@as_json
def plot(
    store: str,
    out: str,
    scenarios: tuple[str, ...],
    products: tuple[str, ...],
    force: bool,
    as_json: bool,
) -> None:
    """Draw the fan chart of an ensemble.

    The first scenario has its median and bands from P10 to P90 and from P25 to P75; the others
    have their medians. The total is above, the products below.
    """
    from yieldsim.analysis.totals import choose
    from yieldsim.ensemble import open_ensemble
    from yieldsim.plots.fan import fan_chart
    from yieldsim.plots.image import image_format, save

    image_format(out)  # before the chart is drawn
    check_output(out, force, "--out")
    with open_ensemble(store) as ds:
        save(fan_chart(choose(ds, scenarios), products), out)
    if as_json:
        import json

        click.echo(json.dumps({"image": str(Path(out))}))
    else:
        click.echo(f"fan chart: {out}", err=True)
