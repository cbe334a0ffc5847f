"""Options of commands that print tables: periods and products, and files of tidy rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from yieldsim.cli.output_files import check_output, force

__all__ = ["check_tables", "periods", "products", "scenarios", "tables", "write_tables"]

_Function = TypeVar("_Function", bound=Callable[..., Any])

scenarios = click.option(
    "--scenario",
    "scenarios",
    metavar="NAME",
    multiple=True,
    help="Show only this scenario; can be repeated.",
)
products = click.option(
    "--product",
    "products",
    metavar="NAME",
    multiple=True,
    help="Show only this product, or total (of AI chips); can be repeated.",
)
periods = click.option(
    "--period",
    "periods",
    metavar="PERIOD",
    multiple=True,
    help="Sum up this period: a quarter (2027Q3), half (2027H1), year (2027) or horizon; or each "
    "quarter, half or year. Can be repeated.",
)
_FILES = (
    click.option(
        "--csv",
        metavar="FILE",
        type=click.Path(),
        help="Write the figures to a CSV file too: scenario, product, period, statistic, value, "
        "se, unit.",
    ),
    click.option(
        "--parquet",
        metavar="FILE",
        type=click.Path(),
        help="The same as a Parquet file; needs the extra yieldsim[parquet].",
    ),
    force,
)


def tables(function: _Function) -> _Function:
    """The options ``--csv`` and ``--parquet``, and ``--force``."""
    for option in reversed(_FILES):
        function = option(function)
    return function


def check_tables(csv: str | None, parquet: str | None, force: bool) -> None:
    """Refuse, before any work, what cannot be written."""
    check_output(csv, force, "--csv")
    if parquet is not None:
        from yieldsim.report.files import check_parquet

        check_parquet()
        check_output(parquet, force, "--parquet")


def write_tables(summary: Mapping[str, Any], csv: str | None, parquet: str | None) -> None:
    """Write the tidy rows of a summary, and name each file on stderr."""
    if csv is None and parquet is None:
        return
    from yieldsim.analysis.tidy import tidy_rows
    from yieldsim.report.files import write_csv, write_parquet

    rows = tidy_rows(summary)
    for path, write in ((csv, write_csv), (parquet, write_parquet)):
        if path is not None:
            write(rows, path)
            click.echo(f"table: {path}", err=True)
