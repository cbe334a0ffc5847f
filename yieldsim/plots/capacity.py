"""The capacity of the tool groups of a fab beside its plan, and their load by quarter.

A bar is the capacity of a group in wafers a month of the planned mix: passes possible over visits
of a wafer. Its length is the median over the realizations; it is divided between the classes by
their mean shares of the passes.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import StrMethodFormatter

from yieldsim.plots.image import BLUE, INK, OTHERS, PALE, source_note

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Record = Mapping[str, Any]
RED, GREEN = OTHERS[0], OTHERS[1]
CLASSES = {"imported": BLUE, "domestic": OTHERS[3]}
LINES = (RED, BLUE, GREEN)
WIDTH_IN, ROW_IN, PANEL_IN = 11.0, 0.33, 2.0
HEAD_IN, AXIS_IN, TITLE_IN, FOOT_IN = 1.25, 0.62, 0.55, 0.62
LEFT, RIGHT, EDGE = 0.16, 0.84, 0.985  # of the page: names, bars, numbers
GAP = 0.09  # between the panels
FIRST, SECOND = 1.02, 1.12  # columns of numbers, in widths of the bars
WIDEST = 3.0  # plans; larger figures are arrows at the edge
MOST_LABELS = 6  # up to this many quarters, all are labelled
NAME_CHARACTERS, FAB_CHARACTERS, LEGEND_CHARACTERS = 22, 64, 42


def capacity_chart(record: Record) -> Figure:
    """Bars of the loaded tool groups, largest load over capacity first; two panels by quarter.

    ``record`` is that of `yieldsim.analysis.fab.capacity` of a fab with tools.
    """
    groups = [group for group in record["tool_groups"] if group["rank"] is not None]
    rows = max(1, len(groups))
    height = HEAD_IN + ROW_IN * rows + AXIS_IN + TITLE_IN + PANEL_IN + FOOT_IN
    figure = Figure(figsize=(WIDTH_IN, height))
    bars = figure.add_axes(
        (LEFT, 1.0 - (HEAD_IN + ROW_IN * rows) / height, RIGHT - LEFT, ROW_IN * rows / height)
    )
    _bars(bars, record, groups)
    wide = (EDGE - 0.06 - GAP) / 2.0
    places = [(0.06 + i * (wide + GAP), FOOT_IN / height) for i in range(2)]
    loads, times = (figure.add_axes((*place, wide, PANEL_IN / height)) for place in places)
    _loads(loads, record, [group["tool_group"] for group in groups[:3]])
    _times(times, record)
    _words(figure, record, height)
    return figure


def _bars(axes: Axes, record: Record, groups: list[Record]) -> None:
    plan = _detail(record)["planned_wafers_per_month"]
    reach = _reach(groups, plan)
    axes.axvspan(plan["p10"], min(reach, plan["p90"]), color=RED, alpha=0.10, linewidth=0)
    axes.axvline(plan["p50"], color=RED, linewidth=1.8, zorder=3)
    for row, group in enumerate(groups):
        _bar(axes, row, group, reach)
        share = f"{100.0 * group['share_scarcest']:.0f} %"
        for place, text in ((FIRST, _short(group["load_over_capacity"]["p50"])), (SECOND, share)):
            across = axes.get_yaxis_transform()
            axes.text(place, row, text, transform=across, fontsize=9, va="center")
    above = 1.0 + 0.08 / (ROW_IN * max(1, len(groups)))
    for place, head in ((FIRST, "load over\ncapacity"), (SECOND, "largest in\nrealizations")):
        whole = axes.transAxes
        axes.text(place, above, head, fontsize=8, color=PALE, transform=whole, va="bottom")
    axes.set_xlim(0.0, reach)
    axes.set_ylim(max(1, len(groups)) - 0.5, -0.5)  # the largest load over capacity on top
    axes.set_yticks(range(len(groups)), [_plain(group["tool_group"]) for group in groups])
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.set_xlabel("wafers a month of the planned mix", fontsize=9, color=INK)
    axes.grid(axis="x", color="#DDDDDD", linewidth=0.7)
    _dress(axes)


def _reach(groups: list[Record], plan: Record) -> float:
    """The end of the scale: beyond the bars and the plan, but at most `WIDEST` plans."""
    ends = [group["capacity_wafers_per_month"]["p90"] for group in groups]
    farthest = max([plan["p90"], *(end for end in ends if end is not None)])
    most = max(WIDEST * plan["p50"], 1.1 * plan["p90"])
    return float(min(1.05 * farthest, most)) or 1.0


def _bar(axes: Axes, row: int, group: Record, reach: float) -> None:
    """A group's capacity by class, its spread, and what the group made."""
    can, made = group["capacity_wafers_per_month"], group["made_wafers_per_month"]["p50"]
    if can["p50"] is None:
        return
    left = 0.0
    for kind, tools in group["classes"].items():
        part = can["p50"] * (tools["share_of_possible"] or 0.0)
        axes.barh(row, part, 0.62, left=left, color=CLASSES[kind], alpha=0.75, linewidth=0)
        left += part
    axes.plot([can["p10"], min(reach, can["p90"])], [row, row], color=INK, linewidth=1.0, zorder=4)
    if can["p90"] > reach:
        axes.plot(reach, row, ">", color=INK, markersize=5.0, clip_on=False, zorder=5)
    if made is not None:
        axes.plot(min(made, reach), row, "D", color="white", mec=INK, markersize=5.0, zorder=6)


def _loads(axes: Axes, record: Record, names: list[str]) -> None:
    """Load over capacity of some groups by quarter, the first with its band."""
    for number, name in enumerate(names):
        series = [q["tool_groups"][name]["load_over_capacity"] for q in record["quarters"]]
        _line(axes, series, LINES[number], name=_plain(name), band=number == 0)
    axes.axhline(1.0, color=INK, linewidth=0.8)
    axes.set_ylim(bottom=0.0)
    title = "Load over capacity of the first three groups, P10 to P90 of the first"
    _panel(axes, record, title)
    if names:
        columns = 3 if sum(len(_plain(name)) for name in names) <= LEGEND_CHARACTERS else 1
        axes.legend(
            fontsize=8,
            loc="lower left",
            bbox_to_anchor=(-0.01, 1.0),
            borderaxespad=0.1,
            ncols=columns,
            columnspacing=1.2,
            frameon=False,
        )
        pad = 6.0 + 12.0 * -(-len(names) // columns)  # the title above the legend
        axes.set_title(title, loc="left", fontsize=9.5, color=INK, pad=pad)


def _times(axes: Axes, record: Record) -> None:
    """The fab's x-factor by quarter."""
    _line(axes, [quarter["x_factor"] for quarter in record["quarters"]], BLUE, band=True)
    axes.set_ylim(bottom=min(1.0, axes.get_ylim()[0]))
    _panel(axes, record, "X-factor (cycle time over raw process time), P10 to P90")


def _line(
    axes: Axes, series: list[Record], color: str, *, band: bool, name: str | None = None
) -> None:
    """Medians by quarter, with the band from P10 to P90; gaps where a number is missing."""
    low, middle, high = (
        np.array([figure[key] for figure in series], dtype=float) for key in ("p10", "p50", "p90")
    )
    x = np.arange(len(series))
    if band:
        axes.fill_between(x, low, high, color=color, alpha=0.2, linewidth=0)
    mark = "o" if len(series) == 1 else None
    axes.plot(x, middle, color=color, linewidth=1.8, label=name, marker=mark, zorder=3)


def _panel(axes: Axes, record: Record, title: str) -> None:
    quarters = [quarter["quarter"] for quarter in record["quarters"]]
    axes.axvline(quarters.index(record["quarter"]), color=PALE, linewidth=0.9, linestyle=":")
    axes.set_xlim(-0.4, max(len(quarters) - 0.6, 0.4))
    years = [i for i, quarter in enumerate(quarters) if quarter.endswith("Q1")]
    if len(quarters) <= MOST_LABELS or not years:
        axes.set_xticks(range(len(quarters)), quarters)
    else:
        axes.set_xticks(years, [quarters[i][:4] for i in years])
        axes.set_xticks(range(len(quarters)), minor=True)
    axes.set_title(title, loc="left", fontsize=9.5, color=INK)
    axes.grid(axis="y", color="#DDDDDD", linewidth=0.7)
    _dress(axes)


def _dress(axes: Axes) -> None:
    axes.set_axisbelow(True)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.tick_params(axis="both", labelsize=9, colors=INK, length=3)
    axes.tick_params(axis="x", which="minor", length=1.5, color=PALE)
    axes.tick_params(axis="y", length=0)


def _words(figure: Figure, record: Record, height: float) -> None:
    """Title, legend and source."""
    where = textwrap.shorten(
        record["title"] or _plain(record["fab"]), FAB_CHARACTERS, placeholder=" ..."
    )
    title = f"What the tools of {where} can carry, {record['quarter']}"
    figure.text(0.01, 1.0 - 0.14 / height, title, fontsize=13, ha="left", va="top", color=INK)
    figure.legend(
        handles=_handles(),
        loc="upper left",
        bbox_to_anchor=(0.004, 1.0 - 0.42 / height),
        frameon=False,
        fontsize=8.5,
        ncols=5,
        columnspacing=1.4,
    )
    source = source_note(record, f"scenario {record['scenario']}")
    foot = f"{source} Bars and lines: medians. Dotted: {record['quarter']}."
    figure.text(0.01, 0.1 / height, foot, fontsize=7.5, color=PALE, ha="left", va="bottom")


def _handles() -> list[Artist]:
    return [
        *(Patch(color=c, alpha=0.75, lw=0, label=f"{k} tools") for k, c in CLASSES.items()),
        Line2D([], [], color=INK, linewidth=1.0, label="P10 to P90"),
        Line2D([], [], color="white", marker="D", mec=INK, markersize=5.0, label="made"),
        Line2D([], [], color=RED, linewidth=1.8, label="planned, P10 to P90 shaded"),
    ]


def _detail(record: Record) -> Record:
    """The figures of the whole fab in the quarter that is drawn."""
    return next(q for q in record["quarters"] if q["quarter"] == record["quarter"])


def _plain(name: str) -> str:
    """A name without underscores, cut where it is long."""
    text = name.replace("_", " ")
    return text if len(text) <= NAME_CHARACTERS else f"{text[: NAME_CHARACTERS - 3]}..."


def _short(number: float | None) -> str:
    return "inf" if number is None else f"{number:.2f}"
