"""``yieldsim summary``: the results of an ensemble as tables or JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from yieldsim.cli.options import as_json, store_argument

if TYPE_CHECKING:
    import xarray as xr

Summary = dict[str, Any]
Names = tuple[str, ...]
# the lists of records that --product narrows
BY_PRODUCT = ("records", "yearly", "gains", "binding", "lifted")


@click.command()
@store_argument
@click.option(
    "--what",
    type=click.Choice(["products", "binding", "yield", "demand", "memory"]),
    help="products: chips, packages by bin and compute of each product. binding: what 10 % more "
    "of each input adds, what binds, and what lifting a limit adds. yield: shares of good "
    "dies, and the defect density D0 by process and line. demand: orders and the market's gap. "
    "memory: stacks by pool and year, and who used them.  [default: usable chips]",
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
    """Print the results of an ensemble with Monte Carlo errors.

    Usable chips per quarter and year, by product and in total: P10, P50, P90, mean, and the
    constraint that binds most often. Several scenarios are also compared by year.
    """
    from yieldsim.errors import UsageError

    if products and what in ("yield", "demand", "memory"):
        allowed = "products, binding, or no --what"
        raise UsageError("--product", f"does not go with --what {what}", allowed=allowed)
    result, text = _PARTS[what](store, scenarios, products)
    if as_json:
        click.echo(json.dumps(result, indent=2, ensure_ascii=False))
    else:
        click.echo(text())


def _chips(store: str, scenarios: Names, products: Names) -> tuple[Summary, Callable[[], str]]:
    from yieldsim.analysis import summarize
    from yieldsim.report import summary_text

    whole = _read(store, scenarios, summarize)
    return _narrowed(whole, products), lambda: summary_text(whole, scenarios, products)


def _products(store: str, scenarios: Names, products: Names) -> tuple[Summary, Callable[[], str]]:
    from yieldsim.analysis.supply.products import products_summary
    from yieldsim.report.products import products_text

    result = _narrowed(_read(store, scenarios, products_summary), products)
    return result, lambda: products_text(result, scenarios)


def _binding(store: str, scenarios: Names, products: Names) -> tuple[Summary, Callable[[], str]]:
    from yieldsim.analysis.supply.lifted import binding_summary
    from yieldsim.report.binding import binding_text

    # the whole ensemble: a lifted limit is compared with a scenario that need not be shown
    result = _read(store, (), lambda ds: binding_summary(ds, scenarios))
    result = _narrowed(result, products)
    return result, lambda: binding_text(result, scenarios, products)


def _yield(store: str, scenarios: Names, _: Names) -> tuple[Summary, Callable[[], str]]:
    from yieldsim.analysis.fab.die_yield import yield_summary
    from yieldsim.report.die_yield import yield_text

    result = _read(store, scenarios, yield_summary)
    return result, lambda: yield_text(result, scenarios)


def _demand(store: str, scenarios: Names, _: Names) -> tuple[Summary, Callable[[], str]]:
    from yieldsim.analysis.supply.demand import demand_summary
    from yieldsim.report.demand import demand_text

    result = _read(store, scenarios, demand_summary)
    return result, lambda: demand_text(result, scenarios)


def _memory(store: str, scenarios: Names, _: Names) -> tuple[Summary, Callable[[], str]]:
    from yieldsim.analysis.supply.memory import memory_summary
    from yieldsim.report.memory import memory_text

    result = _read(store, scenarios, memory_summary)
    return result, lambda: memory_text(result, scenarios)


_PARTS: dict[str | None, Callable[[str, Names, Names], tuple[Summary, Callable[[], str]]]] = {
    None: _chips,
    "products": _products,
    "binding": _binding,
    "yield": _yield,
    "demand": _demand,
    "memory": _memory,
}


def _read(store: str, scenarios: Names, summarized: Callable[[xr.Dataset], Summary]) -> Summary:
    from yieldsim.analysis.totals import choose
    from yieldsim.ensemble import open_ensemble

    with open_ensemble(store) as ds:
        return summarized(choose(ds, scenarios))


def _narrowed(summary: Summary, products: Sequence[str]) -> Summary:
    """The summary with only the records of these products; all if none is named."""
    from yieldsim.errors import UsageError

    if not products:
        return summary
    lists = [summary[key] for key in BY_PRODUCT if key in summary]
    names = list(dict.fromkeys(record["product"] for records in lists for record in records))
    for name in products:
        if name not in names:
            allowed = ", ".join(names)
            raise UsageError("--product", "is not in the ensemble", got=name, allowed=allowed)
    narrowed = {
        key: [record for record in summary[key] if record["product"] in products]
        for key in BY_PRODUCT
        if key in summary
    }
    return summary | narrowed
