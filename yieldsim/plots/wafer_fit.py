"""Observed wafer maps beside wafers simulated from their fit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from yieldsim.plots.image import BLUE, INK, OTHERS, PALE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from yieldsim.wafer.fit.group import GroupFit
    from yieldsim.wafer.fit.statistics import MapStatistics
    from yieldsim.wafer.maps.wafer_maps import WaferMaps

__all__ = ["fit_figure"]

ORANGE, GREEN = OTHERS[0], OTHERS[1]
CHARTS, MAPS_EACH = 2, 4
ROW_IN, CHARTS_IN, MAPS_IN, LEGEND_IN = 1.75, 4.8, 5.6, 0.3
_CODES = ListedColormap(["#FFFFFF", "#DCE6EC", "#B2182B"])
_LIMITS = BoundaryNorm([-0.5, 0.5, 1.5, 2.5], 3)
_TITLES = (
    ("observed maps", BLUE),
    ("simulated from the fit", ORANGE),
    ("simulated with the signatures of other maps", GREEN),
)


def fit_figure(groups: Sequence[GroupFit]) -> Figure:
    """Draw a row per group: fails by radius, yields of the wafers, four maps, four simulated.

    Four more are simulated with the signatures of other maps, where they were looked for.
    """
    blocks = 3 if any(group.like_seen is not None for group in groups) else 2
    columns = CHARTS + blocks * MAPS_EACH
    height_in = ROW_IN * len(groups) + 0.7 + LEGEND_IN
    # the legend has a strip of fixed height below the axes, whatever the number of rows
    bottom = LEGEND_IN / height_in
    engine = ConstrainedLayoutEngine(h_pad=0.04, w_pad=0.04, rect=(0.0, bottom, 1.0, 0.99 - bottom))
    figure = Figure(figsize=(CHARTS_IN + blocks * MAPS_IN, height_in), layout=engine)
    ratios = [1.9, 1.6, *[1.0] * (columns - 2)]
    grid = figure.add_gridspec(len(groups), columns, width_ratios=ratios)
    for row, group in enumerate(groups):
        left, right = (figure.add_subplot(grid[row, column]) for column in (0, 1))
        _radius(left, group)
        _yields(right, group)
        if row == 0:
            left.set_title("fails by radius", loc="left", fontsize=9.0)
            right.set_title("yield of the wafers", loc="left", fontsize=9.0)
        if row == len(groups) - 1:
            left.set_xlabel("distance from the centre, in wafer radii", fontsize=7.5, color=INK)
            right.set_xlabel("yield of a wafer", fontsize=7.5, color=INK)
        samples = [*group.samples, group.like_seen][:blocks]
        for block, sample in enumerate(samples):
            for number in range(MAPS_EACH):
                axes = figure.add_subplot(grid[row, CHARTS + block * MAPS_EACH + number])
                _map(axes, sample, number)
                if row == 0 and number == 0:
                    title, colour = _TITLES[block]
                    axes.set_title(title, loc="left", fontsize=9.0, color=colour)
    figure.text(
        0.005,
        0.4 * bottom,
        "Blue: observed, with two standard errors. Orange: simulated from the fit. "
        + ("Green: with the signatures of other maps. " if blocks == 3 else "")
        + "Red: failed dies.",
        fontsize=7.5,
        color=PALE,
        va="center",
    )
    return figure


def _radius(axes: Axes, group: GroupFit) -> None:
    """Draw the share of fails by radius: points observed, a line simulated."""
    rho = group.rings.nodes
    mean, error = _mean(group.observed)
    axes.errorbar(rho, mean, 2.0 * error, fmt="o", markersize=3, linewidth=1, color=BLUE)
    axes.plot(rho, _mean(group.simulated)[0], color=ORANGE, linewidth=1.3)
    if group.shapes is not None and group.shapes.figures is not None:
        axes.plot(rho, _mean(group.shapes.figures)[0], color=GREEN, linewidth=1.3)
    axes.set_ylim(bottom=0.0)
    axes.set_xlim(0.0, 1.0)
    axes.set_ylabel(f"{group.label}\nshare of dies failed", fontsize=7.5, color=INK)
    _dress(axes)


def _mean(figures: MapStatistics) -> tuple[np.ndarray, np.ndarray]:
    wafers = np.isfinite(figures.radial).sum(axis=0)
    return np.nanmean(figures.radial, axis=0), np.nanstd(figures.radial, axis=0) / np.sqrt(wafers)


def _yields(axes: Axes, group: GroupFit) -> None:
    """Draw the distribution of the wafers' yields."""
    edges = np.linspace(0.0, 1.0, 41)
    drawn = [(group.observed, BLUE, True), (group.simulated, ORANGE, False)]
    if group.shapes is not None and group.shapes.figures is not None:
        drawn.append((group.shapes.figures, GREEN, False))
    for figures, colour, filled in drawn:
        height, _ = np.histogram(1.0 - figures.fail, edges)
        axes.stairs(
            height / len(figures.fail), edges, color=colour, fill=filled, alpha=0.4 if filled else 1
        )
    axes.set_ylabel("share of wafers", fontsize=7.5, color=INK)
    _dress(axes)


def _dress(axes: Axes) -> None:
    axes.tick_params(labelsize=7, colors=INK, length=2)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _map(axes: Axes, maps: WaferMaps | None, number: int) -> None:
    axes.set_axis_off()
    if maps is not None and number < len(maps):
        axes.imshow(
            maps.grid(number), cmap=_CODES, norm=_LIMITS, aspect="auto", interpolation="nearest"
        )
        # dies are seldom square, but the grid of a whole wafer spans its diameter both ways
        axes.set_box_aspect(1.0)
