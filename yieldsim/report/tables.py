"""Text tables for the terminal: aligned columns, thousands separated, errors beside the figures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from yieldsim.analysis.weights import weights_note
from yieldsim.design import SOBOL

Record = dict[str, Any]
Summary = dict[str, Any]

GAP = "  "
GIVEN_ERRORS = (
    "; inputs were given, and errors are too small where rows of the samples share values"
)
SOBOL_ERRORS = " along Sobol' sequences; errors are those of independent draws, rather too large"
FIGURES = ("p10", "p50", "p90")
HEADER = ("P10", "±", "P50", "±", "P90", "±", "mean", "±")


def align(header: Sequence[str], rows: Iterable[Sequence[str]], right: Iterable[int] = ()) -> str:
    """A table of texts with a rule below its header; columns numbered in ``right`` align right.

    No line ends in spaces.
    """
    cells = [list(header), *(list(row) for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    to_right = frozenset(right)
    lines = [_line(row, widths, to_right) for row in cells]
    rule = GAP.join("-" * width for width in widths)
    return "\n".join([lines[0], rule, *lines[1:]])


def _line(row: Sequence[str], widths: Sequence[int], right: frozenset[int]) -> str:
    padded = [
        text.rjust(width) if column in right else text.ljust(width)
        for column, (text, width) in enumerate(zip(row, widths, strict=True))
    ]
    return GAP.join(padded).rstrip()


def count(number: float | None) -> str:
    """A count such as 812,000; a dash where the number is missing."""
    if number is None:
        return "-"
    return f"{round(number):,}"  # an integer knows no -0


def figures(record: Mapping[str, Any], text: Callable[[float | None], str] = count) -> list[str]:
    """The cells below `HEADER`: P10, P50, P90 and mean of a record, each with its error."""
    texts = []
    for name in (*FIGURES, "mean"):
        texts += [text(record[name]), text(record[f"se_{name}"])]
    return texts


def percent(share: float | None) -> str:
    """A share in percent with one decimal place."""
    return "-" if share is None else f"{100.0 * share:.1f} %"


def period_name(record: Mapping[str, Any]) -> str:
    """The name of a record's period: a chosen one, or its calendar year.

    In the order of the texts a year stands before its halves, and these before their quarters.
    """
    return str(record["period"] if "period" in record else record["year"])


def period_label(record: Mapping[str, Any]) -> str:
    """The name of a record's period, with the number of quarters of one covered in part."""
    name = period_name(record)
    whole = 1 if "Q" in name else 2 if "H" in name else 4
    quarters = record.get("quarters", whole)
    return name if quarters == whole else f"{name} ({quarters}q)"


def period_head(records: Sequence[Record]) -> str:
    """The head of the column of `period_label`."""
    return "period" if records and "period" in records[0] else "year"


def main_records(
    summary: Summary, by_quarter: str = "records", by_year: str = "yearly"
) -> list[Record]:
    """The records of the chosen periods; by calendar year where none are chosen."""
    records: list[Record] = summary[by_quarter if "periods" in summary else by_year]
    return records


def per_period(summary: Summary) -> str:
    """What the figures of `main_records` are sums over, for titles."""
    return "by period" if "periods" in summary else "per calendar year"


def origin_line(origin: Mapping[str, Any]) -> str:
    """The first line of a footnote: model, seed and realizations of what stands above.

    The errors take draws as independent; of other draws it says what follows. Weighted figures have
    a second line, which names the evidence behind the weights.
    """
    seed = f", seed {origin['seed']}" if origin["seed"] else ""
    model = f"Model {origin['model']}{seed}, " if origin["model"] else ""
    notes = [
        SOBOL_ERRORS if origin.get("design") == SOBOL else "",
        GIVEN_ERRORS if origin.get("given_samples") else "",
    ]
    line = f"{model}{count(origin['realizations'])} realizations{''.join(notes)}."
    return "\n".join(filter(None, (line, weights_note(origin))))


def median_cell(record: Record | None, scale: float = 100.0, digits: int = 1) -> str:
    """P50 and its error times ``scale``, such as ``81.2 ±0.4``; empty where there is no record."""
    if record is None:
        return ""
    text = f"{scale * record['p50']:.{digits}f}"
    error = record["se_p50"]
    return text if error is None else f"{text} ±{scale * error:.{digits}f}"


def of_scenario(records: Iterable[Record], scenario: str, **values: Any) -> list[Record]:
    """The records of a scenario that have these values under these keys."""
    return [
        record
        for record in records
        if record["scenario"] == scenario
        and all(record[key] == value for key, value in values.items())
    ]


def scenario_names(records: Iterable[Record]) -> list[str]:
    """The scenarios of some records, in their order."""
    return list(dict.fromkeys(record["scenario"] for record in records))
