"""Pictures of ranges: the tornado of inputs, and differences between scenarios."""

from __future__ import annotations

from typing import Any

import xarray as xr
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from yieldsim.analysis.attributes import place_of
from yieldsim.analysis.drivers.summary import sensitivity_summary
from yieldsim.analysis.overview.assumptions import input_labels, stored_model
from yieldsim.analysis.records import difference_records
from yieldsim.analysis.totals import choose, labels_of
from yieldsim.errors import UsageError
from yieldsim.plots.image import BLUE
from yieldsim.plots.kinds.frame import (
    Asked,
    amount_axis,
    beside,
    framed,
    legend_above,
    name_of,
    plain,
)

ROW_IN, FRAME_IN = 0.34, 1.6
MOST_INPUTS = 12


def tornado_chart(ds: xr.Dataset, asked: Asked) -> Figure:
    """The mean of a year's chips where an input is in its lowest tenth, and in its highest."""
    product, year = asked.product(ds), asked.year(ds)
    alone = choose(ds, labels_of(ds, "scenario")[:1])
    found = sensitivity_summary(alone, product=product, periods=(year,), leading=MOST_INPUTS)
    model = stored_model(alone, found["scenario"])
    labels = input_labels(model) if model is not None else {}
    telling = {r["parameter"] for r in found["indices"] if r["significant"]}
    records = [r for r in found["tornado"] if r["parameter"] in telling]
    if not records:
        raise UsageError(place_of(ds), f"no input stands out in the spread of {year}")
    title = f"Usable chips in {year} by the leading inputs, {name_of(ds, product)}"
    note = (
        "Mean where the input is in its lowest and in its highest tenth; lines: 2 standard errors."
    )
    figure, axes = framed(alone, asked, title, note, FRAME_IN + ROW_IN * len(records))
    for place, r in enumerate(records):
        low, high = r["low_mean"], r["high_mean"]
        axes.barh(place, high - low, 0.5, left=low, color=BLUE, alpha=0.35, linewidth=0)
        for end, is_full in (("low", False), ("high", True)):
            axes.errorbar(
                r[f"{end}_mean"],
                place,
                xerr=2.0 * (r[f"{end}_se_mean"] or 0.0),
                marker="o",
                markersize=6.5,
                color=BLUE,
                markerfacecolor=BLUE if is_full else "white",
                elinewidth=1.0,
                zorder=3,
            )
    plain(axes, "x")
    beside(axes, [labels.get(r["parameter"], r["parameter"]) for r in records])
    amount_axis(axes, "x")
    axes.set_xlabel("usable chips, mean")
    dot: dict[str, Any] = {"marker": "o", "linestyle": "none", "markersize": 6.5, "color": BLUE}
    handles = [
        Line2D([], [], markerfacecolor="white", label="input in its lowest tenth", **dot),
        Line2D([], [], label="input in its highest tenth", **dot),
    ]
    legend_above(axes, 2, handles)
    return figure


def difference_chart(ds: xr.Dataset, asked: Asked) -> Figure:
    """Paired differences of the other scenarios from the first, by year or of one period."""
    product, names = asked.product(ds), labels_of(ds, "scenario")
    if len(names) < 2:
        problem = "needs two scenarios to compare"
        raise UsageError("--kind difference", problem, got=", ".join(names))
    periods = (asked.period,) if asked.period else "year"
    records = [r for r in difference_records(ds, names[0], periods) if r["product"] == product]
    key = "period" if asked.period else "year"
    records.sort(key=lambda r: (names.index(r["scenario"]), r[key]))
    base = names[0].replace("_", " ")
    title = f"Difference of usable chips from {base}, {name_of(ds, product)}"
    note = "Within each realization, where both scenarios have the same random draws."
    figure, axes = framed(ds, asked, title, note, FRAME_IN + ROW_IN * len(records))
    for place, r in enumerate(records):
        axes.barh(
            place, r["p90"] - r["p10"], 0.55, left=r["p10"], color=BLUE, alpha=0.35, linewidth=0
        )
        axes.plot([r["p50"]] * 2, [place - 0.28, place + 0.28], color=BLUE, linewidth=2.4)
    axes.axvline(0.0, color="#666666", linewidth=1.0)
    plain(axes, "x")
    beside(axes, [f"{r['scenario'].replace('_', ' ')}, {r[key]}" for r in records])
    amount_axis(axes, "x")
    axes.set_xlabel(f"usable chips more than in {base}")
    handles: list[Artist] = [
        Patch(color=BLUE, alpha=0.35, linewidth=0, label="P10 to P90"),
        Line2D([], [], color=BLUE, linewidth=2.4, label="median"),
    ]
    axes.use_sticky_edges = False
    axes.margins(x=0.04)
    legend_above(axes, 2, handles)
    return figure
