"""``yieldsim check``: validate a model file and its scenarios."""

from __future__ import annotations

import json
from typing import Any

import click

from yieldsim.cli.options import allow_outside, as_json, changes, model_argument


@click.command()
@model_argument
@click.option(
    "--scenario",
    "scenarios",
    metavar="NAME",
    multiple=True,
    help="Check only this scenario; can be repeated.  [default: all]",
)
@changes
@allow_outside
@as_json
def check(
    model: str,
    scenarios: tuple[str, ...],
    changes: tuple[str, ...],
    allow_outside: tuple[str, ...],
    as_json: bool,
) -> None:
    """Validate a model file and all its scenarios.

    Prints a line and exits 0 if the model is valid; otherwise prints the first error and exits 1. A
    note names what a packaged AI product leaves to defaults that change its chips.
    """
    from yieldsim.model import BASELINE, load_file, parameters
    from yieldsim.model.silent_defaults import default_notes, silent_defaults
    from yieldsim.supply.simulate import Simulator

    file = load_file(model, allow_outside).with_changes(changes)
    names = list(dict.fromkeys(scenarios)) or [BASELINE, *file.scenarios]
    # everything that a run does before its first draw, so that a valid model runs
    models = list(Simulator(file, names, seed=0).models.values())
    listed = parameters(models[0])
    counts: dict[str, Any] = {
        "model": models[0].name,
        "ok": True,
        "scenarios": names,
        "parameters": len(listed),
        "uncertain": sum(parameter.uncertain for parameter in listed),
        "fabs": len(models[0].fabs),
        "processes": len(models[0].processes),
        "dies": len(models[0].dies),
        "products": len(models[0].products),
        "sources": len(models[0].sources),
        "defaults": {
            name: left for model in models for name, left in silent_defaults(model).items()
        },
    }
    for note in default_notes(counts["defaults"]):
        click.echo(note, err=True)
    click.echo(json.dumps(counts, indent=2) if as_json else _line(counts, len(models)))


def _line(counts: dict[str, object], scenarios: int) -> str:
    return (
        f"{counts['model']}: OK, {_many(scenarios, 'scenario')}, "
        f"{counts['parameters']} parameters ({counts['uncertain']} uncertain), "
        f"{_many(counts['fabs'], 'fab')}, "
        f"{_many(counts['processes'], 'process', 'processes')}, "
        f"{_many(counts['dies'], 'die')}, {_many(counts['products'], 'product')}, "
        f"{_many(counts['sources'], 'source')}"
    )


def _many(count: object, noun: str, plural: str = "") -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {plural or noun + 's'}"
