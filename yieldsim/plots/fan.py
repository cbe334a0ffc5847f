"""The fan chart of an ensemble: bands and medians of usable chips per quarter."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator

from yieldsim.analysis.caption import origin, outlook_from
from yieldsim.analysis.statistics.quantiles import quantiles
from yieldsim.analysis.titles import product_titles
from yieldsim.analysis.totals import TOTAL, ai_products, labels_of, product_names
from yieldsim.errors import UsageError
from yieldsim.plots.image import (
    BLUE,
    FOOT_CHARACTERS,
    FOOT_LINE_IN,
    INK,
    OTHERS,
    PALE,
    SHADE,
    source_note,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LEVELS = (0.1, 0.25, 0.5, 0.75, 0.9)
DASHES: tuple[Any, ...] = ("--", "-.", (0, (1, 1)), (0, (5, 1)), (0, (3, 1, 1, 1)), ":")
COLUMNS_OF_PANELS, COLUMNS_OF_LEGEND = 4, 4
SMALL_TITLE = 34  # characters over a small panel
WIDTH_IN, TOP_IN, PANEL_IN = 11.0, 4.6, 1.85


def fan_chart(
    ds: xr.Dataset,
    products: Sequence[str] = (),
    variable: str = "usable_chips",
    title: str | None = None,
    size_in: tuple[float, float] | None = None,
) -> Figure:
    """Bands P10-P90 and P25-P75 and the median of the first scenario, by quarter.

    Without ``products`` the total over AI products fills the top and each AI product has a small
    panel below; with ``products`` each has a large panel. Further scenarios are drawn as medians.
    ``title`` takes the place of the first panel's, ``size_in`` that of the size which suits the
    panels; then the small ones are left out. Raises UsageError for a product that the ensemble does
    not hold.
    """
    result = quantiles(ds, variable, probabilities=LEVELS)
    names = labels_of(result, "product")
    for product in products:
        if product not in names:
            raise UsageError(
                "product", "is not in the ensemble", got=product, allowed=", ".join(names)
            )
    large = list(dict.fromkeys(products)) or [TOTAL]
    small = [] if products or size_in else _supplied(ds, result)
    figure, large_axes, small_axes = _frame(len(large), len(small))
    if size_in is not None:
        figure.set_size_inches(*size_in)
    titles = product_titles(ds)
    units = str(result["quantile"].attrs["units"])
    outlook = outlook_from(ds)
    for axes in (*large_axes, *small_axes):
        _shade_outlook(axes, labels_of(result, "period"), outlook, is_large=axes in large_axes)
    for axes, product in zip(large_axes, large, strict=True):
        _panel(axes, result, product, is_large=True)
        lines = _legend(axes, labels_of(result, "scenario")) if axes is large_axes[0] else 0
        words = title if title and axes is large_axes[0] else None
        words = words or _long_name(titles[product], product == TOTAL, variable)
        axes.set_title(words, loc="left", fontsize=13.0, pad=6.0 + 17.0 * lines)
        axes.set_ylabel(f"{units}s per quarter")
    for axes, product in zip(small_axes, small, strict=True):
        _panel(axes, result, product, is_large=False)
        words = textwrap.shorten(titles[product], SMALL_TITLE, placeholder=" ...")
        axes.set_title(words, loc="left", fontsize=9.5)
    _signature(figure, ds, units, len(large) + len(small))
    return figure


def _supplied(ds: xr.Dataset, result: xr.Dataset) -> list[str]:
    """The AI products with chips; empty if a single product makes up the total."""
    names = [product_names(ds)[place] for place in ai_products(ds)]
    means = result["mean"].max(("scenario", "period"))
    supplied = [name for name in names if float(means.sel(product=name)) > 0.0]
    return supplied if len(supplied) > 1 else []


def _frame(large: int, small: int) -> tuple[Figure, list[Axes], list[Axes]]:
    """A figure with large panels above each other, and rows of small panels below."""
    columns = max(1, min(COLUMNS_OF_PANELS, small))
    rows = -(-small // columns)
    heights = [TOP_IN] * large + [PANEL_IN] * rows
    engine = ConstrainedLayoutEngine(h_pad=0.1, w_pad=0.08, rect=(0.0, 0.03, 1.0, 0.97))
    figure = Figure(figsize=(WIDTH_IN, sum(heights) + 0.5), layout=engine)
    grid = figure.add_gridspec(large + rows, columns, height_ratios=heights)
    large_axes = [figure.add_subplot(grid[row, :]) for row in range(large)]
    small_axes = [figure.add_subplot(grid[large + i // columns, i % columns]) for i in range(small)]
    return figure, large_axes, small_axes


def _panel(axes: Axes, result: xr.Dataset, product: str, *, is_large: bool) -> None:
    """The fan of the first scenario and the medians of the others."""
    figures = result["quantile"].sel(product=product).to_numpy()
    x = np.arange(figures.shape[1])
    low, lower, median, upper, high = figures[0].T
    for bottom, top, alpha in ((low, high, 0.20), (lower, upper, 0.35)):
        axes.fill_between(x, bottom, top, color=BLUE, alpha=alpha, linewidth=0)
    axes.plot(x, median, color=BLUE, linewidth=2.2 if is_large else 1.6, zorder=3)
    for i, other in enumerate(figures[1:, :, LEVELS.index(0.5)]):
        axes.plot(x, other, linewidth=1.5 if is_large else 1.0, zorder=4, **_style(i))
    _dress(axes, labels_of(result, "period"), is_large=is_large)


def _shade_outlook(axes: Axes, quarters: list[str], first: str | None, *, is_large: bool) -> None:
    """Shade the quarters that are an outlook."""
    if first is None or first > quarters[-1]:
        return
    start = sum(quarter < first for quarter in quarters) - 0.5
    axes.axvspan(start, len(quarters) - 0.5, color=SHADE, linewidth=0, zorder=0)
    if is_large:
        top = axes.get_xaxis_transform()
        axes.text(start + 0.2, 0.97, "outlook", color=PALE, fontsize=9, va="top", transform=top)


def _dress(axes: Axes, quarters: list[str], *, is_large: bool) -> None:
    """Axes from zero, years as labels, light grid."""
    axes.margins(y=0.08)  # above the bands stands "outlook"
    axes.set_ylim(bottom=0.0)
    axes.set_xlim(-0.4, max(len(quarters) - 0.6, 0.4))
    if len(quarters) <= 8 and is_large:
        places, texts = list(range(len(quarters))), quarters
    else:
        places = [i for i, quarter in enumerate(quarters) if quarter.endswith("Q1")]
        texts = [quarters[i][:4] if is_large else f"’{quarters[i][2:4]}" for i in places]
    axes.set_xticks(places, texts)
    axes.set_xticks(range(len(quarters)), minor=True)
    axes.yaxis.set_major_locator(MaxNLocator(6 if is_large else 3))
    axes.yaxis.set_major_formatter(FuncFormatter(_short))
    axes.grid(axis="y", color="#DDDDDD", linewidth=0.7)
    axes.set_axisbelow(True)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.tick_params(axis="both", labelsize=10 if is_large else 8, colors=INK, length=3)
    axes.tick_params(axis="y", length=0)
    axes.tick_params(axis="x", which="minor", length=1.5, color=PALE)


def _short(number: float, _: object = None) -> str:
    """A tick as short text: 250k, 1.5M."""
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if abs(number) >= size:
            return f"{number / size:g}{letter}"
    return f"{number:g}"


def _long_name(name: str, is_total: bool, variable: str) -> str:
    what = {"usable_chips": "Usable chips"}.get(variable, variable.replace("_", " "))
    if is_total:
        return f"{what.replace('chips', 'AI chips')} per quarter, all AI products"
    return f"{what} per quarter, {name}"


def _legend(axes: Axes, scenarios: list[str]) -> int:
    """Add the legend of bands and lines above the panel, and return its number of text lines."""
    handles: list[Artist] = [
        Line2D([], [], color=BLUE, linewidth=2.2, label=f"median, {scenarios[0]}"),
        Patch(color=BLUE, alpha=0.5, linewidth=0, label="P25 to P75"),
        Patch(color=BLUE, alpha=0.2, linewidth=0, label="P10 to P90"),
    ]
    for i, name in enumerate(scenarios[1:]):
        label = f"median, {name.replace('_', ' ')}"
        handles.append(Line2D([], [], label=label, linewidth=1.5, **_style(i)))
    columns = min(COLUMNS_OF_LEGEND, len(handles))
    axes.legend(
        handles=handles,
        loc="lower left",
        bbox_to_anchor=(-0.005, 1.0),
        borderaxespad=0.2,
        frameon=False,
        fontsize=9.5,
        ncols=columns,
    )
    return -(-len(handles) // columns)


def _style(number: int) -> dict[str, Any]:
    """Colour and dashes of a further scenario: distinct even without colours."""
    shifted = number + number // len(OTHERS)  # in each round of the colours by one more
    return {"color": OTHERS[number % len(OTHERS)], "linestyle": DASHES[shifted % len(DASHES)]}


def _signature(figure: Figure, ds: xr.Dataset, units: str, panels: int) -> None:
    """The line at the foot: model, scenario, seed and number of realizations."""
    known = origin(ds)
    scenarios = labels_of(ds, "scenario")
    several = f"scenario {scenarios[0]}" if len(scenarios) == 1 else f"{len(scenarios)} scenarios"
    scales = "; every panel has its own scale" if panels > 1 else ""
    text = (
        f"{source_note(known, several)} "
        f"Bands are quantiles of each quarter's sum, in {units}s{scales}."
    )
    lines = textwrap.wrap(text, int(WIDTH_IN * FOOT_CHARACTERS))
    engine, more = figure.get_layout_engine(), (len(lines) - 1) * FOOT_LINE_IN
    assert isinstance(engine, ConstrainedLayoutEngine)
    bottom = 0.03 + more / figure.get_figheight()
    engine.set(rect=(0.0, bottom, 1.0, 1.0 - bottom))
    foot = "\n".join(lines)
    figure.text(0.01, 0.008, foot, fontsize=7.5, color=PALE, ha="left", va="bottom")
