"""Conditioning an ensemble on published figures: prior, posterior, and what makes the change."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from yieldsim.analysis.attributes import place_of
from yieldsim.analysis.caption import origin
from yieldsim.analysis.conditioning.learned import STATISTICS, moved_inputs
from yieldsim.analysis.conditioning.likelihood import Piece, pieces_of, votes
from yieldsim.analysis.conditioning.narrowed import narrowing
from yieldsim.analysis.conditioning.psis import FEWEST
from yieldsim.analysis.conditioning.reliability import (
    LeftOut,
    collapse_advice,
    collapse_problem,
    left_out,
    weigh,
)
from yieldsim.analysis.evidence.comparison import below, compared_scenario
from yieldsim.analysis.evidence.file import SHIPPED_EVIDENCE
from yieldsim.analysis.records import Record
from yieldsim.analysis.statistics.standard_error import statistics
from yieldsim.analysis.statistics.weighted import weighted_quantile
from yieldsim.analysis.totals import TOTAL, ai_products, choose, gather
from yieldsim.analysis.weights import WEIGHT
from yieldsim.errors import UsageError

VARIABLE = "usable_chips"
CARRIES = 0.5  # a source carries the evidence if leaving it out loses more of the information


def condition(
    ds: xr.Dataset, path: str | Path | None = None, scenario: str | None = None
) -> tuple[dict[str, Any], np.ndarray | None]:
    """Weight the realizations of an ensemble by their likelihood, given published figures.

    ``path`` is a CSV file of published figures (see `evidence.file`) with a ``spread``, by default
    the shipped one; ``scenario`` is the one to compare, by default ``baseline`` or the first.
    All scenarios share the weights: realization r is the same world in each.

    Returns the summary, ready for JSON, and the weights (realization): None if they collapsed.
    ``effective_sample_size`` (Kish's) and ``pareto_k`` (None: no tail to fit, or too few
    realizations of any weight); ``collapsed``, with ``problem`` and ``advice`` if they did;
    ``prior`` and ``posterior`` with yearly ``totals`` of AI chips (mean, P10, P50, P90, their
    errors and ``ratio`` of P90 to P10) and leading ``inputs``; ``narrowing`` of these totals (see
    `narrowed`); ``moved``, the inputs that moved most (see `moved_inputs`); ``evidence``, each row
    with its ``vote``, its ``spread`` and its probability integral transform, the share of
    realizations below it, under both; ``left_out``, the same without each row and each group, with
    the share of the information that is lost; ``carried_by``, the sources without which more than
    half is lost. Where weights collapsed, ``posterior`` is None and no input is listed.

    Raises ModelError as `pieces_of` does, and UsageError for an unknown scenario, too few
    realizations, and an ensemble with weights.
    """
    path = Path(path or SHIPPED_EVIDENCE)
    if WEIGHT in ds.coords:
        raise UsageError(place_of(ds), "has weights already", allowed="the ensemble without them")
    if ds.sizes["realization"] < FEWEST:
        got = ds.sizes["realization"]
        raise UsageError(
            place_of(ds), "has too few realizations", got=got, allowed=f"{FEWEST} or more"
        )
    name = compared_scenario(ds, scenario)
    chosen = choose(ds, [name])
    pieces = pieces_of(chosen, path)
    found = weigh(pieces)
    without = list(left_out(pieces))
    held = None if found.collapsed else found.weights
    labels, values = _yearly_totals(chosen)
    learned: dict[str, Any] = {"inputs": [], "moved": 0, "of": 0}
    if held is not None:
        learned = moved_inputs(ds, name, held)
    information = found.information
    return {
        "effective_sample_size": found.effective,
        "pareto_k": _finite(found.pareto_k),
        "collapsed": found.collapsed,
        "problem": collapse_problem(found) if found.collapsed else None,
        "advice": collapse_advice(pieces, found, without) if found.collapsed else None,
        "information": information,
        "scenario": name,
        "prior": _state(labels, values, None, learned["inputs"]),
        "posterior": None if held is None else _state(labels, values, held, learned["inputs"]),
        "narrowing": [] if held is None else narrowing(labels, values, held),
        "moved": learned,
        "evidence": [_piece(*own, held) for own in zip(pieces, votes(pieces), strict=True)],
        "left_out": [_left(own, information, labels, values) for own in without],
        "carried_by": _carried_by(without, information),
        "evidence_file": path.name,
        "evidence_sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "units": str(ds[VARIABLE].attrs.get("units", "chip")),
        **origin(ds),
    }, held


def _yearly_totals(ds: xr.Dataset) -> tuple[list[str], np.ndarray]:
    """The years, and the totals (year, realization) of AI chips."""
    parts = list(gather(ds, VARIABLE, "year", {TOTAL: ai_products(ds)}))
    labels = [label for part in parts for label in part.periods]
    return labels, np.concatenate([part.values[0] for part in parts])


def _state(
    labels: Sequence[str], values: np.ndarray, weights: np.ndarray | None, inputs: list[Record]
) -> dict[str, Any]:
    """Totals and inputs before or after the evidence."""
    totals = []
    for year, own in zip(labels, values, strict=True):
        record: Record = {"product": TOTAL, "year": year} | statistics(own, weights)
        record["ratio"] = record["p90"] / record["p10"] if record["p10"] else None
        totals.append(record)
    when = "prior_" if weights is None else "posterior_"
    moved = [{"parameter": r["parameter"]} | {n: r[when + n] for n in STATISTICS} for r in inputs]
    return {"totals": totals, "inputs": moved}


def _piece(piece: Piece, vote: float, weights: np.ndarray | None) -> Record:
    row = piece.row
    record: Record = {
        "entity": row.entity,
        "period": row.period,
        "unit": row.unit,
        "source": row.source,
        "house": row.house,
        "role": row.role,
        "published_low": row.low,
        "published_central": row.central,
        "published_high": row.high,
        "spread": row.spread or None,
        "standard_deviation": row.standard_deviation if row.has_number else None,
        "independence_group": piece.row.group or None,
        "vote": vote,
        "counts": piece.counts,
        "reason": piece.reason or None,
    }
    for end, figure in (("", row.central), ("_low", row.low), ("_high", row.high)):
        shares: list[float | None] = [None, None]
        if piece.values is not None:
            shares[0] = below(piece.values, figure)
            shares[1] = None if weights is None else below(piece.values, figure, weights)
        record |= {f"prior_below{end}": shares[0], f"posterior_below{end}": shares[1]}
    return record


def _left(own: LeftOut, information: float, labels: Sequence[str], values: np.ndarray) -> Record:
    """The weights without a row or a group; equal weights if no evidence is left."""
    weighing = own.weighing
    n = values.shape[-1]
    weights = np.full(n, 1.0 / n) if weighing is None else weighing.weights
    medians = weighted_quantile(values, weights, 0.5)
    rest = 0.0 if weighing is None else weighing.information
    return {
        "kind": own.kind,
        "name": own.name,
        "rows": list(own.places),
        "effective_sample_size": float(n) if weighing is None else weighing.effective,
        "pareto_k": None if weighing is None else _finite(weighing.pareto_k),
        "collapsed": weighing is not None and weighing.collapsed,
        "information": rest,
        "share_gone": 1.0 - rest / information if information > 0.0 else None,
        "p50": dict(zip(labels, medians.tolist(), strict=True)),
    }


def _carried_by(without: Sequence[LeftOut], information: float) -> list[str]:
    """The rows and groups without which more than half of the information is lost."""
    kept = [(own, own.weighing.information if own.weighing else 0.0) for own in without]
    return [own.name for own, rest in kept if rest < (1.0 - CARRIES) * information]


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None
