"""``yieldsim compare``: ensembles side by side."""

from __future__ import annotations

import json
from contextlib import ExitStack

import click

from yieldsim.cli.options import as_json, weights
from yieldsim.cli.tables import check_tables, periods, products, scenarios, tables, write_tables


@click.command()
@click.argument("stores", metavar="STORE STORE...", nargs=-1, type=click.Path(), required=True)
@scenarios
@products
@periods
@weights
@tables
@as_json
def compare(
    stores: tuple[str, ...],
    scenarios: tuple[str, ...],
    products: tuple[str, ...],
    periods: tuple[str, ...],
    weights: str | None,
    csv: str | None,
    parquet: str | None,
    force: bool,
    as_json: bool,
) -> None:
    """Compare ensembles side by side: usable chips, and differences from the first.

    Figures are by calendar year unless --period names another period. Stores with the same seed and
    design met the same luck in realizations of the same number: their differences are paired, and
    far more precise. Others are compared by their means. The total of AI chips is shown unless
    --product names something else. --weights needs weights of this name in each store. Figures of
    two stores are paired only where both have the same weights.
    """
    from yieldsim.analysis.conditioning import open_weighted
    from yieldsim.analysis.supply.compared import compare_stores
    from yieldsim.report.supply.compared import compared_text

    check_tables(csv, parquet, force)
    with ExitStack() as stack:
        opened = [(store, stack.enter_context(open_weighted(store, weights))) for store in stores]
        result = compare_stores(opened, periods, products, scenarios)
    write_tables(result, csv, parquet)
    if as_json:
        click.echo(json.dumps(result, indent=2, ensure_ascii=False))
    else:
        click.echo(compared_text(result))
