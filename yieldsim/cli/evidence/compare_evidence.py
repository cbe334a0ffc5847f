"""``yieldsim compare-evidence``: published figures beside those of the ensemble."""

from __future__ import annotations

import json

import click

from yieldsim.cli.evidence.options import evidence, scenario
from yieldsim.cli.options import as_json, store_argument, weights
from yieldsim.cli.output_files import check_output, force


@click.command("compare-evidence")
@store_argument
@scenario
@evidence
@click.option(
    "--forecasts",
    metavar="CSV",
    type=click.Path(),
    help="What others expect.  [default: those that ship with the package]",
)
@weights
@click.option("--png", metavar="FILE", help="Draw them too: png, svg or pdf.")
@force
@as_json
def compare_evidence(
    store: str,
    scenario: str | None,
    evidence: str | None,
    forecasts: str | None,
    weights: str | None,
    png: str | None,
    force: bool,
    as_json: bool,
) -> None:
    """Compare an ensemble with published counts and forecasts.

    Prints each published figure beside P10, P50, P90 and mean of the matching figure of the
    ensemble, and the share of realizations below it. Counts that no input rests on are checks; the
    last lines say how many of them lie inside P10 to P90. Figures that an input rests on are
    marked, and test nothing.

    A CSV of your own has the columns entity, period (2025, 2025H1 or 2025Q1), low, central, high,
    unit and source. The optional columns variable, select, factor, per and comparable say what each
    figure is compared with, and role, sets, house and remark what it is worth as a test. If you
    give one of the two files, only that one is compared.
    """
    from yieldsim.analysis.caption import origin
    from yieldsim.analysis.conditioning import open_weighted
    from yieldsim.analysis.evidence.checks import checks_of, widths
    from yieldsim.analysis.evidence.comparison import compare_files, compared_scenario
    from yieldsim.analysis.evidence.file import SHIPPED_EVIDENCE, SHIPPED_FORECASTS
    from yieldsim.plots.image import image_format

    if png is not None:
        image_format(png, "--png")  # before the comparison
        check_output(png, force, "--png")
    files = {"figures": evidence, "forecasts": forecasts}
    if evidence is None and forecasts is None:
        files = {"figures": str(SHIPPED_EVIDENCE), "forecasts": str(SHIPPED_FORECASTS)}
    paths = [path for path in files.values() if path is not None]
    with open_weighted(store, weights) as ds:
        name = compared_scenario(ds, scenario)
        found = iter(compare_files(ds, paths, name))
        sections = {key: next(found) if path is not None else [] for key, path in files.items()}
        source = origin(ds)
        totals = widths(ds, name)
    checks = checks_of(sections["figures"])
    if png is not None:
        _draw(sections, source, name, png)
    if as_json:
        content = {"scenario": name, **source, **sections, "checks": checks, "totals": totals}
        click.echo(json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False))
    else:
        from yieldsim.report.evidence import evidence_text

        click.echo(evidence_text(sections, checks, totals, source, name))


def _draw(sections: dict[str, list[dict]], source: dict, scenario: str, png: str) -> None:
    from yieldsim.plots.evidence import evidence_chart
    from yieldsim.plots.image import save

    save(evidence_chart(sections, source, scenario), png)
    click.echo(f"figure: {png}", err=True)
