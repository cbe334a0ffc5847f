"""``yieldsim merge``: join stores of one model and seed that were made apart."""

from __future__ import annotations

import click

from yieldsim.cli.options import as_json
from yieldsim.cli.store.extend import result_json, result_line

__all__ = ["merge"]


@click.command()
@click.argument("stores", metavar="STORE...", nargs=-1, required=True, type=click.Path())
@click.option("--out", required=True, type=click.Path(), help="The new store.")
@as_json
def merge(stores: tuple[str, ...], out: str, as_json: bool) -> None:
    """Join stores of one model, seed, number of realizations and block size.

    They hold different blocks (copies of a store of `yieldsim init`) or different scenarios. Chunks
    are checked and copied as they are. If blocks are missing in all of them the exit code is 3, and
    `yieldsim work` computes them in the new store.
    """
    from yieldsim.execute.merge import merge_stores

    result = merge_stores(stores, out)
    click.echo(result_json(result) if as_json else result_line(result))
