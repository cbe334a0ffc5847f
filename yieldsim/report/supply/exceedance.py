"""The table of probabilities, from `exceedance_summary`."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from yieldsim.report.tables import (
    Summary,
    align,
    count,
    origin_line,
    percent,
    period_label,
)

WIDTH = 100


def exceedance_text(summary: Summary, scenarios: Sequence[str] = ()) -> str:
    """The table of the given scenarios, by default all, and how far its figures reach."""
    records = [r for r in summary["exceedance"] if not scenarios or r["scenario"] in scenarios]
    rows = [
        (
            period_label(r),
            r["product"],
            r["scenario"],
            count(r["above"]),
            percent(r["probability"]),
            percent(r["se"]),
        )
        for r in records
    ]
    header = ("period", "product", "scenario", "above", "probability", "±")
    table = align(header, rows, (3, 4, 5))
    title = "Probability of more usable chips in a period than a number"
    return f"{title}\n\n{table}\n\n{_footnote(summary)}"


def _footnote(summary: Summary) -> str:
    notes = [
        "Chips are summed in each realization; the probability is the share of realizations above "
        "the number, and ± its Monte Carlo standard error.",
    ]
    if any(r["product"] == "total" for r in summary["exceedance"]):
        notes.append(f"total: AI chips, that is {', '.join(summary['in_total'])}.")
    if any(r["probability"] in (0.0, 1.0) for r in summary["exceedance"]):
        weights = summary.get("weights", {})
        count_of = weights.get("effective_sample_size", summary["realizations"])
        bound = percent(min(1.0, 3.0 / count_of))
        notes.append(
            f"Where no realization is above the number, or each is, the true probability is within "
            f"{bound} of that with 95 % confidence."
        )
    lines = [line for note in notes for line in textwrap.wrap(note, WIDTH)]
    return "\n".join([origin_line(summary), *lines])
