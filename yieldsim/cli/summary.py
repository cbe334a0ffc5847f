"""``yieldsim summary``: what an ensemble says, as tables or JSON."""

from __future__ import annotations

import json

import click

from .options import as_json, store_argument


@click.command()
@store_argument
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
def summary(
    store: str, scenarios: tuple[str, ...], products: tuple[str, ...], as_json: bool
) -> None:
    """Print what an ensemble says, with Monte Carlo errors.

    Usable chips per quarter and year, by product and in total: P10, P50, P90 and mean, and what
    binds most often. Several scenarios are also compared by year.
    """
    from ..analysis import summarize
    from ..analysis.columns import choose
    from ..ensemble import open_ensemble
    from ..report import summary_text

    with open_ensemble(store) as ds:
        chosen = choose(ds, scenarios)
        found = summarize(chosen)
    for name in products:
        _known_product(name, [record["product"] for record in found["records"]])
    if as_json:
        if products:
            for key in ("records", "yearly", "binding"):
                found[key] = [record for record in found[key] if record["product"] in products]
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        click.echo(summary_text(found, scenarios, products))


def _known_product(name: str, names: list[str]) -> None:
    from ..errors import UsageError

    if name not in names:
        allowed = ", ".join(dict.fromkeys(names))
        raise UsageError("--product", "is not in the ensemble", got=name, allowed=allowed)
