"""Defects of inspections on their dies, repeaters marked, and densities wafer by wafer."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.collections import PatchCollection
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, Rectangle

from yieldsim.plots.image import BLUE, INK, OTHERS, PALE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from yieldsim.wafer.inspection.groups import Repeaters
    from yieldsim.wafer.inspection.inspection import Inspection
    from yieldsim.wafer.inspection.summary import WaferFigures

__all__ = ["defect_figure"]

_COLUMNS, _MOST_WAFERS, _MOST_DOTS = 5, 25, 200_000
_SIDE_IN, _SMALL_IN, _TREND_IN = 6.4, 2.3, 2.0
_CLASSES = 6  # classes with a colour of their own


def defect_figure(
    wafers: Sequence[Inspection],
    clusters: Sequence[NDArray[np.int64]],
    repeaters: Repeaters,
    figures: Sequence[WaferFigures],
    title: str,
) -> Figure:
    """Draw the wafers with their defects by class, and below them the densities in order."""
    shown = min(len(wafers), _MOST_WAFERS)
    columns = min(_COLUMNS, shown)
    rows = math.ceil(shown / columns)
    side = _SIDE_IN if shown == 1 else _SMALL_IN
    trend = _TREND_IN if len(wafers) > 1 else 0.0
    size = (max(columns * side, _SIDE_IN), rows * (side + 0.2) + trend + 0.9)
    engine = ConstrainedLayoutEngine(w_pad=0.03, h_pad=0.03, rect=(0.0, 0.04, 1.0, 0.95))
    figure = Figure(figsize=size, layout=engine)
    ratios = [side + 0.2] * rows + ([trend] if trend else [])
    grid = figure.add_gridspec(len(ratios), columns, height_ratios=ratios)
    kinds = _frequent(wafers)
    for number in range(shown):
        axes = figure.add_subplot(grid[number // columns, number % columns])
        marked = repeaters.number[number] >= 0
        _wafer(axes, wafers[number], clusters[number] >= 0, marked, kinds, shown == 1)
        row = figures[number]
        name = f"{row.wafer}: {row.defects:,} defects, {row.per_cm2:.3g}/cm²"
        axes.set_title(name, fontsize=9.0 if shown == 1 else 7.0, pad=1.0)
    if trend:
        _trend(figure.add_subplot(grid[rows, :]), figures)
    more = f", first {shown} of {len(wafers)} wafers" if shown < len(wafers) else ""
    figure.suptitle(f"{title}{more}", x=0.02, ha="left", fontsize=11)
    any_cluster = any((group >= 0).any() for group in clusters)
    _legend(figure, wafers, kinds, any_cluster, bool(len(repeaters.dies)))
    return figure


def _frequent(wafers: Sequence[Inspection]) -> list[int]:
    numbers, counts = np.unique(
        np.concatenate([one.found.kind for one in wafers]), return_counts=True
    )
    return [int(number) for number in numbers[np.argsort(-counts, kind="stable")][:_CLASSES]]


def _colour(kinds: Sequence[int], kind: int) -> str:
    return (BLUE, *OTHERS)[kinds.index(kind)] if kind in kinds else PALE


def _wafer(
    axes: Axes,
    one: Inspection,
    clustered: NDArray[np.bool_],
    repeating: NDArray[np.bool_],
    kinds: Sequence[int],
    large: bool,
) -> None:
    """Draw the dies inspected, a dot a defect, and rings round those that cluster or repeat."""
    width, height = one.pitch_mm
    hit = one.per_die() > 0
    for dies, colour in ((one.dies[~hit], "#F4F6F8"), (one.dies[hit], "#E3EBF2")):
        corners = dies * np.array([width, height]) - np.array(one.centre_mm)
        patches = [Rectangle((x, y), width, height) for x, y in corners.tolist()]
        axes.add_collection(PatchCollection(patches, facecolor=colour, edgecolor="white", lw=0.3))
    radius = 0.5 * one.diameter_mm
    axes.add_patch(Circle((0.0, 0.0), radius, fill=False, color=INK, linewidth=0.8))
    step = max(1, len(one.found) // _MOST_DOTS)
    x, y, kind = one.x_mm[::step], one.y_mm[::step], one.found.kind[::step]
    dot = (4.0 if large else 1.2) * (1.0 if len(x) < 5_000 else 0.3)
    for number in [*kinds, -1]:
        some = kind == number if number in kinds else ~np.isin(kind, kinds)
        axes.scatter(x[some], y[some], s=dot, color=_colour(kinds, number), linewidths=0, zorder=3)
    rings = (clustered[::step], PALE), (repeating[::step], "#000000")
    for some, colour in rings:
        axes.scatter(
            x[some], y[some], s=8.0 * dot, facecolors="none", edgecolors=colour, linewidths=0.6
        )
    axes.set_aspect("equal")
    axes.set_xlim(-1.03 * radius, 1.03 * radius)
    axes.set_ylim(-1.03 * radius, 1.03 * radius)
    axes.set_axis_off()


def _trend(axes: Axes, figures: Sequence[WaferFigures]) -> None:
    """Draw the densities wafer by wafer, all defects and events (a cluster is one)."""
    place = np.arange(len(figures))
    axes.plot(place, [row.per_cm2 for row in figures], "o-", ms=3, lw=1, color=BLUE)
    axes.plot(
        place, [row.events_per_cm2 for row in figures], "o", ms=3, mfc="none", color=OTHERS[0]
    )
    edges = [i for i in range(1, len(figures)) if figures[i].lot != figures[i - 1].lot]
    for edge in edges:
        axes.axvline(edge - 0.5, color=PALE, linewidth=0.6, ls=":")
    most = max((row.per_cm2 for row in figures if math.isfinite(row.per_cm2)), default=0.0)
    axes.set_ylim(0.0, 1.08 * most or 1.0)
    axes.set_ylabel("defects per cm²", fontsize=8, color=INK)
    axes.set_title("blue: all defects; orange: each cluster counts once", loc="left", fontsize=8)
    every = max(1, len(figures) // 25)
    axes.set_xticks(place[::every], [row.wafer for row in figures][::every])
    axes.set_xlabel("wafer", fontsize=8, color=INK)
    axes.tick_params(labelsize=7, colors=INK, length=2)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _legend(
    figure: Figure,
    wafers: Sequence[Inspection],
    kinds: Sequence[int],
    clusters: bool,
    repeaters: bool,
) -> None:
    names = {number: name for one in wafers for number, name in one.classes.items()}
    parts = [(names.get(k) or f"class {k}", _colour(kinds, k)) for k in kinds]
    if any((~np.isin(one.found.kind, kinds)).any() for one in wafers):
        parts.append(("other classes", PALE))
    handles = [
        Line2D([], [], color=colour, label=name, markersize=4.0, ls="none", marker="o")
        for name, colour in parts
    ]
    for wanted, colour, label in ((clusters, PALE, "in a cluster"), (repeaters, INK, "repeater")):
        if wanted:
            ring = Line2D([], [], color=colour, mfc="none", markersize=7.0, ls="none", marker="o")
            ring.set_label(label)
            handles.append(ring)
    figure.legend(handles=handles, loc="lower left", ncols=len(handles), frameon=False, fontsize=8)
