"""``yieldsim init``: make a store without results."""

from __future__ import annotations

import json
from typing import Any

import click

from yieldsim.cli.options import allow_outside, as_json, model_argument, run_options

__all__ = ["init"]


@click.command()
@model_argument
@run_options
@click.option("--out", type=click.Path(), required=True, help="The store.")
@allow_outside
@as_json
def init(
    model: str, out: str, allow_outside: tuple[str, ...], as_json: bool, **options: Any
) -> None:
    """Make a store without results, for `yieldsim work`.

    The store alone is enough to compute its blocks. A store of the same run is left as it is, and a
    store of another run is refused.
    """
    from yieldsim.execute import init_store
    from yieldsim.execute.progress import several
    from yieldsim.model import load_file

    job = init_store(load_file(model, allow_outside), out=out, **options)
    plan = job.plan
    if as_json:
        record = {
            "store": str(job.place),
            "created": job.stored is None,
            "model": plan.file.place,
            "scenarios": list(plan.scenarios),
            "realizations": plan.realizations,
            "seed": plan.seed,
            "block_size": plan.block_size,
            "blocks": plan.blocks,
        }
        click.echo(json.dumps(record, indent=2, ensure_ascii=False))
        return
    made = "made" if job.stored is None else "is there already"
    click.echo(
        f"{job.place}: {made}, {plan.blocks} blocks of {plan.block_size:,} realizations of "
        f"{several(len(plan.scenarios), 'scenario')}"
    )
