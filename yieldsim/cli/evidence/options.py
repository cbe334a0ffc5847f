"""The options of the commands that compare a store with published figures."""

from __future__ import annotations

import click

__all__ = ["evidence", "scenario"]

evidence = click.option(
    "--evidence",
    metavar="CSV",
    type=click.Path(),
    help="Published figures.  [default: those that ship with the package]",
)
scenario = click.option(
    "--scenario",
    metavar="NAME",
    help="Scenario to compare with the evidence.  [default: baseline, or the first]",
)
