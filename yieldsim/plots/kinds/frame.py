"""What the kinds of picture share: what is asked for, the frame with title and source, labels."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import xarray as xr
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.text import Text
from matplotlib.ticker import FuncFormatter, MaxNLocator

from yieldsim.analysis.caption import origin, outlook_from
from yieldsim.analysis.overview.fans import fan_of
from yieldsim.analysis.overview.headline import headline_years
from yieldsim.analysis.periods import quarter_labels
from yieldsim.analysis.titles import product_titles
from yieldsim.analysis.totals import TOTAL, chosen_groups, labels_of
from yieldsim.errors import UsageError
from yieldsim.plots.image import INK, PALE, SHADE, source_note

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH_IN = 11.0
WIDEST_IN, SMALLEST_IN = 60.0, 2.0
_RATIO = re.compile(r"(\d+(?:\.\d+)?):(\d+(?:\.\d+)?)", re.ASCII)
_INCHES = re.compile(r"(\d+(?:\.\d+)?)x(\d+(?:\.\d+)?)", re.ASCII)
LABEL_CHARACTERS = 44
FRAME_IN, TWO_LINES_IN = 1.75, 0.31  # beside the rows, and of a row with a label on two lines


@dataclass(frozen=True)
class Asked:
    """What a picture is to show; the first scenario of the ensemble is the main one."""

    products: tuple[str, ...] = ()
    period: str | None = None
    title: str | None = None
    size_in: tuple[float, float] | None = None

    def product(self, ds: xr.Dataset) -> str:
        """The only product asked for; the total by default. Raises UsageError for several."""
        chosen_groups(ds, self.products)
        if len(self.products) > 1:
            problem = "this kind of picture shows one product"
            raise UsageError("--product", problem, got=", ".join(self.products))
        return self.products[0] if self.products else TOTAL

    def year(self, ds: xr.Dataset) -> str:
        """The period asked for; by default the last whole year that is no outlook."""
        return self.period or last_year(ds)


def last_year(ds: xr.Dataset) -> str:
    """The last whole year that is no outlook."""
    return headline_years(fan_of(ds, "year"), outlook_from(ds))[-1]


def size_of(text: str | None) -> tuple[float, float] | None:
    """Width and height in inches of ``16:9`` (11 inches wide) or ``8x5``.

    Raises UsageError for anything else.
    """
    if text is None:
        return None
    allowed = f"a ratio such as 16:9, or inches such as 8x5, {SMALLEST_IN:g} to {WIDEST_IN:g} each"
    ratio, inches = _RATIO.fullmatch(text), _INCHES.fullmatch(text)
    numbers = [float(number) for found in (ratio, inches) if found for number in found.groups()]
    if ratio and min(numbers) > 0.0:
        numbers = [WIDTH_IN, WIDTH_IN * numbers[1] / numbers[0]]
    if not numbers or not all(SMALLEST_IN <= number <= WIDEST_IN for number in numbers):
        raise UsageError("--size", "is no size of a picture", got=text, allowed=allowed)
    return numbers[0], numbers[1]


def framed(
    ds: xr.Dataset, asked: Asked, title: str, note: str, height_in: float = 5.6
) -> tuple[Figure, Axes]:
    """A figure of one panel with its title, and what it rests on at the foot."""
    width, height = asked.size_in or (WIDTH_IN, height_in)
    foot = 0.34 / height
    engine = ConstrainedLayoutEngine(h_pad=0.1, w_pad=0.08, rect=(0.0, foot, 1.0, 1.0 - foot))
    figure = Figure(figsize=(width, height), layout=engine)
    axes = figure.add_subplot()
    words = asked.title or title
    lines = textwrap.wrap(words, int(width * 8.2)) or [words]
    axes.set_title("\n".join(lines), loc="left", fontsize=13.0, color=INK)
    names = labels_of(ds, "scenario")
    several = len(names) > 1
    scenario = f"{len(names)} scenarios" if several else f"scenario {names[0].replace('_', ' ')}"
    source = textwrap.wrap(f"{source_note(origin(ds), scenario)} {note}", int(width * 16.5))
    figure.text(0.01, 0.008, "\n".join(source[:2]), fontsize=7.5, color=PALE, va="bottom")
    return figure, axes


def resized(figure: Figure, size_in: tuple[float, float]) -> None:
    """Give a finished figure another size; where it becomes smaller, its texts and marks do too."""
    width, height = figure.get_size_inches()
    factor = min(1.0, size_in[0] / width, size_in[1] / height)
    figure.set_size_inches(*size_in)
    for text in figure.findobj(Text):
        text.set_fontsize(factor * text.get_fontsize())
    for line in figure.findobj(Line2D):
        line.set_markersize(factor * line.get_markersize())


def plain(axes: Axes, grid: str) -> None:
    """A light grid along ``grid`` (x or y) and no frame but the base line."""
    axes.grid(axis=grid, color="#DDDDDD", linewidth=0.7)  # type: ignore[arg-type]
    axes.set_axisbelow(True)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.tick_params(axis="both", labelsize=9.5, colors=INK, length=0)


def amount_axis(axes: Axes, which: str, suffix: str = "") -> None:
    """Short ticks of amounts along x or y."""
    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_locator(MaxNLocator(6))
    axis.set_major_formatter(FuncFormatter(lambda number, _: short(number) + suffix))


def share_axis(axes: Axes, which: str) -> None:
    """Percent from 0 to 100 along x or y."""
    axis = axes.xaxis if which == "x" else axes.yaxis
    (axes.set_xlim if which == "x" else axes.set_ylim)(0.0, 1.0)
    axis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:.0f} %"))


def quarter_axis(axes: Axes, ds: xr.Dataset, first_last: tuple[float, float]) -> None:
    """Quarters along x: each where there are few, else the years at their first quarter."""
    labels = quarter_labels(ds)
    shown = [p for p, label in enumerate(labels) if len(labels) <= 8 or label.endswith("Q1")]
    texts = [labels[p] if len(labels) <= 8 else labels[p][:4] for p in shown]
    axes.set_xticks(shown, texts)
    axes.set_xlim(*first_last)
    first = outlook_from(ds)
    if first is not None and first <= labels[-1]:
        start = sum(label < first for label in labels) - 0.5
        axes.axvspan(start, first_last[1], color=SHADE, linewidth=0, zorder=0)


def outlook_note(ds: xr.Dataset) -> str:
    """A sentence on the shaded quarters; empty if none is an outlook."""
    first = outlook_from(ds)
    is_shown = first is not None and first <= quarter_labels(ds)[-1]
    return f" Shaded, from {first} on: an outlook." if is_shown else ""


def short(number: float) -> str:
    """A tick or a label: 250k, 1.5M."""
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if abs(number) >= size:
            return f"{number / size:.3g}{letter}"
    return f"{number:.3g}"


def label(text: str, lines: int = 1) -> str:
    """Return a label cut to whole words on at most ``lines`` lines, so that bars have room."""
    return "\n".join(textwrap.wrap(text, LABEL_CHARACTERS, max_lines=lines, placeholder=" ..."))


def legend_above(axes: Axes, columns: int, handles: Sequence[Artist] | None = None) -> None:
    """The legend between the title and the panel, which moves the title up."""
    own = list(handles) if handles is not None else axes.get_legend_handles_labels()[0]
    lines = -(-len(own) // columns)
    axes.legend(
        handles=own,
        loc="lower left",
        bbox_to_anchor=(-0.005, 1.0),
        borderaxespad=0.2,
        ncols=columns,
        frameon=False,
        fontsize=8.5,
    )
    title = axes.get_title(loc="left")
    axes.set_title(title, loc="left", fontsize=13.0, color=INK, pad=8.0 + 14.5 * lines)


def name_of(ds: xr.Dataset, product: str) -> str:
    """The title of a product; "all AI products" for the total."""
    title = product_titles(ds)[product]
    return "all AI products" if product == TOTAL else title


def beside(axes: Axes, names: Sequence[str]) -> None:
    """Names of rows at the left, the first on top; on two lines where the rows are high enough."""
    height = axes.get_figure().get_figheight()  # type: ignore[union-attr]
    lines = 2 if (height - FRAME_IN) / len(names) >= TWO_LINES_IN else 1
    axes.set_yticks(range(len(names)), [label(name, lines) for name in names])
    axes.set_ylim(len(names) - 0.4, -0.6)
