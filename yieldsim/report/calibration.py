"""A dated calibration (TOML): what an ensemble was conditioned on, and how much of it survived."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

HEAD = "# A calibration that `yieldsim condition --write` wrote: an ensemble's weights."
TABLES = {
    "entity": "entity",
    "period": "period",
    "house": "house",
    "source": "source",
    "low": "published_low",
    "central": "published_central",
    "high": "published_high",
    "spread": "spread",
    "independence_group": "independence_group",
    "vote": "vote",
    "prior_below": "prior_below",
    "posterior_below": "posterior_below",
}
QUANTILES = ("p10", "p50", "p90")


def calibration_text(found: Mapping[str, Any], date: str, ensemble: str) -> str:
    """The file of a conditioned ensemble, by `condition.condition`; ``ensemble`` is its identity.

    Missing figures are left out, because TOML has no null.
    """
    head = {
        "date": date,
        "weights": found["name"],
        "model": found["model"],
        "seed": found["seed"],
        "scenario": found["scenario"],
        "ensemble": ensemble,
        "prior_realizations": found["realizations"],
        "survivors": round(found["effective_sample_size"], 1),
        "pareto_k": found["pareto_k"],
        "information_nats": found["information"],
        "carried_by": found["carried_by"],
        "evidence_file": found["evidence_file"],
        "evidence_sha256": found["evidence_sha256"],
        "inputs_moved": found["moved"]["moved"],
        "inputs": found["moved"]["of"],
    }
    rows = [{k: r[key] for k, key in TABLES.items()} for r in found["evidence"] if r["counts"]]
    parts = [[HEAD, *_lines(head)], *_tables("evidence", rows)]
    parts += _tables("totals", _totals(found))
    moved = [{k: r[k] for k in _INPUT} for r in found["moved"]["inputs"] if r["moved"]]
    parts += _tables("moved", moved)
    return "\n\n".join("\n".join(lines) for lines in parts) + "\n"


_INPUT = ("parameter", "shift", "se_shift", "sd_ratio", "prior_p50", "posterior_p50")


def _totals(found: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    lists = (found["prior"]["totals"], found["posterior"]["totals"], found["narrowing"])
    for before, after, narrower in zip(*lists, strict=True):
        row = {"year": before["year"]} | {key: narrower[key] for key in ("width", "low", "high")}
        for when, own in (("prior", before), ("posterior", after)):
            row |= {f"{when}_{q}": own[q] for q in QUANTILES}
        yield row


def _tables(name: str, rows: Any) -> list[list[str]]:
    return [[f"[[{name}]]", *_lines(row)] for row in rows]


def _lines(table: Mapping[str, Any]) -> list[str]:
    """``key = value`` lines. JSON's texts, numbers, truths and lists are TOML's."""
    known = {key: value for key, value in table.items() if value is not None}
    return [f"{key} = {json.dumps(_short(v), ensure_ascii=False)}" for key, v in known.items()]


def _short(value: Any) -> Any:
    """Six digits of a fraction are more than a sample of realizations has."""
    return float(f"{value:.6g}") if isinstance(value, float) else value
