"""Tables of ensembles side by side, from `compare_stores`."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Sequence

from yieldsim.report.tables import (
    HEADER,
    Record,
    Summary,
    align,
    figures,
    origin_line,
    period_label,
    period_name,
)

WIDTH = 100
TOTAL = "total"


def compared_text(summary: Summary) -> str:
    """Totals side by side, differences from the first store, and what is the same in both."""
    names = short_names([store["store"] for store in summary["stores"]])
    parts = ["Usable chips by period and store\n\n" + totals_table(summary["records"], names)]
    for paired, title in ((True, "Paired differences"), (False, "Differences, not paired")):
        records = [r for r in summary["differences"] if r["paired"] == paired]
        if records:
            table = difference_table(records, names)
            parts.append(f"{title} from {names[summary['stores'][0]['store']]}\n\n{table}")
    parts.append("\n".join(_notes(summary, names)))
    return "\n\n".join(parts)


def short_names(stores: Sequence[str]) -> dict[str, str]:
    """Store -> its name without the folders, where that tells it from the others."""
    last = {store: os.path.basename(store.rstrip("/")) or store for store in stores}
    found = list(last.values())
    return {store: name if found.count(name) == 1 else store for store, name in last.items()}


def totals_table(records: Sequence[Record], names: dict[str, str]) -> str:
    """One row a period, product, store and scenario."""
    rows, last = [], ("", "")
    for r in sorted(records, key=lambda r: (period_name(r), r["product"] != TOTAL, r["product"])):
        place = (period_label(r), r["product"])
        shown = ("" if place[0] == last[0] else place[0], "" if place == last else place[1])
        rows.append((*shown, names[r["store"]], r["scenario"], *figures(r)))
        last = place
    return align(("period", "product", "store", "scenario", *HEADER), rows, range(4, 12))


def difference_table(records: Sequence[Record], names: dict[str, str]) -> str:
    """One row a period, product, store and scenario: its difference from the first store."""
    rows = []
    for r in sorted(records, key=lambda r: (period_name(r), r["product"] != TOTAL, r["product"])):
        scenario = r["scenario"]
        if scenario != r["base_scenario"]:
            scenario = f"{scenario} - {r['base_scenario']}"
        ratio = r["spread_ratio"]
        spread = "-" if ratio is None else f"{ratio:.2f}"
        place = (period_label(r), r["product"], names[r["store"]], scenario)
        rows.append((*place, *figures(r), spread))
    header = ("period", "product", "store", "scenario", *HEADER, "spread")
    return align(header, rows, range(4, 13))


def _notes(summary: Summary, names: dict[str, str]) -> list[str]:
    lines = [f"{names[store['store']]}: {origin_line(store)}" for store in summary["stores"]]
    told = {}
    for r in summary["differences"]:
        of, base = names[r["store"]], names[r["base"]]
        if r["paired"]:
            told[r["store"], True] = (
                f"{of} and {base} are paired: same seed, design and draws of realizations 0 to "
                f"{r['realizations'] - 1:,}."
            )
        else:
            told[r["store"], False] = (
                f"{of} and {base} are not paired ({r['reason']}): the difference of means has the "
                "error of independent samples."
            )
    notes = [*told.values(), *(f"{note}." for note in summary["notes"])]
    if any(r["paired"] for r in summary["differences"]):
        notes.append("Spread: standard deviation of the paired difference over that of two runs.")
    notes.append("± is the Monte Carlo standard error. The total is that of AI chips.")
    return [*lines, *(line for note in notes for line in textwrap.wrap(note, WIDTH))]
