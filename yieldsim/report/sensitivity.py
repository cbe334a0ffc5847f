"""The tables of `yieldsim sensitivity`: indices, quantile swaps, parameters against noise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from yieldsim.report.tables import Record, Summary, align, count, origin_line

SIGNIFICANT = "*"
_WAYS = {
    "regression": "regression on significant inputs, judged on the other half",
    "pair": "correlation with the run without noise",
    "repeat": "the same inputs with other luck, an estimate and no bound",
}


def sensitivity_text(summary: Summary, top: int) -> str:
    """One period in full, or all years side by side; the split of variance; what it all means."""
    periods = list(dict.fromkeys(r["period"] for r in summary["tornado"]))
    of = f"{summary['variable']} of {summary['product']}" if summary["product"] else ""
    title = f"What drives {of or summary['variable']}, scenario {summary['scenario']}"
    if len(periods) == 1:
        leading = _first(summary["indices"], periods[0])[:top]
        shown = [r["parameter"] for r in leading]
        parts = [f"{title}, {periods[0]} ({summary['units']})", _index_table(leading, summary)]
        parts += _totals(summary, periods[0])
        parts += ["The figure where an input is low and where it is high", _swap_table(summary)]
    else:
        shown = _leading(summary, periods)[:top]
        parts = [f"{title}: first-order indices in %", _by_period(summary, periods, shown)]
        parts.append("--period PERIOD prints intervals, directions and quantile swaps.")
    return "\n\n".join([*parts, _variance(summary["variance"]), _footnote(summary, shown)])


def _index_table(records: Sequence[Record], summary: Summary) -> str:
    percent = f"{100.0 * summary['level']:.0f} %"
    header = ("input", "index %", "", f"{percent} interval", "figure goes", "sd if known")
    return align(header, [_index_cells(r) for r in records], [1, 3, 5])


def _index_cells(record: Record) -> tuple[str, ...]:
    interval = f"{_percent(record['low'])} to {_percent(record['high'])}"
    mark = SIGNIFICANT if record["significant"] else ""
    sd = count(record["sd_if_known"])
    goes = record["direction"] or ""
    return record["parameter"], _percent(record["index"]), mark, interval, goes, sd


def _totals(summary: Summary, period: str) -> list[str]:
    """The total indices of a designed run."""
    records = [r for r in summary["indices"] if (r["kind"], r["period"]) == ("total", period)]
    if not records:
        return []
    cells = [_index_cells(r)[:4] for r in records]
    header = ("inputs", "index %", "", f"{100.0 * summary['level']:.0f} % interval")
    title = "Total indices: what would remain if all other inputs were known "
    title += f"({count(summary['designed']['rows'])} pairs of draws)"
    return [title, align(header, cells, [1, 3])]


def _swap_table(summary: Summary) -> str:
    names = ("low_mean", "low_se_mean", "high_mean", "high_se_mean", "difference", "se_difference")
    header = ("input", "lowest tenth", "±", "highest tenth", "±", "difference", "±")
    rows = [(r["parameter"], *(count(r[name]) for name in names)) for r in summary["tornado"]]
    return align(header, rows, range(1, 7))


def _leading(summary: Summary, periods: Sequence[str]) -> list[str]:
    """The inputs by their highest index in any of the periods."""
    best: dict[str, float] = {}
    for record in summary["indices"]:
        if record["period"] in periods and record["kind"] == "first":
            name = record["parameter"]
            best[name] = max(best.get(name, -1.0), record["index"])
    return sorted(best, key=lambda name: -best[name])


def _by_period(summary: Summary, periods: Sequence[str], inputs: Sequence[str]) -> str:
    """One row an input, a column a period."""
    first = [r for r in summary["indices"] if r["kind"] == "first"]
    records = {(r["parameter"], r["period"]): r for r in first}
    rows = [(name, *(_cell(records[name, period]) for period in periods)) for name in inputs]
    return align(("input", *periods), rows, range(1, len(periods) + 1))


def _cell(record: Record) -> str:
    return f"{_percent(record['index'])}{SIGNIFICANT if record['significant'] else ' '}"


def _first(records: Sequence[Record], period: str) -> list[Record]:
    return [r for r in records if r["period"] == period and r["kind"] == "first"]


def _variance(records: Sequence[Record]) -> str:
    """The split by period. The regression stands there only if nothing tells more."""
    closer = [r for r in records if r["how"] != "regression"]
    rows = [
        (
            r["period"],
            count(r["sd"]),
            f"{_percent(r['parameters_at_least'])} ±{_percent(r['se'])}",
            _percent(r["noise_at_most"]),
            _WAYS[r["how"]],
        )
        for r in closer or records
    ]
    header = ("period", "sd", "inputs, at least %", "process noise, at most %", "by")
    table = align(header, rows, [1, 2, 3])
    return "\n\n".join(["Variance between inputs and process noise", table, *_advice(closer)])


def _advice(closer: Sequence[Record]) -> list[str]:
    if closer:
        return []
    return [
        "--without-noise STORE, the same run with --set simulation.process_noise=false, bounds "
        "the noise closely."
    ]


def _footnote(summary: Summary, shown: Sequence[str]) -> str:
    return "\n".join([origin_line(summary), *_notes(summary, shown)])


def _notes(summary: Summary, shown: Sequence[str]) -> Iterator[str]:
    inputs = len({r["parameter"] for r in summary["indices"] if r["kind"] == "first"})
    chance = summary["false_rate"] * inputs
    yield (
        "Index: the share of the variance that is expected to go once the input is known, so what "
        "knowing it is worth."
    )
    yield (
        f"{SIGNIFICANT} above {100.0 * (1.0 - summary['false_rate']):.0f} % of "
        f"{summary['dummies']} dummies, inputs without effect: about {chance:.0f} of {inputs} "
        "inputs would be so by chance in each period."
    )
    if len({r["period"] for r in summary["tornado"]}) == 1:
        yield (
            "Lowest and highest tenth: the mean of the figure where the input lies there (its "
            "extreme values, if it has few)."
        )
    pairs = sorted(
        {
            tuple(sorted((r["parameter"], other)))
            for r in summary["indices"]
            for other in r["correlated_with"]
            if r["parameter"] in shown
        }
    )
    if pairs:
        told = "; ".join(" with ".join(pair) for pair in pairs)
        yield (
            f"Correlated inputs: {told}. What is shown of each carries the effect of the other "
            "too, so their indices do not add up."
        )
    if summary["constant"]:
        yield f"Inputs that do not vary in this scenario: {', '.join(summary['constant'])}."


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100.0 * share:.1f}"
