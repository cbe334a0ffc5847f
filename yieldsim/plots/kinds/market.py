"""The market: AI chips wanted beside those made and imported, by quarter."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from yieldsim.analysis.supply.demand import demand_summary
from yieldsim.analysis.totals import choose, labels_of
from yieldsim.errors import StoreError
from yieldsim.plots.image import BLUE, OTHERS
from yieldsim.plots.kinds.frame import (
    Asked,
    amount_axis,
    framed,
    legend_above,
    outlook_note,
    plain,
    quarter_axis,
)

# figure -> its words, colour and dashes
CURVES = {
    "demand": ("wanted by the whole market", OTHERS[0], "-"),
    "domestic supply": ("usable domestic AI chips", BLUE, "--"),
    "imports": ("imported", OTHERS[1], ":"),
}


def demand_chart(ds: xr.Dataset, asked: Asked) -> Figure:
    """P10 to P90 and the median of demand, of domestic supply and of imports, in chips."""
    if "demand" not in ds:
        raise StoreError("demand", "is not kept in this ensemble: its model has no market demand")
    alone = choose(ds, labels_of(ds, "scenario")[:1])
    records = [r for r in demand_summary(alone)["market"] if "h100" not in r["variable"]]
    note = "Bands: P10 to P90, lines: medians. Every AI chip counts as one."
    note += outlook_note(ds)
    figure, axes = framed(alone, asked, "AI chips wanted, made and imported per quarter", note)
    for name, (words, color, dashes) in CURVES.items():
        own = [r for r in records if r["figure"] == name]
        if not own:
            continue
        low, middle, high = (np.array([r[key] for r in own]) for key in ("p10", "p50", "p90"))
        x = np.arange(len(own))
        axes.fill_between(x, low, high, color=color, alpha=0.2, linewidth=0)
        axes.plot(x, middle, color=color, linestyle=dashes, linewidth=2.2, label=words)
    plain(axes, "y")
    quarter_axis(axes, ds, (-0.4, max(len(own) - 0.6, 0.4)))
    axes.set_ylim(bottom=0.0)
    amount_axis(axes, "y")
    axes.set_ylabel("chips per quarter")
    legend_above(axes, 3)
    return figure
