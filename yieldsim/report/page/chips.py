"""The sections on chips: the fan, its drivers, what binds, what more adds, and scenarios."""

from __future__ import annotations

from typing import Any

from yieldsim.analysis.overview.fans import COLUMNS, Fan
from yieldsim.report.page.parts import Overview, Section, first_title, source_of
from yieldsim.report.page.tables import Column, Key, Row, Table, single

TOTAL = "total"
RARE = 0.05  # constraints whose share never exceeds this stand in one column
OTHERS = "others"
MOST_CONSTRAINTS = 7
FIGURES = (
    Column("p10", "P10", "count"),
    Column("se_p10", "±", "count"),
    Column("p50", "P50", "count"),
    Column("se_p50", "±", "count"),
    Column("p90", "P90", "count"),
    Column("se_p90", "±", "count"),
    Column("mean", "mean", "count"),
    Column("se_mean", "±", "count"),
)
QUANTILES = (
    Column("p10", "P10", "count"),
    Column("p25", "P25", "count"),
    Column("p50", "P50", "count"),
    Column("p75", "P75", "count"),
    Column("p90", "P90", "count"),
    Column("mean", "mean", "count"),
)
_DRIVERS = "given-data first-order indices and means, all draws equally weighted"
SLIDERS = "Usable chips as the sliders weight them"
REWEIGHTED = (Column("period", "period"), *QUANTILES)


def fan_section(overview: Overview) -> Section:
    """Usable chips by year and quarter. The script makes the rows of other choices from the fan."""
    fans = overview["fan"]
    return Section(
        name="fan",
        title="Usable chips",
        lead=(
            "The line is the median. Half of the realizations lie in the inner band (P25 to P75), "
            "80 % in the outer one (P10 to P90). To read the quantiles of a period, point at it, "
            "or focus the chart and use the arrow keys."
        ),
        tables=(
            fan_table("year", "Usable chips per calendar year", fans["year"], FIGURES),
            fan_table("quarter", "Usable chips per quarter", fans["quarter"], QUANTILES),
            *([Table("reweighted", SLIDERS, REWEIGHTED, {})] if overview["draws"] else []),
        ),
        chart={"kind": "fan", "tables": ["year", "quarter"]},
        source=source_of(overview, "variable usable_chips; ± is the Monte Carlo standard error"),
        is_open=True,
        sliders=True,
    )


def fan_table(name: str, caption: str, fan: Fan, columns: tuple[Column, ...]) -> Table:
    """The rows of the first scenario and product, which the page opens with."""
    places = [COLUMNS.index(column.key) for column in columns]
    numbers = single(fan.values[0, 0][:, places]).astype(float)
    labels = [f"{p}{part}" for p, part in zip(fan.periods, partial(fan, name), strict=True)]
    rows = [[label, *own] for label, own in zip(labels, numbers.tolist(), strict=True)]
    return Table(name, caption, (Column("period", "period"), *columns), {("", ""): rows})


def partial(fan: Fan, name: str) -> list[str]:
    """What follows the name of a year that the ensemble covers in part."""
    return [f" ({n}q)" if name == "year" and n < 4 else "" for n in fan.quarters]


def driver_section(overview: Overview) -> Section:
    """Which inputs drive the total of each year: first-order indices and tenths of the input."""
    drivers = overview["drivers"]
    title, lead = (
        "What drives the spread",
        "The mean number of AI chips where an input is in its lowest tenth, and where it is in its "
        "highest. The index is the share of the variance that would be expected to vanish if the "
        "input were known. It includes the effect of correlated inputs.",
    )
    if drivers is None:
        return Section("drivers", title, lead, missing=overview["missing"]["drivers"])
    columns = (
        Column("input", "input"),
        Column("period", "year"),
        Column("index", "index", "share"),
        Column("low_mean", "mean, lowest tenth", "count"),
        Column("low_se", "±", "count"),
        Column("high_mean", "mean, highest tenth", "count"),
        Column("high_se", "±", "count"),
        Column("path", "path"),
    )
    rows = list(_driver_rows(overview, drivers))
    return Section(
        "drivers",
        title,
        lead,
        (Table("drivers", "Leading inputs by year, all AI chips", columns, {("", ""): rows}),),
        {
            "kind": "ranges",
            "table": "drivers",
            "label": "input",
            "low": "low_mean",
            "high": "high_mean",
            "group": "period",
            "groups": overview["years"],
            "ends": ["lowest tenth", "highest tenth"],
            "most": 8,
        },
        source_of(overview, f"{_DRIVERS}{_of_some(overview, drivers)}", first_title(overview)),
    )


def _of_some(overview: Overview, drivers: dict[str, Any]) -> str:
    """That not all realizations were taken, where that is so."""
    count = drivers["realizations"]
    return "" if count == overview["realizations"] else f" (the first {count:,})"


def _driver_rows(overview: Overview, drivers: dict[str, Any]) -> list[Row]:
    labels = overview["labels"]
    index = {(r["parameter"], r["period"]): r for r in drivers["indices"] if r["kind"] == "first"}
    rows = []
    for r in drivers["tornado"]:
        own = index[r["parameter"], r["period"]]
        if own["significant"]:
            label = labels.get(r["parameter"], r["parameter"])
            ends = [r[f"{end}_{name}"] for end in ("low", "high") for name in ("mean", "se_mean")]
            rows.append([label, r["period"], own["index"], *ends, r["parameter"]])
    return rows


def binding_section(overview: Overview) -> Section:
    """The share of each constraint by quarter."""
    title = "What holds chips down"
    lead = (
        "The constraint that limited a product for the longest time in a quarter. In the total "
        "each realization counts once, with its products weighted by packages started."
    )
    if "binding" in overview["missing"]:
        return Section("binding", title, lead, missing=overview["missing"]["binding"])
    columns, rows = _binding_rows(overview)
    table = Table("binding", "Share of each constraint by quarter", columns, rows)
    return Section(
        "binding",
        title,
        lead,
        (table,),
        {"kind": "stack", "table": "binding"},
        source_of(overview, "variable binding"),
    )


def _binding_rows(overview: Overview) -> tuple[tuple[Column, ...], dict[Key, list[Row]]]:
    """A column for each constraint that is ever frequent in the total, the others in one."""
    shares: dict[Key, dict[str, dict[str, float]]] = {}
    sums: dict[str, float] = {}
    for r in overview["binding"]:
        is_total = r["product"] == TOTAL
        if not is_total and r["scenario"] != overview["first"]:
            continue
        if r["product"] in overview["products"]:
            at = shares.setdefault((r["scenario"], r["product"]), {})
            at.setdefault(r["quarter"], {})[r["constraint"]] = r["share"]
        if is_total:
            sums[r["constraint"]] = sums.get(r["constraint"], 0.0) + r["share"]
    limit = RARE * len(overview["fan"]["quarter"].periods)
    often = [name for name in sorted(sums, key=lambda n: -sums[n]) if sums[name] >= limit]
    often = often[:MOST_CONSTRAINTS]
    columns = [Column("quarter", "quarter"), *(Column(name, name, "share") for name in often)]
    rows = {
        key: [
            [q, *(own.get(name, 0.0) for name in often), _rest(own, often)]
            for q, own in by_quarter.items()
        ]
        for key, by_quarter in shares.items()
    }
    return (*columns, Column(OTHERS, OTHERS, "share")), rows


def _rest(shares: dict[str, float], often: list[str]) -> float:
    rest = sum(share for name, share in shares.items() if name not in often)
    return rest if rest > 1e-9 else 0.0  # of rounding


def gain_section(overview: Overview) -> Section:
    """What 10 % more of each input adds."""
    title = "What 10 % more adds"
    lead = (
        "Each input is raised by 10 % (defect density is lowered), with the same random draws. "
        "The difference is taken realization by realization."
    )
    if not overview["gains"]:
        return Section("gains", title, lead, missing=overview["missing"]["gains"])
    columns = (
        Column("input", "10 % more of"),
        Column("period", "period"),
        Column("chips", "AI chips added, mean", "count"),
        Column("chips_se", "±", "count"),
        Column("share", "share of all", "share"),
        Column("h100e", "H100-equivalents added", "count"),
        Column("h100e_se", "±", "count"),
    )
    rows: list[Row] = []
    for r in overview["gains"]:
        share = r["chips"] / r["chips_base"] if r["chips_base"] else None
        period = r.get("year") or r.get("period")
        numbers = [r["chips"], r["chips_se"], share, r["h100e"], r["h100e_se"]]
        rows.append([r["input"].replace("_", " "), period, *numbers])
    return Section(
        "gains",
        title,
        lead,
        (Table("gains", "What 10 % more of each input adds", columns, {("", ""): rows}),),
        {
            "kind": "ranges",
            "table": "gains",
            "label": "input",
            "mid": "chips",
            "error": "chips_se",
            "group": "period",
            "groups": overview["years"],
            "from_zero": True,
            "sort": True,
        },
        source_of(overview, "paired differences of usable_chips", first_title(overview)),
    )


def difference_section(overview: Overview) -> Section:
    """The other scenarios against the first."""
    title = "What scenarios change"
    base = overview["scenarios"][overview["first"]]
    lead = (
        f"Difference in AI chips from “{base}” within each realization, where both have the same "
        "random draws: P10, median and P90."
    )
    records = [r for r in overview["differences"] if r["product"] == TOTAL]
    if not records:
        return Section("differences", title, lead, missing=overview["missing"]["differences"])
    columns = (
        Column("scenario", "scenario"),
        Column("period", "year"),
        *FIGURES,
        Column("title", "what it changes"),
    )
    rows: list[Row] = []
    for r in records:
        words, told = r["scenario"].replace("_", " "), overview["scenarios"][r["scenario"]]
        rows.append([words, r["year"], *(r[c.key] for c in FIGURES), told])
    return Section(
        "differences",
        title,
        lead,
        (Table("differences", "Differences by year, all AI chips", columns, {("", ""): rows}),),
        {
            "kind": "ranges",
            "table": "differences",
            "label": "scenario",
            "low": "p10",
            "mid": "p50",
            "high": "p90",
            "group": "period",
            "groups": overview["years"],
            "from_zero": True,
        },
        source_of(overview, "paired differences of usable_chips", "all scenarios shown"),
    )
