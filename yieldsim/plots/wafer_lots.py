"""Wafer maps by lot: the fails of each lot stacked die by die, and yields wafer by wafer."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from yieldsim.plots.image import BLUE, INK, OTHERS, PALE
from yieldsim.wafer.maps.lots import stacked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from yieldsim.wafer.maps.lots import LotFigures
    from yieldsim.wafer.maps.wafer_maps import WaferMaps

__all__ = ["lots_figure"]

_COLUMNS, _MOST_LOTS = 5, 15
_SIDE_IN, _TREND_IN = 2.4, 2.6


def lots_figure(maps: WaferMaps, lots: Sequence[LotFigures], title: str) -> Figure:
    """Draw a stacked map for each lot on one scale, and below them the yield of every wafer."""
    shown = lots[:_MOST_LOTS]
    columns = min(_COLUMNS, max(len(shown), 2))
    rows = math.ceil(len(shown) / columns)
    engine = ConstrainedLayoutEngine(w_pad=0.03, h_pad=0.05)
    size = (max(columns * (_SIDE_IN + 0.2), 7.0), rows * (_SIDE_IN + 0.3) + _TREND_IN + 0.5)
    figure = Figure(figsize=size, layout=engine)
    grid = figure.add_gridspec(
        rows + 1, columns, height_ratios=[*[_SIDE_IN + 0.3] * rows, _TREND_IN]
    )
    shares = [stacked(maps, lot.wafers) for lot in shown]
    most = max(float(np.nanmax(share)) for share, _ in shares)
    norm = Normalize(0.0, most or 1.0)
    panels = []
    for number, (lot, (share, used)) in enumerate(zip(shown, shares, strict=True)):
        axes = figure.add_subplot(grid[number // columns, number % columns])
        picture = axes.imshow(
            share, cmap="cividis", norm=norm, interpolation="nearest", aspect="auto"
        )
        # the grid of a whole wafer spans its diameter both ways, whatever the shape of a die
        axes.set_box_aspect(1.0)
        axes.set_axis_off()
        name = f"lot {lot.lot}" if lot.lot else "all wafers"
        wafers = (
            f"{used} wafers" if used == len(lot.wafers) else f"{used} of {len(lot.wafers)} wafers"
        )
        axes.set_title(f"{name}: {wafers}, yield {lot.mean:.1%}", fontsize=8, pad=2.0)
        panels.append(axes)
    bar = figure.colorbar(picture, ax=panels, shrink=0.8, pad=0.01)
    bar.set_label("share of the wafers on which the die failed", fontsize=8)
    bar.ax.tick_params(labelsize=7)
    _trend(figure.add_subplot(grid[rows, :]), maps, lots)
    more = f", first {len(shown)} of {len(lots)} lots stacked" if len(shown) < len(lots) else ""
    figure.suptitle(f"{title}{more}", x=0.02, ha="left", fontsize=11)
    return figure


def _trend(axes: Axes, maps: WaferMaps, lots: Sequence[LotFigures]) -> None:
    """Draw the yield of every wafer in order, lot by lot, with the lot's mean and three sigma."""
    start = 0
    names, places = [], []
    for number, lot in enumerate(lots):
        place = np.arange(start, start + len(lot.wafers))
        colour = BLUE if number % 2 == 0 else OTHERS[0]
        axes.plot(place, lot.yields, "o", markersize=3, color=colour)
        ends = [start - 0.4, start + len(lot.wafers) - 0.6]
        axes.plot(ends, [lot.mean] * 2, color=colour, linewidth=1.2)
        names += [str(maps.name[w]) for w in lot.wafers]
        places += place.tolist()
        start += len(lot.wafers)
        if number:
            axes.axvline(place[0] - 0.5, color=PALE, linewidth=0.5, ls=":")
    if len(lots) > 1 and len(lots) <= 30:
        for lot, first in zip(
            lots, np.cumsum([0, *(len(lot.wafers) for lot in lots)]), strict=False
        ):
            text = lot.lot if len(lot.lot) <= 12 else f"{lot.lot[:11]}…"
            axes.annotate(text, (first, 1.0), xycoords=("data", "axes fraction"), fontsize=7)
    axes.margins(x=0.01)
    every = max(1, len(names) // 40)
    axes.set_xticks(places[::every], names[::every], rotation=90 if len(names) > 15 else 0)
    axes.set_ylabel("yield", fontsize=8, color=INK)
    axes.set_xlabel("wafer; lines: mean of the lot", fontsize=8, color=INK)
    axes.tick_params(labelsize=7, colors=INK, length=2)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
