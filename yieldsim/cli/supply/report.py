"""``yieldsim report``: an ensemble as one interactive HTML page."""

from __future__ import annotations

import json

import click

from yieldsim.cli.options import as_json, store_argument, weights
from yieldsim.cli.output_files import check_output, force
from yieldsim.cli.wafers.pictures import check_page


@click.command()
@store_argument
@click.option(
    "--html",
    metavar="FILE",
    type=click.Path(),
    default="report.html",
    show_default=True,
    help="The page to write.",
)
@click.option(
    "--scenario",
    "scenarios",
    metavar="NAME",
    multiple=True,
    help="Show only this scenario; can be repeated. The page opens with the first.  [default: all "
    "but those of more: and no_limit:]",
)
@click.option(
    "--wafer-maps",
    is_flag=True,
    help="Add a simulated wafer of each leading die. The first use compiles the simulator.",
)
@weights
@force
@as_json
def report(
    store: str,
    html: str,
    scenarios: tuple[str, ...],
    wafer_maps: bool,
    weights: str | None,
    force: bool,
    as_json: bool,
) -> None:
    """Write an ensemble as one interactive HTML page.

    The page can be mailed and opens offline. Its first two lines give the answer. Then come the fan
    chart with selectors for scenario and product, the drivers, what holds supply down, orders,
    published figures, and every assumption. Each chart has its table and a CSV file.
    """
    from yieldsim.analysis.conditioning import open_weighted
    from yieldsim.analysis.overview.overview import overview
    from yieldsim.report.page.document import page
    from yieldsim.report.page.file import write_page

    check_page(html)
    check_output(html, force, "--html")
    with open_weighted(store, weights) as ds:
        found = overview(ds, scenarios, wafer_maps)
    text = page(found)
    write_page(text, html)
    size = len(text.encode())
    if as_json:
        answer = {"page": html, "bytes": size, "headline": found["headline"]}
        click.echo(json.dumps(answer, indent=2, ensure_ascii=False))
    else:
        click.echo(f"page: {html} ({size:,} bytes)", err=True)
