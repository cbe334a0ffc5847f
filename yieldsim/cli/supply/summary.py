"""``yieldsim summary``: the results of an ensemble as tables, JSON, CSV or Parquet."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from yieldsim.cli.options import as_json, store_argument, weights
from yieldsim.cli.tables import check_tables, periods, products, scenarios, tables, write_tables

if TYPE_CHECKING:
    import xarray as xr

Summary = dict[str, Any]
Names = tuple[str, ...]
# the lists of records that --product narrows
BY_PRODUCT = ("records", "yearly", "gains", "binding", "differences", "lifted")


class Asked(NamedTuple):
    """What a summary is asked to show; an empty tuple stands for all."""

    store: str
    scenarios: Names
    products: Names
    periods: Names
    above: tuple[float, ...]
    weights: str | None = None

    def read(self, summarized: Callable[[xr.Dataset], Summary], whole: bool = False) -> Summary:
        """The summary of the store's scenarios; with ``whole`` of all of them."""
        from yieldsim.analysis.conditioning import open_weighted
        from yieldsim.analysis.totals import choose

        with open_weighted(self.store, self.weights) as ds:
            return summarized(ds if whole else choose(ds, self.scenarios))


Answer = tuple[Summary, Callable[[], str]]


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
    "--above",
    metavar="CHIPS",
    type=float,
    multiple=True,
    help="Print instead the probability of more usable chips than this, by default in each year "
    "and of all AI chips; can be repeated.",
)
@scenarios
@products
@periods
@weights
@tables
@as_json
def summary(
    store: str,
    what: str | None,
    above: tuple[float, ...],
    scenarios: Names,
    products: Names,
    periods: Names,
    weights: str | None,
    csv: str | None,
    parquet: str | None,
    force: bool,
    as_json: bool,
) -> None:
    """Print the results of an ensemble with Monte Carlo errors.

    Usable chips per quarter and year, by product and in total: P10, P50, P90, mean, and the
    constraint that binds most often. Several scenarios are also compared by year. The total is
    that of AI chips, without phones. With --period, all figures are those of these periods. With
    --weights, all figures but the correlations of the draws are weighted, and their errors follow
    from the effective sample size.
    """
    from yieldsim.errors import UsageError

    if products and what in ("yield", "demand", "memory"):
        allowed = "products, binding, or no --what"
        raise UsageError("--product", f"does not go with --what {what}", allowed=allowed)
    if above and what:
        raise UsageError("--above", f"does not go with --what {what}", allowed="no --what")
    check_tables(csv, parquet, force)
    asked = Asked(store, scenarios, products, periods, above, weights)
    result, text = (_exceedance if above else _PARTS[what])(asked)
    write_tables(result, csv, parquet)
    if as_json:
        click.echo(json.dumps(result, indent=2, ensure_ascii=False))
    else:
        click.echo(text())


def _chips(asked: Asked) -> Answer:
    from yieldsim.analysis import summarize
    from yieldsim.report import summary_text

    whole = asked.read(lambda ds: summarize(ds, asked.periods))
    result = _narrowed(whole, asked.products)
    return result, lambda: summary_text(whole, asked.scenarios, asked.products)


def _exceedance(asked: Asked) -> Answer:
    from yieldsim.analysis.supply.exceeded import exceedance_summary
    from yieldsim.report.supply.exceedance import exceedance_text

    result = asked.read(
        lambda ds: exceedance_summary(ds, asked.above, asked.periods, asked.products)
    )
    return result, lambda: exceedance_text(result, asked.scenarios)


def _products(asked: Asked) -> Answer:
    from yieldsim.analysis.supply.products import products_summary
    from yieldsim.report.supply.products import products_text

    result = asked.read(lambda ds: products_summary(ds, asked.periods))
    result = _narrowed(result, asked.products)
    return result, lambda: products_text(result, asked.scenarios)


def _binding(asked: Asked) -> Answer:
    from yieldsim.analysis.supply.lifted import binding_summary
    from yieldsim.report.supply.binding import binding_text

    # the whole ensemble: a lifted limit is compared with a scenario that need not be shown
    result = asked.read(lambda ds: binding_summary(ds, asked.scenarios, asked.periods), whole=True)
    result = _narrowed(result, asked.products)
    return result, lambda: binding_text(result, asked.scenarios, asked.products)


def _yield(asked: Asked) -> Answer:
    from yieldsim.analysis.fab.die_yield import yield_summary
    from yieldsim.report.die_yield import yield_text

    result = asked.read(lambda ds: yield_summary(ds, asked.periods))
    return result, lambda: yield_text(result, asked.scenarios)


def _demand(asked: Asked) -> Answer:
    from yieldsim.analysis.supply.demand import demand_summary
    from yieldsim.report.supply.demand import demand_text

    result = asked.read(lambda ds: demand_summary(ds, asked.periods))
    return result, lambda: demand_text(result, asked.scenarios)


def _memory(asked: Asked) -> Answer:
    from yieldsim.analysis.supply.memory import memory_summary
    from yieldsim.report.supply.memory import memory_text

    result = asked.read(lambda ds: memory_summary(ds, asked.periods))
    return result, lambda: memory_text(result, asked.scenarios)


_PARTS: dict[str | None, Callable[[Asked], Answer]] = {
    None: _chips,
    "products": _products,
    "binding": _binding,
    "yield": _yield,
    "demand": _demand,
    "memory": _memory,
}


def _narrowed(summary: Summary, products: Names) -> Summary:
    """The summary with only the records of these products; all if none is named."""
    from yieldsim.errors import UsageError

    if not products:
        return summary
    kept = {key: summary[key] for key in BY_PRODUCT if key in summary}
    names = list(
        dict.fromkeys(record["product"] for records in kept.values() for record in records)
    )
    for name in products:
        if name not in names:
            allowed = ", ".join(names)
            raise UsageError("--product", "is not in the ensemble", got=name, allowed=allowed)
    return summary | {
        key: [record for record in records if record["product"] in products]
        for key, records in kept.items()
    }
