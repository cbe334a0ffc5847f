"""Pictures of wafers: bins and defects, the density behind them, a lot on one sheet."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.collections import PatchCollection
from matplotlib.colors import BoundaryNorm, ListedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, Patch, Rectangle

from yieldsim.plots.image import BLUE, INK, PALE
from yieldsim.wafer.geometry.turned import QUARTERS, turned_pair, turned_places

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from yieldsim.wafer.geometry.sites import Sites
    from yieldsim.wafer.simulate import WaferResult

SCRAP = "#C9C9C9"
GOOD = (BLUE, "#56B4E9", "#009E73", "#E69F00", "#CC79A7", "#F0E442", "#D55E00")
SHEET_COLUMNS, SHEET_MOST = 5, 100
_SIDE_IN, _SMALL_IN = 5.2, 2.1
_MOST_RECTANGLES = 10_000


def wafer_figure(result: WaferResult, title: str) -> Figure:
    """Draw one wafer with its defects and its density, or several wafers on one sheet.

    ``result`` must have been simulated with ``keep_maps``, at `points` or `dies`.
    """
    assert result.bin_map is not None and result.density is not None
    figure = _single(result, title) if len(result.good) == 1 else _sheet(result, title)
    _legend(figure, result)
    return figure


def _single(result: WaferResult, title: str) -> Figure:
    assert result.bin_map is not None and result.density is not None
    engine = ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.1, rect=(0.0, 0.06, 1.0, 0.94))
    figure = Figure(figsize=(2.15 * _SIDE_IN, _SIDE_IN + 0.5), layout=engine)
    left, right = figure.subplots(1, 2)
    sites = result.sites
    _dies(left, sites, result.bin_map[0], len(result.bins))
    _defects(left, result)
    good = round(float(result.shipped[0]))
    left.set_title(f"{title}: {good} of {result.gross} dies ship", loc="left", fontsize=11)
    density = result.density[0]
    patches = PatchCollection(
        _rectangles(sites), cmap="viridis", norm=Normalize(0.0, None), ec="white", lw=0.3
    )
    patches.set_array(density)
    right.add_collection(patches)
    _outline(right, sites)
    right.set_title("defect density of each die, per cm²", loc="left", fontsize=11)
    figure.colorbar(patches, ax=right, shrink=0.75)
    return figure


def _sheet(result: WaferResult, title: str) -> Figure:
    assert result.bin_map is not None
    wafers = min(len(result.good), SHEET_MOST)
    columns = min(SHEET_COLUMNS, wafers)
    rows = math.ceil(wafers / columns)
    engine = ConstrainedLayoutEngine(w_pad=0.02, h_pad=0.02, rect=(0.0, 0.04, 1.0, 0.94))
    size = (columns * _SMALL_IN + 0.3, rows * (_SMALL_IN + 0.2) + 0.8)
    figure = Figure(figsize=size, layout=engine)
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for number, axes in enumerate(grid):
        if number >= wafers:
            axes.set_axis_off()
            continue
        many = wafers * len(result.sites) > _MOST_RECTANGLES
        _dies(axes, result.sites, result.bin_map[number], len(result.bins), many)
        share = float(result.shipped[number]) / result.gross
        axes.set_title(f"{result.first_wafer + number}: {share:.0%}", fontsize=8, pad=1.0)
    mean = f"{result.yield_:.1%} of {result.gross} dies ship"
    more = f", first {wafers} shown" if wafers < len(result.good) else ""
    figure.suptitle(f"{title}: {mean}{more}", x=0.02, ha="left", fontsize=11)
    return figure


def _rectangles(sites: Sites) -> list[Rectangle]:
    width, height = sites.width_mm, sites.height_mm
    corners = zip(sites.x_mm - 0.5 * width, sites.y_mm - 0.5 * height, strict=True)
    return [Rectangle((float(x), float(y)), width, height) for x, y in corners]


def _dies(
    axes: Axes, sites: Sites, bins: NDArray[np.uint8], count: int, raster: bool = False
) -> None:
    """Draw each die in the colour of its bin."""
    colours = ListedColormap([GOOD[b % len(GOOD)] for b in range(count)] + [SCRAP])
    norm = BoundaryNorm(np.arange(count + 2) - 0.5, count + 1)
    patches = PatchCollection(_rectangles(sites), cmap=colours, norm=norm, ec="white", lw=0.3)
    patches.set_array(bins.astype(float))
    # in svg and pdf as pixels, where a sheet would else hold tens of thousands of rectangles
    patches.set_rasterized(raster)
    axes.add_collection(patches)
    _outline(axes, sites)


def _outline(axes: Axes, sites: Sites) -> None:
    """Draw the wafer's edge, with its flat or notch, and the edge of the usable area."""
    wafer = sites.wafer
    radius, flat = wafer.radius_mm, wafer.flat_distance_mm
    angle = np.linspace(0.0, 2.0 * np.pi, 361)
    x, y = radius * np.sin(angle), radius * np.cos(angle)
    if math.isfinite(flat):
        y = np.maximum(y, -flat)
    quarters = QUARTERS[wafer.side]
    axes.plot(*turned_places(x, y, -quarters), color=INK, linewidth=0.8)
    if wafer.notch == "notch":
        place = turned_pair((0.0, -radius), -quarters)
        axes.add_patch(Circle(place, 0.015 * radius, color=INK))
    axes.add_patch(
        Circle((0.0, 0.0), wafer.usable_radius_mm, fill=False, color=PALE, linewidth=0.5, ls="--")
    )
    axes.set_aspect("equal")
    axes.set_xlim(-1.03 * radius, 1.03 * radius)
    axes.set_ylim(-1.03 * radius, 1.03 * radius)
    axes.set_axis_off()


def _defects(axes: Axes, result: WaferResult) -> None:
    """Draw defects as dots; those that killed a block are darker."""
    if result.defects is None:
        return
    x, y, killed = result.defects.x_mm, result.defects.y_mm, result.defects.killed
    for dots, colour, size in ((~killed, PALE, 2.0), (killed, "#000000", 3.0)):
        axes.scatter(x[dots], y[dots], s=size, color=colour, linewidths=0, zorder=3)


def _legend(figure: Figure, result: WaferResult) -> None:
    handles: list[Patch | Line2D] = [
        Patch(color=GOOD[b % len(GOOD)], label=name) for b, name in enumerate(result.bins)
    ]
    handles.append(Patch(color=SCRAP, label="scrap"))
    if len(result.good) == 1 and result.defects is not None:
        for colour, label in (("#000000", "defect that kills its block"), (PALE, "other defect")):
            dot = Line2D([], [], ls="none", marker="o", markersize=3.0, color=colour, label=label)
            handles.append(dot)
    figure.legend(
        handles=handles, loc="lower left", ncols=min(6, len(handles)), frameon=False, fontsize=9
    )
