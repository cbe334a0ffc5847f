"""``yieldsim finalize``: check the blocks of a store and complete it."""

from __future__ import annotations

import json

import click

from yieldsim.cli.options import as_json, store_argument

__all__ = ["finalize"]


@click.command()
@store_argument
@as_json
def finalize(store: str, as_json: bool) -> None:
    """Check every block of a store, add its summaries and mark it as complete.

    If blocks are missing or damaged the exit code is 3, and `yieldsim work` computes them. Damaged
    metadata are named with exit code 4, and so is any damage of a store that is complete already:
    `yieldsim verify --repair` mends both.
    """
    from yieldsim.execute import finalize_store

    place, plan = finalize_store(store)
    if as_json:
        record = {"store": str(place), "complete": True, "blocks": plan.blocks}
        click.echo(json.dumps(record, indent=2, ensure_ascii=False))
        return
    click.echo(f"{place}: complete, {plan.realizations:,} realizations in {plan.blocks} blocks")
