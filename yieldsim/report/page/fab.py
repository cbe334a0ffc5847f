"""The sections on fabs: what their lines start, and what costs yield."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from yieldsim.report.page.parts import Overview, Section, first_title, source_of
from yieldsim.report.page.tables import Column, Row, Table

MONTHS = 3  # of a quarter


def line_section(overview: Overview) -> Section:
    """Wafers a month of each line beside its plan."""
    head = Section(
        "lines",
        "Capacity of the lines",
        "Wafers that each line starts a month: P10 to P90 and median. The diamond is the plan (its "
        "mean). Where starts are below it, tools, accidents or the release rule limit them.",
    )
    if not overview["lines"]:
        return replace(head, missing=overview["missing"]["lines"])
    columns = (
        Column("line", "line"),
        Column("period", "year"),
        Column("plan", "planned a month", "count"),
        Column("p10", "started, P10", "count"),
        Column("p50", "P50", "count"),
        Column("p90", "P90", "count"),
        Column("mean", "mean", "count"),
        Column("se_mean", "±", "count"),
        Column("outs", "finished, mean", "count"),
        Column("busiest", "busiest tools of the fab"),
        Column("utilization", "their utilization", "share"),
    )
    names = overview["names"]
    rows: list[Row] = []
    for r in overview["lines"]:
        months = MONTHS * r["quarters"]
        keys = ("plan", "p10", "p50", "p90", "mean", "se_mean", "outs")
        numbers = [None if r[key] is None else r[key] / months for key in keys]
        process = names["processes"][r["process"]].partition(",")[0]
        line = f"{process}: {names['fabs'][r['fab']]}"
        tools = names["tool_groups"].get(r["busiest"], r["busiest"])
        rows.append([line, r["year"], *numbers, tools, r["utilization"]])
    return _filled(
        head,
        overview,
        "variables wafer_plan, wafer_starts, wafer_outs and utilization",
        Table("lines", "Wafers a month by line and year", columns, {("", ""): rows}),
        chart={
            "kind": "ranges",
            "table": "lines",
            "label": "line",
            "low": "p10",
            "mid": "p50",
            "high": "p90",
            "marks": ["plan"],
            "group": "period",
            "groups": overview["years"],
            "from_zero": True,
        },
    )


def yield_section(overview: Overview) -> Section:
    """The Pareto of losses by die and year, and the defect density."""
    head = Section(
        "yield",
        "What costs yield",
        "The mean share of the gross dies probed that is good, and the share that each mechanism "
        "takes from the dies left by those before it: systematic, overlay, random, parametric, "
        "test. The shares add up to 100 %. No gross die is lost at the wafer edge, because all lie "
        "inside the edge exclusion.",
    )
    found = overview["yields"]
    if not found["losses"]:
        return replace(head, missing="; ".join(found["notes"]) or "no die is probed")
    mechanisms = found["mechanisms"]
    columns = (
        Column("die", "die"),
        Column("period", "year"),
        Column("good", "good", "share"),
        Column("good_se", "±", "share"),
        *(c for m in mechanisms for c in (Column(m, m, "share"), Column(f"{m}_se", "±", "share"))),
    )
    return _filled(
        head,
        overview,
        "variables gross_dies, good_dies and dies_lost_...; d0_per_cm2",
        Table("yield", "Losses by die and year", columns, {("", ""): _loss_rows(overview)}),
        _d0_table(overview),
        chart={
            "kind": "bars",
            "table": "yield",
            "label": "die",
            "parts": ["good", *mechanisms],
            "group": "period",
            "groups": overview["years"],
        },
    )


def wafer_section(overview: Overview) -> Section:
    """A simulated wafer of each leading die."""
    head = Section(
        "wafers",
        "A wafer of each leading die",
        "One simulated wafer of each die, coloured by bin, with every input at its median, mature "
        "defect density and imported tools. Another seed gives another wafer.",
    )
    found = overview["wafers"]
    if not found:
        return replace(head, missing=overview["missing"]["wafers"])
    columns = (
        Column("die", "die"),
        Column("process", "process"),
        Column("bin", "bin"),
        Column("dies", "dies", "count"),
        Column("share", "share", "share"),
    )
    rows: list[Row] = [
        [
            m["title"],
            overview["names"]["processes"][m["process"]],
            name,
            count,
            count / len(m["bin"]),
        ]
        for m in found
        for name, count in zip(m["bins"], m["counts"], strict=True)
    ]
    return _filled(
        head,
        overview,
        "simulated from the model that the store carries",
        Table("wafers", "Dies of each wafer by bin", columns, {("", ""): rows}),
        chart={"kind": "maps", "table": "wafers", "maps": found},
    )


def _filled(
    head: Section, overview: Overview, what: str, *tables: Table, chart: dict[str, Any]
) -> Section:
    """Return a section of the first scenario with its tables, chart and source."""
    source = source_of(overview, what, first_title(overview))
    return replace(head, tables=tables, chart=chart, source=source)


def _loss_rows(overview: Overview) -> list[Row]:
    found = overview["yields"]
    cells = {(r["die"], r["year"], r["mechanism"]): r for r in found["losses"]}
    rows = []
    for r in found["good"]:
        own = [cells[r["die"], r["year"], name] for name in found["mechanisms"]]
        numbers = [(x["mean"], x["se_mean"]) for x in (r, *own)]
        name = overview["names"]["dies"][r["die"]]
        rows.append([name, r["year"], *(n for pair in numbers for n in pair)])
    return rows


def _d0_table(overview: Overview) -> Table:
    names = overview["names"]
    columns = (
        Column("process", "process"),
        Column("line", "line"),
        Column("period", "year"),
        Column("p10", "P10", "density"),
        Column("p50", "P50", "density"),
        Column("p90", "P90", "density"),
        Column("mean", "mean", "density"),
        Column("se_mean", "±", "density"),
    )
    rows: list[Row] = [
        [
            names["processes"][r["process"]],
            names["fabs"].get(r["fab"], "all lines"),
            r["year"],
            *(r[key] for key in ("p10", "p50", "p90", "mean", "se_mean")),
        ]
        for r in overview["yields"]["d0"]
    ]
    caption = "Defect density D0 of the wafers started, 1/cm²"
    return Table("d0", caption, columns, {("", ""): rows})
