"""``yieldsim summary``: what an ensemble says, as tables or JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from yieldsim.cli.options import as_json, store_argument

if TYPE_CHECKING:
    import xarray as xr

Found = dict[str, Any]
Names = tuple[str, ...]
# lists of records in each summary that --product narrows
BY_PRODUCT = ("records", "yearly", "binding", "lifted")


@click.command()
@store_argument
@click.option(
    "--what",
    type=click.Choice(["products", "binding", "yield", "demand"]),
    help="products: chips, packages by bin and compute of each. binding: what binds, and what "
    "lifting it adds. yield: shares of good dies. demand: orders and the market's gap.  "
    "[default: usable chips]",
)
@click.option(
    "--scenario",
    "scenarios",
    metavar="NAME",
    multiple=True,
    help="Show only this scenario; can be repeated.",
)
@click.option(
    "--product",
    "products",
    metavar="NAME",
    multiple=True,
    help="Show only this product, or total; can be repeated.",
)
@as_json
def summary(store: str, what: str | None, scenarios: Names, products: Names, as_json: bool) -> None:
    """Print what an ensemble says, with Monte Carlo errors.

    Usable chips per quarter and year, by product and in total: P10, P50, P90 and mean, and what
    binds most often. Several scenarios are also compared by year.
    """
    from yieldsim.errors import UsageError

    if products and what in ("yield", "demand"):
        allowed = "products, binding, or no --what"
        raise UsageError("--product", f"does not go with --what {what}", allowed=allowed)
    found, text = _PARTS[what](store, scenarios, products)
    if as_json:
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        click.echo(text())


def _chips(store: str, scenarios: Names, products: Names) -> tuple[Found, Callable[[], str]]:
    from yieldsim.analysis import summarize
    from yieldsim.report import summary_text

    found = _read(store, scenarios, summarize)
    shown = _narrowed(found, products)
    return shown, lambda: summary_text(found, scenarios, products)


def _products(store: str, scenarios: Names, products: Names) -> tuple[Found, Callable[[], str]]:
    from yieldsim.analysis.supply.products import products_summary
    from yieldsim.report.products import products_text

    found = _narrowed(_read(store, scenarios, products_summary), products)
    return found, lambda: products_text(found, scenarios)


def _binding(store: str, scenarios: Names, products: Names) -> tuple[Found, Callable[[], str]]:
    from yieldsim.analysis.supply.lifted import binding_summary
    from yieldsim.report.binding import binding_text

    # the whole ensemble: a lifted limit is compared with a scenario that need not be shown
    found = _read(store, (), lambda ds: binding_summary(ds, scenarios))
    found = _narrowed(found, products)
    return found, lambda: binding_text(found, scenarios, products)


def _yield(store: str, scenarios: Names, _: Names) -> tuple[Found, Callable[[], str]]:
    from yieldsim.analysis.fab.die_yield import yield_summary
    from yieldsim.report.die_yield import yield_text

    found = _read(store, scenarios, yield_summary)
    return found, lambda: yield_text(found, scenarios)


def _demand(store: str, scenarios: Names, _: Names) -> tuple[Found, Callable[[], str]]:
    from yieldsim.analysis.supply.demand import demand_summary
    from yieldsim.report.demand import demand_text

    found = _read(store, scenarios, demand_summary)
    return found, lambda: demand_text(found, scenarios)


_PARTS: dict[str | None, Callable[[str, Names, Names], tuple[Found, Callable[[], str]]]] = {
    None: _chips,
    "products": _products,
    "binding": _binding,
    "yield": _yield,
    "demand": _demand,
}


def _read(store: str, scenarios: Names, summarized: Callable[[xr.Dataset], Found]) -> Found:
    from yieldsim.analysis.totals import choose
    from yieldsim.ensemble import open_ensemble

    with open_ensemble(store) as ds:
        return summarized(choose(ds, scenarios))


def _narrowed(found: Found, products: Sequence[str]) -> Found:
    """The summary with only the records of these products, all where none is named."""
    from yieldsim.errors import UsageError

    if not products:
        return found
    lists = [found[key] for key in BY_PRODUCT if key in found]
    names = list(dict.fromkeys(record["product"] for records in lists for record in records))
    for name in products:
        if name not in names:
            allowed = ", ".join(names)
            raise UsageError("--product", "is not in the ensemble", got=name, allowed=allowed)
    narrowed = {
        key: [record for record in found[key] if record["product"] in products]
        for key in BY_PRODUCT
        if key in found
    }
    return found | narrowed
