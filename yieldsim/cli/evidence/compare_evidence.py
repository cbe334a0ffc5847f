"""``yieldsim compare-evidence``: published figures beside those of the ensemble."""

from __future__ import annotations

import json

import click

from yieldsim.cli.options import as_json, store_argument
from yieldsim.cli.output_files import check_output, force


@click.command("compare-evidence")
@store_argument
@click.option(
    "--scenario",
    metavar="NAME",
    help="The scenario to compare.  [default: baseline, or the first]",
)
@click.option(
    "--evidence",
    metavar="CSV",
    type=click.Path(),
    help="The published figures.  [default: those that ship with the package]",
)
@click.option("--png", metavar="FILE", help="Draw them too: png, svg or pdf.")
@force
@as_json
def compare_evidence(
    store: str,
    scenario: str | None,
    evidence: str | None,
    png: str | None,
    force: bool,
    as_json: bool,
) -> None:
    """Compare an ensemble with published figures.

    Each published figure beside P10, P50, P90 and mean of the matching figure of the ensemble, and
    the share of realizations below it. A CSV of your own has the columns entity, period (2025,
    2025H1 or 2025Q1), low, central, high, unit and source. The optional columns variable, select,
    factor, per and comparable say what each figure is compared with.
    """
    from yieldsim.analysis.caption import origin
    from yieldsim.analysis.evidence.comparison import compare_with_published, compared_scenario
    from yieldsim.ensemble import open_ensemble
    from yieldsim.plots.image import image_format

    if png is not None:
        image_format(png, "--png")  # before the comparison
        check_output(png, force, "--png")
    with open_ensemble(store) as ds:
        name = compared_scenario(ds, scenario)
        records = compare_with_published(ds, evidence, name)
        source = origin(ds)
    if png is not None:
        _draw(records, source, name, png)
    if as_json:
        content = {"scenario": name, **source, "figures": records}
        click.echo(json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False))
    else:
        from yieldsim.report.evidence import evidence_text

        click.echo(evidence_text(records, source, name))


def _draw(records: list[dict], source: dict, scenario: str, png: str) -> None:
    from yieldsim.plots.evidence import evidence_chart
    from yieldsim.plots.image import save

    save(evidence_chart(records, source, scenario), png)
    click.echo(f"figure: {png}", err=True)
