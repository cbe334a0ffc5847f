"""``yieldsim status``: how far a store is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from yieldsim.cli.options import as_json, store_argument

if TYPE_CHECKING:
    from yieldsim.execute.status import Status

__all__ = ["status"]


@click.command()
@store_argument
@as_json
def status(store: str, as_json: bool) -> None:
    """Print how many blocks of a store are stored, missing and damaged.

    The command reads markers and records but no results. `yieldsim verify` reads every byte.
    """
    from yieldsim.ensemble import place_of
    from yieldsim.execute.status import status_of

    state = status_of(place_of(store))
    click.echo(json.dumps(state.as_json(), indent=2) if as_json else f"{store}: {_text(state)}")


def _text(state: Status) -> str:
    parts = [
        "complete" if state.complete else "not complete",
        f"{state.done} of {state.blocks} blocks done",
        f"{state.missing} missing",
        f"{state.damaged} damaged",
        f"{state.realizations:,} realizations",
    ]
    if state.realizations_per_second is not None:
        parts.append(f"{state.realizations_per_second:,.3g} per second")
    return ", ".join(parts)
