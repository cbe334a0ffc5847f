"""Stacked pictures over the quarters: chips by product, what binds, and wafers by line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from yieldsim.analysis.attributes import place_of
from yieldsim.analysis.fab.lines import line_records
from yieldsim.analysis.overview.fans import fan_of
from yieldsim.analysis.supply.binding import binding_shares
from yieldsim.analysis.titles import table_titles
from yieldsim.analysis.totals import TOTAL, ai_names, choose, labels_of
from yieldsim.errors import StoreError, UsageError
from yieldsim.plots.image import BLUE, OTHERS
from yieldsim.plots.kinds.frame import (
    Asked,
    amount_axis,
    framed,
    label,
    legend_above,
    name_of,
    outlook_note,
    plain,
    quarter_axis,
    share_axis,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLORS = (BLUE, *OTHERS[:5], "#6B6B6B", "#B8B8B8")
HATCHES = ("", "///", "...")  # a second and third round of the colours
MOST_CONSTRAINTS, MOST_PRODUCTS = 7, 12
LEGEND_COLUMNS = 3
MONTHS = 3


def stack_chart(ds: xr.Dataset, asked: Asked) -> Figure:
    """Mean usable chips by quarter and AI product; means add up, quantiles do not."""
    alone = _first(ds)
    fan = fan_of(alone, "quarter")
    known = [name for name in fan.products if name in ai_names(ds)]
    names = list(asked.products) or known
    for name in names:
        if name not in known:
            allowed = ", ".join(known) or "none: the ensemble has no AI chips"
            raise UsageError("--product", "is no AI product with chips", got=name, allowed=allowed)
    if not names:
        raise UsageError(place_of(ds), "has no AI product with chips")
    means = [fan.values[0, fan.products.index(name), :, 0] for name in names]
    titles = [name_of(ds, name) for name in names]
    if len(names) > MOST_PRODUCTS:
        means = [*means[: MOST_PRODUCTS - 1], np.sum(means[MOST_PRODUCTS - 1 :], axis=0)]
        titles = [*titles[: MOST_PRODUCTS - 1], f"{len(names) - MOST_PRODUCTS + 1} others"]
    figure, axes = framed(
        alone,
        asked,
        "Usable AI chips per quarter by product",
        f"Means of the realizations.{outlook_note(ds)}",
    )
    _bars(axes, means, titles)
    quarter_axis(axes, ds, (-0.6, len(fan.periods) - 0.4))
    amount_axis(axes, "y")
    axes.set_ylabel("chips per quarter")
    return figure


def binding_chart(ds: xr.Dataset, asked: Asked) -> Figure:
    """The share of each constraint by quarter, of the total or of a product."""
    product = asked.product(ds)
    if "binding" not in ds:
        raise StoreError("binding", "is not kept in this ensemble")
    alone = _first(ds)
    shares: dict[str, dict[str, float]] = {}
    quarters: dict[str, int] = {}
    for r in binding_shares(alone, "quarter"):
        place = quarters.setdefault(r["quarter"], len(quarters))
        if r["product"] == product:
            shares.setdefault(r["constraint"], {})[place] = r["share"]  # type: ignore[index]
    rows = {name: [own.get(q, 0.0) for q in quarters.values()] for name, own in shares.items()}  # type: ignore[call-overload]
    often = sorted(rows, key=lambda name: -sum(rows[name]))
    parts = [np.array(rows[name]) for name in often[:MOST_CONSTRAINTS]]
    names = often[:MOST_CONSTRAINTS]
    if often[MOST_CONSTRAINTS:]:
        parts.append(np.sum([rows[name] for name in often[MOST_CONSTRAINTS:]], axis=0))
        names.append("others")
    of = "packages started" if product == TOTAL else "realizations"
    note = f"Share of {of} that each constraint limited for the longest time.{outlook_note(ds)}"
    title = f"What holds chips down, {name_of(ds, product)}"
    figure, axes = framed(alone, asked, title, note)
    _bars(axes, parts, names)
    quarter_axis(axes, ds, (-0.6, len(quarters) - 0.4))
    share_axis(axes, "y")
    axes.set_ylabel(f"share of {of}")
    return figure


def wafers_chart(ds: xr.Dataset, asked: Asked) -> Figure:
    """Mean wafers started a month by line, with the plan of all lines together."""
    alone = _first(ds)
    records = line_records(alone, "quarter")
    if not records:
        raise StoreError("wafer_plan, wafer_starts, wafer_outs", "are not all kept, or all zero")
    fabs = table_titles(ds, "fabs", labels_of(ds, "fab"))
    processes = table_titles(ds, "processes", labels_of(ds, "process"))
    lines: dict[str, list[float]] = {}
    plan: dict[str, float] = {}
    for r in records:
        name = f"{processes[r['process']].partition(',')[0]}: {fabs[r['fab']]}"
        lines.setdefault(name, []).append(r["mean"] / MONTHS)
        plan[r["quarter"]] = plan.get(r["quarter"], 0.0) + r["plan"] / MONTHS
    note = f"Means of the realizations.{outlook_note(ds)}"
    figure, axes = framed(alone, asked, "Wafers started per month by line", note)
    edges = np.arange(len(plan) + 1) - 0.5
    axes.stairs(
        list(plan.values()),
        edges,
        baseline=None,
        color="black",
        linewidth=1.6,
        label="plan of all lines",
    )
    _bars(axes, [np.array(own) for own in lines.values()], list(lines))
    quarter_axis(axes, ds, (-0.6, len(plan) - 0.4))
    amount_axis(axes, "y")
    axes.set_ylabel("wafers per month")
    return figure


def _first(ds: xr.Dataset) -> xr.Dataset:
    return choose(ds, labels_of(ds, "scenario")[:1])


def _bars(axes: Axes, parts: Sequence[np.ndarray], names: Sequence[str]) -> None:
    """Bars over the quarters, the first part at the bottom, with a legend above."""
    base = np.zeros(len(parts[0]))
    for place, (part, name) in enumerate(zip(parts, names, strict=True)):
        axes.bar(
            range(len(part)),
            part,
            0.86,
            bottom=base,
            color=COLORS[place % len(COLORS)],
            hatch=HATCHES[place // len(COLORS) % len(HATCHES)],
            edgecolor="white",
            linewidth=0.3,
            label=label(name),
        )
        base = base + part
    plain(axes, "y")
    legend_above(axes, LEGEND_COLUMNS)
