"""The Pareto of yield: what each mechanism loses of the dies probed, by die."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from yieldsim.analysis.fab.die_yield import GOOD, yield_summary
from yieldsim.analysis.titles import table_titles
from yieldsim.analysis.totals import choose, labels_of
from yieldsim.errors import StoreError
from yieldsim.plots.image import OTHERS
from yieldsim.plots.kinds.frame import Asked, beside, framed, legend_above, plain, share_axis

ROW_IN, FRAME_IN = 0.34, 1.7
COLORS = ("#DDDDDD", OTHERS[2], OTHERS[3], OTHERS[0], OTHERS[4], OTHERS[5])


def yield_chart(ds: xr.Dataset, asked: Asked) -> Figure:
    """Mean shares of the gross dies probed in a period: good, and lost to each mechanism.

    Dies with the largest loss come first.
    """
    alone, period = choose(ds, labels_of(ds, "scenario")[:1]), asked.year(ds)
    found = yield_summary(alone, (period,))
    if not found["losses"]:
        reason = "; ".join(found["notes"]) or f"no die is probed in {period}"
        raise StoreError("losses by mechanism", reason)
    good = {
        r["die"]: r["mean"] for r in found["records"] if r["figure"] == GOOD and r["bin"] is None
    }
    lost = {(r["die"], r["mechanism"]): r["mean"] for r in found["losses"]}
    dies = sorted(good, key=lambda die: good[die])
    parts = ["good", *found["mechanisms"]]
    title = f"What becomes of the dies probed in {period}"
    note = "Means of the realizations. Each mechanism takes its share of the dies left before it."
    figure, axes = framed(alone, asked, title, note, FRAME_IN + ROW_IN * len(dies))
    left = np.zeros(len(dies))
    for part, color in zip(parts, COLORS, strict=True):
        own = [good[die] if part == "good" else max(0.0, lost[die, part]) for die in dies]
        axes.barh(
            range(len(dies)),
            own,
            0.72,
            left=left,
            color=color,
            edgecolor="white",
            linewidth=0.4,
            label=part,
        )
        left = left + own
    plain(axes, "x")
    titles = table_titles(ds, "dies", dies)
    beside(axes, [titles[die] for die in dies])
    share_axis(axes, "x")
    axes.set_xlabel("share of the gross dies probed")
    legend_above(axes, len(parts))
    return figure
