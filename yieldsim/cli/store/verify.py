"""``yieldsim verify``: check every byte of a store, and mend what is damaged."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from yieldsim.cli.options import as_json, store_argument

if TYPE_CHECKING:
    from yieldsim.ensemble import Damage, Stored

__all__ = ["verify"]

_MOST_LINES = 20
_EXIT_DAMAGED = 4


@click.command()
@store_argument
@click.option("--repair", is_flag=True, help="Make what is damaged again from the model and seed.")
@click.option("--threads", type=click.IntRange(1), help="Cores for --repair.  [default: all]")
@as_json
def verify(store: str, repair: bool, threads: int | None, as_json: bool) -> int:
    """Check every byte of a store: chunks, coordinates, summaries and metadata.

    Prints a line for each damaged file and exits 4 if there is damage. If a part of the ledger is
    damaged, the files that it vouches for cannot be checked and are named as not judged. --repair
    makes again all that is damaged, including damage found in those files, and touches no other
    file. It may be killed and run again. A store of the older format 1 has checksums of its chunks
    alone.
    """
    from yieldsim.ensemble import examine, place_of
    from yieldsim.execute.cores import available_cores
    from yieldsim.execute.repair import existing
    from yieldsim.execute.repair import repair as mend_store

    stored = existing(place_of(store))
    if repair:
        threads = threads or available_cores()
        damage, left = mend_store(stored.place, threads=threads, progress=not as_json)
    else:
        damage = left = examine(stored)
    mended = sorted(set(damage.keys) - set(left.keys))
    if as_json:
        record = _record(stored, left, mended)
        click.echo(json.dumps(record, indent=2, ensure_ascii=False))
    else:
        hidden = _unjudged(stored, damage)
        judged = {key: f"vouches for {what}, not judged without it" for key, what in hidden.items()}
        for line in [*_lines(damage.keys), *_lines(judged)]:
            click.echo(line)
        click.echo(_closing_line(stored, len(left.keys), len(mended)))
    return _EXIT_DAMAGED if left else 0


def _record(stored: Stored, left: Damage, mended: list[str]) -> dict[str, Any]:
    return {
        "sound": not left,
        "format": stored.attrs["yieldsim_store"],
        "blocks": stored.blocks,
        "damaged": left.keys,
        "unjudged": _unjudged(stored, left),
        "repaired": mended,
    }


def _unjudged(stored: Stored, damage: Damage) -> dict[str, str]:
    return damage.unjudged(stored.plan) if damage and stored.has_ledger else {}


def _lines(keys: dict[str, str]) -> list[str]:
    """Return a line for each damaged key, at most 20, then how many more there are."""
    lines = [f"{key} {problem}" for key, problem in keys.items()]
    more = len(lines) - _MOST_LINES
    return lines if more <= 0 else [*lines[:_MOST_LINES], f"... and {more} more"]


def _closing_line(stored: Stored, left: int, mended: int) -> str:
    from yieldsim.ensemble import marked_blocks
    from yieldsim.ensemble.read import remedy

    what = f"{stored.blocks} blocks"
    if not stored.complete:
        what = f"{len(marked_blocks(stored.place))} of {what}, not complete"
    if not stored.has_ledger:
        what += "; format 1: only the checksums of chunks could be checked"
    repaired = f"{mended} mended, " if mended else ""
    state = f"{left} damaged" if left else "sound"
    advice = "" if not left or mended else f"; {remedy(stored)}"
    return f"{stored.place}: {repaired}{state} ({what}){advice}"
