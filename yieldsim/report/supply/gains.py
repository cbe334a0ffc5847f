"""Tables and sentences of what 10 % more of each input adds, from `gain_records`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from yieldsim.report.tables import Record, Summary, align, count, period_label, period_name

TOTAL, HORIZON = "total", "horizon"
MOST_NAMED = 4  # products in a sentence
SURE = 3.0  # standard errors from which on a change is told
UNITS = {"h100e": "H100-equivalents", "chips": "usable chips"}
HOW_TO_RUN = (
    "To rank inputs by what 10 % more of each adds, run the scenarios more:all too: "
    "yieldsim run MODEL --scenario more:all, or yieldsim extend STORE --scenario more:all."
)


def gains_text(summary: Summary, products: Sequence[str]) -> list[str]:
    """The parts of the text: two tables for each base and product, what costs, what inputs mean."""
    parts = []
    gains = summary["gains"]
    for base in dict.fromkeys(r["base"] for r in gains):
        for product in products:
            for key, unit in UNITS.items():
                records = [r for r in gains if (r["base"], r["product"]) == (base, product)]
                records = [r for r in records if r[key] is not None]
                if records:
                    of = "AI chips in total" if product == TOTAL else product
                    title = f"What 10 % more of each input adds, {unit} of {of}, scenario {base}"
                    parts.append(f"{title} (mean paired difference)\n\n{gain_table(records, key)}")
        costs = list(costs_of([r for r in gains if r["base"] == base]))
        if costs:
            parts.append("What it costs:\n" + "\n".join(costs))
    if parts:
        words = [f"{name}: {words}." for name, words in summary["meanings"].items()]
        parts.append("\n".join(words))
    return parts


def gain_table(records: Sequence[Record], key: str) -> str:
    """One row an input in the order of the records; a column a period, then the last in percent."""
    columns = dict.fromkeys(
        "all years" if period_name(r) == HORIZON else period_label(r) for r in records
    )
    rows = []
    for name in dict.fromkeys(r["input"] for r in records):
        own = [r for r in records if r["input"] == name]
        rows.append((name, *(_cell(r, key) for r in own), _percent(own[-1], key)))
    last = [*columns][-1] if len(columns) > 1 and "period" in records[0] else ""
    header = ("10 % more", *columns, f"% of {last}" if last else "%")
    return align(header, rows, range(1, len(header)))


def _cell(record: Record, key: str) -> str:
    error = record[f"{key}_se"]
    return count(record[key]) + ("" if error is None else f" ±{count(error)}")


def _percent(record: Record, key: str) -> str:
    base = record[f"{key}_base"]
    return f"{100.0 * record[key] / base:+.2f}" if base else "-"


def costs_of(records: Sequence[Record]) -> Iterator[str]:
    """A sentence for each input that takes chips of a product, and for each year that it lowers.

    Changes within three standard errors are passed over.
    """
    for name in dict.fromkeys(r["input"] for r in records):
        own = [r for r in records if r["input"] == name]
        whole = [r for r in own if period_name(r) == HORIZON and r["product"] != TOTAL]
        taken = [r for r in whole if _sign(r, "chips") < 0]
        given = [r for r in whole if _sign(r, "chips") > 0]
        if taken:
            adds = f" adds {_of_products(given)} and" if given else ""
            yield f"10 % more {name}{adds} takes {_of_products(taken)} over all years."
        for record in own:
            if record["product"] == TOTAL and period_name(record) != HORIZON:
                yield from _lower_year(name, record)


def _lower_year(name: str, record: Record) -> Iterator[str]:
    """A sentence where a year has less of chips or compute in total."""
    less = [
        f"{count(-record[key])} ±{count(record[f'{key}_se'])} {unit}"
        for key, unit in UNITS.items()
        if _sign(record, key) < 0
    ]
    if less:
        more = " while compute rises" if _sign(record, "h100e") > 0 else ""
        taken = " and ".join(less)
        yield f"10 % more {name} takes {taken} of all AI chips in {period_name(record)}{more}."


def _sign(record: Record, key: str) -> int:
    """The sign of a change that is beyond its error and is not rounded to none; else 0."""
    change, error = record[key], record[f"{key}_se"]
    if change is None or error is None or abs(change) < max(0.5, SURE * error):
        return 0
    return 1 if change > 0.0 else -1


def _of_products(records: Sequence[Record]) -> str:
    """Chips of products in words, the largest changes first; the rest as a number of products."""
    ordered = sorted(records, key=lambda r: -abs(r["chips"]))
    named = MOST_NAMED if len(ordered) > MOST_NAMED + 1 else len(ordered)  # none is left alone
    words = [f"{count(abs(r['chips']))} {r['product']}" for r in ordered[:named]]
    rest = ordered[named:]
    if rest:
        chips = count(sum(abs(r["chips"]) for r in rest))
        words.append(f"{chips} of {len(rest)} others")
    return ", ".join(words)
