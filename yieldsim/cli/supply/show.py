"""``yieldsim show``: what a model states, with units, sources and grades, and its scenarios."""

from __future__ import annotations

import json
from typing import Any

import click

from yieldsim.cli.options import allow_outside, as_json, changes, model_argument

SCENARIOS = "scenarios"


@click.command()
@model_argument
@click.argument("prefix", required=False)
@click.option(
    "--scenario",
    metavar="NAME",
    default="baseline",
    show_default=True,
    help="The scenario to show.",
)
@changes
@allow_outside
@as_json
def show(
    model: str,
    prefix: str | None,
    scenario: str,
    changes: tuple[str, ...],
    allow_outside: tuple[str, ...],
    as_json: bool,
) -> None:
    """List a model's inputs with sources, grades and defaults.

    Prints for each parameter its path, value or distribution, unit, source, grade and note. Also
    prints other settings with their value, and for every omitted field the default that the
    simulation takes. PREFIX keeps those at or below a path, such as processes.n2 or memory. PREFIX
    scenarios lists the scenarios with what each changes, and scenarios.NAME one of them. Long
    schedules are shortened; --json has all points.
    """
    from yieldsim.model import load_file

    stem = (prefix or "").rstrip(".")
    file = load_file(model, allow_outside).with_changes(changes)
    top, _, name = stem.partition(".")
    if top == SCENARIOS:
        from yieldsim.model.scenario_listing import scenario_records
        from yieldsim.report.listing import scenarios_text

        records = scenario_records(file, name or None)
        text = _json(records) if as_json else scenarios_text(records)
    else:
        from yieldsim.report.listing import listing_text, model_records

        typed = file.model(scenario)
        text = _json(model_records(typed, stem)) if as_json else listing_text(typed, stem)
    click.echo(text)


def _json(records: list[dict[str, Any]]) -> str:
    return json.dumps(records, indent=2, ensure_ascii=False, default=str)
