"""``yieldsim summary``: what an ensemble says, as tables or JSON."""

from __future__ import annotations

import json

import click


@click.command()
@click.argument("store")
@click.option(
    "--scenario", "scenarios", multiple=True, help="Show this scenario by quarter (repeatable)."
)
@click.option(
    "--product", "products", multiple=True, help="Show this product, or total (repeatable)."
)
@click.option("--json", "as_json", is_flag=True, help="Print quarters, records and binding.")
def summary(
    store: str, scenarios: tuple[str, ...], products: tuple[str, ...], as_json: bool
) -> None:
    """Print usable chips per quarter and year, P10/P50/P90, and what binds most often."""
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
