"""``yieldsim condition``: realizations weighted by what was published."""

from __future__ import annotations

import json
from typing import Any

import click

from yieldsim.cli.evidence.options import evidence, scenario
from yieldsim.cli.options import as_json, store_argument
from yieldsim.cli.output_files import check_output, force, whole


@click.command()
@store_argument
@evidence
@click.option(
    "--name",
    default="evidence",
    show_default=True,
    metavar="NAME",
    help="Name under which the weights are stored; other commands use them with --weights NAME.",
)
@scenario
@click.option(
    "--write",
    metavar="FILE",
    type=click.Path(),
    help="Also write a dated calibration (TOML): prior size, survivors, evidence and what moved.",
)
@force
@as_json
def condition(
    store: str,
    evidence: str | None,
    name: str,
    scenario: str | None,
    write: str | None,
    force: bool,
    as_json: bool,
) -> None:
    """Weight the realizations of an ensemble by published figures.

    The importance weight of a realization is its likelihood, given what was published. The command
    prints totals and inputs before (prior) and after (posterior), and which source carries the
    difference. It stores the weights with the ensemble, whose data do not change. Other commands
    use them with --weights NAME.

    Each row of the CSV is a count with a normal error: the column spread gives its standard
    deviation, such as 20% or 50000. Rows of one independence_group share one vote. Rows are skipped
    if they cannot be compared, or if an input of the model rests on them; see compare-evidence for
    the other columns. The weights are Pareto-smoothed (PSIS). They collapse if the effective sample
    size is below 5 % of the realizations, or the Pareto k is 0.7 or more. Then nothing is stored,
    the last line says what helps, and the exit code is 5.
    """
    from yieldsim.analysis.conditioning.condition import condition as conditioned
    from yieldsim.ensemble import open_ensemble
    from yieldsim.ensemble.added.weights import check_name, write_weights
    from yieldsim.errors import EvidenceError

    check_name(name)
    check_output(write, force, "--write")
    with open_ensemble(store) as ds:
        found, weights = conditioned(ds, evidence, scenario)
    if weights is not None:
        write_weights(store, name, weights, _about(found, name))
    found |= {"weights_stored": weights is not None, "name": name}
    if as_json:
        click.echo(json.dumps(found, indent=2, ensure_ascii=False, allow_nan=False))
    else:
        from yieldsim.report.conditioning import condition_text

        click.echo(condition_text(found))
    if weights is not None and write is not None:
        _write_calibration(found, store, write)
    if weights is None:
        raise EvidenceError(store, f"{found['problem']}, so nothing is stored; {found['advice']}")


def _about(found: dict[str, Any], name: str) -> dict[str, Any]:
    """What is stored about the weights."""
    kept = ("scenario", "realizations", "effective_sample_size", "pareto_k", "evidence_sha256")
    return {"name": name, "evidence": found["evidence_file"]} | {key: found[key] for key in kept}


def _write_calibration(found: dict[str, Any], store: str, path: str) -> None:
    from datetime import UTC, datetime
    from pathlib import Path

    from yieldsim.ensemble.added.weights import store_identity
    from yieldsim.report.calibration import calibration_text

    date = datetime.now(UTC).date().isoformat()
    text = calibration_text(found, date, store_identity(store))
    with whole(path):
        Path(path).write_text(text, encoding="utf-8")
    click.echo(f"calibration: {path}", err=True)
