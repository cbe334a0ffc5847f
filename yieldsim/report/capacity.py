"""The tables of a fab's capacity, from the record of `yieldsim.analysis.fab.capacity`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from yieldsim.model.scenario_names import BASELINE
from yieldsim.report.tables import align, count, origin_line, percent

Record = Mapping[str, Any]
QUANTILES = ("p10", "p50", "p90")
PASSES = ("planned", "possible", "made")
# heads of the columns of SEMI E10, in the order of the record
STATES = {
    "productive": "productive",
    "standby": "standby",
    "engineering": "engineering",
    "scheduled_down": "sched. down",
    "unscheduled_down": "unsched. down",
    "nonscheduled": "non-sched.",
}
# label and decimal places of each row
PROCESS_ROWS = {
    "planned_wafers_per_month": ("planned, wafers a month", 0),
    "started_wafers_per_month": ("started, wafers a month", 0),
    "out_wafers_per_month": ("out, wafers a month", 0),
    "cycle_time_days": ("cycle time, days", 1),
    "raw_process_days": ("raw process time, days", 1),
    "x_factor": ("x-factor", 2),
    "wip_wafers": ("wafers in the line at the end", 0),
}
NOTES = (
    "Load over capacity: passes planned over passes that the tools could make; inf: no tools.",
    "Largest in: share of realizations in which the group has the largest load over capacity.",
)
TOOL_NOTE = (
    "Figures of tool classes are means: of tools over all realizations, of times over those that "
    "have such tools. States by SEMI E10, as shares of total time."
)


def capacity_text(record: Record) -> str:
    """The verdict in words, all quarters unless one was given, and a quarter in detail."""
    parts = [headline(record)]
    if record["chosen"] != "given":
        parts.append(f"{_about(record)}, by quarter (medians)\n\n{quarter_table(record)}")
        parts.append(f"In detail: {record['quarter']}, the quarter with the {record['chosen']}.")
    if record["has_tools"]:
        title = (
            f"Tool groups in {record['quarter']} by load over capacity (passes a month: medians)"
        )
        parts.append(f"{title}\n\n{group_table(record)}")
        parts.append(f"Tools by class in {record['quarter']}\n\n{class_table(record)}")
        parts.append(f"Tool states in {record['quarter']}\n\n{state_table(record)}")
    parts.append(f"Wafers in {record['quarter']}\n\n{process_table(record)}")
    parts.append("\n".join(_notes(record)))
    return "\n\n".join(parts)


def headline(record: Record) -> str:
    """The bottleneck, its load over capacity, and the next two groups, in words."""
    place = f"{record['fab']}, {record['quarter']}"
    if not record["has_tools"]:
        return (
            f"{place}: the fab has no tools in the model, so only its plan limits it "
            "(and accidents)."
        )
    ranked = [group for group in record["tool_groups"] if group["rank"] is not None]
    if not ranked:
        return f"{place}: the plan needs no tools."
    first, *others = ranked
    load = first["load_over_capacity"]
    words = (
        f"{place}: {first['tool_group']} is the bottleneck: load over capacity "
        f"{_with_error(load)} (P10 to P90: {decimal(load['p10'], none='inf')} to "
        f"{decimal(load['p90'], none='inf')}), the largest in "
        f"{_whole_percent(first['share_scarcest'])} of realizations"
    )
    if others:
        words += f"; next {' and '.join(_short(group) for group in others[:2])}"
    often = max(ranked, key=lambda group: group["share_scarcest"])
    if often["share_scarcest"] > first["share_scarcest"] and often not in others[:2]:
        words += f"; most often the largest: {_short(often)}"
    carried = next(q for q in record["quarters"] if q["quarter"] == record["quarter"])
    share = _whole_percent(carried["share_carried"])
    return f"{words}. The tools can carry the plan in {share} of realizations."


def quarter_table(record: Record) -> str:
    """One line a quarter: wafers, bottleneck, times."""
    header = ["quarter", "planned", "started", "out", "cycle time, days", "x-factor"]
    if record["has_tools"]:
        header[4:4] = ["bottleneck", "largest in", "load/capacity", "utilization"]
    rows = []
    for quarter in record["quarters"]:
        wafers = [count(quarter[f"{key}_wafers_per_month"]["p50"]) for key in header[1:4]]
        tools = []
        if record["has_tools"]:
            tools = ["-"] * 4
            if quarter["bottleneck"] is not None:
                tools = [
                    quarter["bottleneck"],
                    _whole_percent(quarter["share_scarcest"]),
                    decimal(quarter["load_over_capacity"]["p50"], none="inf"),
                    percent(quarter["utilization"]["p50"]),
                ]
        times = [decimal(quarter["cycle_time_days"]["p50"], 1), decimal(quarter["x_factor"]["p50"])]
        rows.append([quarter["quarter"], *wafers, *tools, *times])
    right = set(range(1, len(header))) - ({4} if record["has_tools"] else set())
    return align(header, rows, right)


def group_table(record: Record) -> str:
    """Tool groups: passes, load over capacity, utilization, rank."""
    header = ["rank", "tool group", "planned", "possible", "made"]
    header += ["load/capacity P10", "P50", "P90", "utilization P50", "(P10 - P90)"]
    header += ["largest in"]
    rows = []
    for group in record["tool_groups"]:
        rank = group["rank"]
        load, use = group["load_over_capacity"], group["utilization"]
        passes = [group[f"passes_{key}_per_month"]["p50"] for key in PASSES]
        rows.append(
            [
                "-" if rank is None else str(rank),
                group["tool_group"],
                *map(count, passes),
                *(decimal(load[q], none="inf") for q in QUANTILES),
                percent(use["p50"]),
                f"({percent(use['p10'])} - {percent(use['p90'])})",
                _whole_percent(group["share_scarcest"]),
            ]
        )
    return align(header, rows, {0, *range(2, len(header))})


def class_table(record: Record) -> str:
    """Tools of each class: number, availability, passes possible and made, utilization."""
    header = ["tool group", "class", "tools", "availability", "possible", "made", "utilization"]
    rows = []
    for name, kind, tools in _classes(record):
        passes = [tools[f"passes_{key}_per_month"]["mean"] for key in PASSES[1:]]
        rows.append(
            [
                name,
                kind,
                decimal(tools["tools"]["mean"], 1),
                percent(tools["availability"]["mean"]),
                *map(count, passes),
                percent(tools["utilization"]["mean"]),
            ]
        )
    return align(header, rows, range(2, len(header)))


def state_table(record: Record) -> str:
    """Shares of total time of each class by state of SEMI E10."""
    rows = [
        [name, kind, *(percent(tools["e10"][state]) for state in STATES)]
        for name, kind, tools in _classes(record)
    ]
    return align(["tool group", "class", *STATES.values()], rows, range(2, 2 + len(STATES)))


def process_table(record: Record) -> str:
    """Flows, times and WIP of each process: P10, P50 and P90."""
    rows = []
    for process in record["processes"]:
        name = process["process"]
        for key, (label, digits) in PROCESS_ROWS.items():
            rows.append([name, label, *(decimal(process[key][q], digits) for q in QUANTILES)])
            name = ""
    return align(["process", "", "P10", "P50", "P90"], rows, (2, 3, 4))


def _classes(record: Record) -> list[tuple[str, str, Record]]:
    """Each class of each group: name of the group on its first row, class, figures."""
    classes = []
    for group in record["tool_groups"]:
        name = group["tool_group"]
        for kind, tools in group["classes"].items():
            classes.append((name, kind, tools))
            name = ""
    return classes


def _about(record: Record) -> str:
    title = f" ({record['title']})" if record["title"] else ""
    return f"{record['fab']}{title}"


def _notes(record: Record) -> list[str]:
    lines = [origin_line({**record, "seed": str(record["seed"])})]
    if record["scenario"] != BASELINE:
        lines[0] = f"Scenario {record['scenario']}. {lines[0]}"
    if record["has_tools"]:
        lines += [*NOTES, TOOL_NOTE]
    if record["unused_groups"]:
        lines.append(f"No process of the fab visits: {', '.join(record['unused_groups'])}.")
    if record["no_limit"]:
        lines.append(f"Lifted limits: {', '.join(record['no_limit'])}.")
    if "wafers" in record["no_limit"] and record["has_tools"]:
        lines.append("The plan is multiplied by 100, so that only tools limit wafer starts.")
    return lines


def _short(group: Record) -> str:
    load = decimal(group["load_over_capacity"]["p50"], none="inf")
    return f"{group['tool_group']} {load} ({_whole_percent(group['share_scarcest'])})"


def _with_error(statistics: Record) -> str:
    """A median with its Monte Carlo error, if there is an error."""
    error = statistics["se_p50"]
    text = decimal(statistics["p50"], none="inf")
    return text if not error else f"{text} ± {decimal(error)}"


def _whole_percent(share: float) -> str:
    return f"{100.0 * share:.0f} %"


def decimal(number: float | None, digits: int = 2, none: str = "-") -> str:
    """A number with ``digits`` decimal places; ``none`` for a missing number."""
    return none if number is None else f"{number:,.{digits}f}"
