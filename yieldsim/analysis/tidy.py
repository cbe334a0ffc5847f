"""Tidy rows: one statistic of one figure a row, for spreadsheets and data frames.

Every summary of `yieldsim.analysis` is lists of flat records. A record of mean, P10, P50 and P90
becomes four rows, each with its Monte Carlo error and its unit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from yieldsim.analysis.periods import KINDS

Row = dict[str, Any]
COLUMNS = ("scenario", "product", "period", "statistic", "value", "se", "unit")
# Lists of a summary that become rows -> what their statistics begin with, and their unit. The unit
# of a record goes before it; CHIPS is that of the summary.
CHIPS = "chips"
LISTS = {
    "records": ("", CHIPS),
    "yearly": ("", CHIPS),
    "exceedance": ("", "1"),
    "starts": ("wafer_starts_", "wafer"),
    "binding": ("binding_", "1"),
    "differences": ("difference_", CHIPS),
    "gains": ("gain_", CHIPS),
    "lifted": ("lifted_", CHIPS),
    "losses": ("loss_", "1"),
    "d0": ("d0_", "cm-2"),
    "d0_yearly": ("d0_", "cm-2"),
    "orders": ("order_", CHIPS),
    "filled": ("filled_", "1"),
    "backlog": ("backlog_", CHIPS),
    "delivered": ("delivered_", CHIPS),
    "imports": ("imports_", CHIPS),
    "market": ("", CHIPS),
    "market_yearly": ("", CHIPS),
    "balance": ("stacks_", "stack"),
    "users": ("stacks_", "stack"),
}
# what else tells records of a list apart, in the order of the columns
LABELS = (
    "store",
    "base",
    "base_scenario",
    "paired",
    "above",
    "variable",
    "figure",
    "bin",
    "die",
    "mechanism",
    "process",
    "fab",
    "designs",
    "constraint",
    "lifted",
    "input",
    "order",
    "import",
    "pool",
)
# numbers of a record that are no statistics
_COUNTS = {"quarters", "realizations", "above", "tier"}
# statistics in another unit than that of their list
_UNITS = {"spread_ratio": "1", "made": "1", "share_by_due": "1", "share_by_end": "1"}
_COMPUTE = "h100e"


def tidy_rows(summary: Mapping[str, Any]) -> list[Row]:
    """The figures of a summary by scenario, product and period, one statistic a row.

    Each row has the keys `COLUMNS`: ``value`` and its Monte Carlo error ``se`` (None where there is
    none) in ``unit``. Then those of `LABELS` that a record of the summary has, None in the rows of
    other records. ``product`` and ``period`` are None where a figure has none. Correlations and
    texts are left out, and so are statistics that are missing.
    """
    found = [
        (record, prefix, unit)
        for name, (prefix, unit) in LISTS.items()
        for record in summary.get(name, ())
    ]
    labels = [label for label in LABELS if any(label in record for record, _, _ in found)]
    chips = str(summary.get("units", "chip"))
    return [
        row | {label: record.get(label) for label in labels}
        for record, prefix, unit in found
        for row in _rows(record, prefix, chips if unit == CHIPS else unit)
    ]


def _rows(record: Row, prefix: str, unit: str) -> Iterator[Row]:
    """The rows of a record's statistics, without its labels."""
    period = next((record[key] for key in ("period", *KINDS) if key in record), None)
    of = str(record.get("units", unit))
    shares = "made" in record and "units" not in record  # a yield, of dies
    errors = {key: error_key(record, key) for key in record}
    for key, error in errors.items():
        value = record[key]
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not number or key in _COUNTS or key in errors.values():
            continue
        yield {
            "scenario": record["scenario"],
            "product": record.get("product"),
            "period": period,
            "statistic": f"{prefix}{key}",
            "value": value,
            "se": None if error is None else record[error],
            "unit": _UNITS.get(key, "H100" if key.startswith(_COMPUTE) else "1" if shares else of),
        }


def error_key(record: Row, key: str) -> str | None:
    """The key of a statistic's error in its record; None if it has none.

    ``se_p10`` of ``p10``, ``in_se_p10`` of ``in_p10``, ``chips_se`` of ``chips``, ``se`` of
    ``probability``.
    """
    head, _, tail = key.rpartition("_")
    names = [f"se_{key}", f"{key}_se", f"{head}_se_{tail}"]
    names += ["se"] if key == "probability" else []
    return next((name for name in names if name in record), None)
