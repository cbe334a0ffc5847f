"""How many published counts lie inside an ensemble, and how wide its totals are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import xarray as xr

from yieldsim.analysis.evidence.file import CHECK, INPUT
from yieldsim.analysis.records import Record
from yieldsim.analysis.statistics.standard_error import P10_P50_P90, sample_quantiles
from yieldsim.analysis.totals import choose, gather
from yieldsim.analysis.weights import weights_of


def checks_of(records: Sequence[Record]) -> dict[str, Any]:
    """Count the separate checks among the compared records.

    A record that an input rests on is no check. Records of one house for one thing in one year are
    one check, which is inside if each of them is.

    Returns
    -------
    ``checks``, how many there are; ``inside``, how many of them lie inside P10 to P90;
    ``outside``, the others, and ``inputs``, each a list of places in ``records``.
    """
    groups: dict[tuple[str, ...], list[int]] = {}
    inputs: list[int] = []
    for place, record in enumerate(records):
        if not record["compared"]:
            continue
        if record["role"] == INPUT:
            inputs.append(place)
        elif record["role"] == CHECK:
            groups.setdefault(_thing(record), []).append(place)
    missed = [places for places in groups.values() if not all(records[p]["inside"] for p in places)]
    return {
        "checks": len(groups),
        "inside": len(groups) - len(missed),
        "outside": [p for places in missed for p in places if not records[p]["inside"]],
        "inputs": inputs,
    }


def _thing(record: Record) -> tuple[str, ...]:
    """Who counted what in which year."""
    keys = ("house", "variable", "select", "per")
    return (*(str(record[key]) for key in keys), record["period"][:4])


def widths(ds: xr.Dataset, scenario: str) -> list[Record]:
    """P10, P50 and P90 of each year's usable AI chips, and P90 over P10 (None where P10 is 0)."""
    rows: list[Record] = []
    for totals in gather(choose(ds, [scenario]), period="year"):
        for year, values in zip(totals.periods, totals.values[0], strict=True):
            p10, p50, p90 = sample_quantiles(values, P10_P50_P90, weights_of(ds))[0].tolist()
            ratio = p90 / p10 if p10 > 0.0 else None
            rows.append({"year": year, "p10": p10, "p50": p50, "p90": p90, "ratio": ratio})
    return rows
