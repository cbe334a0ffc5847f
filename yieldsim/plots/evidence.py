"""Published figures beside those of the ensemble: a bar from P10 to P90 for each.

Figures differ by a factor of a thousand, so each row is drawn in multiples of the ensemble's
median; the numbers are printed at the right.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from yieldsim.analysis.evidence.words import below, published, short
from yieldsim.plots.image import BLUE, FOOT_CHARACTERS, INK, OTHERS, PALE, source_note

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Record = Mapping[str, Any]
RED = OTHERS[0]
WIDTH_IN, ROW_IN, FRAME_IN = 11.0, 0.52, 1.75
LEFT, RIGHT = 0.33, 0.70  # of the page: labels, bars, numbers
WIDEST = 3.0  # medians; larger figures are arrows at the edge
ENTITY_CHARACTERS, SOURCE_CHARACTERS = 32, 58


HEADINGS = {"figures": "Published counts", "forecasts": "Forecasts of others"}


def evidence_chart(
    sections: Mapping[str, list[Any]],
    origin: Mapping[str, Any],
    scenario: str,
    title: str | None = None,
) -> Figure:
    """One row for each compared record of `compare_files`, by section.

    The bar runs from P10 to P90 with a line at the median. The published figure is a diamond, its
    range a line, and a bound an arrow head that points to the allowed side.
    """
    kept = {key: [r for r in records if r["compared"]] for key, records in sections.items()}
    kept = {key: records for key, records in kept.items() if records}
    rows = [record for records in kept.values() for record in records]
    lines = len(rows) + (len(kept) if len(kept) > 1 else 0)
    height = FRAME_IN + ROW_IN * lines
    figure = Figure(figsize=(WIDTH_IN, height))
    bottom, top = 0.8 / height, 1.0 - 0.95 / height
    axes = figure.add_axes((LEFT, bottom, RIGHT - LEFT, top - bottom))
    reach = min(WIDEST, max(1.5, *(1.08 * _farthest(record) for record in rows)))
    place = 0
    for key, records in kept.items():
        if len(kept) > 1:
            _heading(axes, place, HEADINGS[key])
            place += 1
        for record in records:
            _bar(axes, place, record)
            _published(axes, place, record, reach)
            _words(axes, place, record)
            place += 1
    _dress(axes, lines, reach)
    figure.text(
        0.01,
        1.0 - 0.14 / height,
        title or f"Published figures beside the ensemble's, scenario {scenario.replace('_', ' ')}",
        fontsize=13.0,
        ha="left",
        va="top",
        color=INK,
    )
    figure.legend(
        handles=_handles(),
        loc="upper left",
        bbox_to_anchor=(0.004, 1.0 - 0.36 / height),
        frameon=False,
        fontsize=9.0,
        ncols=4,
    )
    figure.text(
        0.01, 0.1 / height, _foot(origin, rows), fontsize=7.5, color=PALE, ha="left", va="bottom"
    )
    return figure


def _heading(axes: Axes, place: int, text: str) -> None:
    left = axes.get_yaxis_transform()
    x = -0.01 - LEFT / (RIGHT - LEFT) + 0.03  # the left edge of the page
    axes.text(x, place + 0.1, text, transform=left, fontsize=11, va="center", fontweight="bold")


def _unit(record: Record) -> float:
    """The unit of a row: its median; if that is 0, its mean, a published figure or 1."""
    known = (record["p50"], record["mean"], *_numbers(record), 1.0)
    return float(next(x for x in known if x))


def _numbers(record: Record) -> list[float]:
    names = ("published_low", "published_central", "published_high")
    return [record[name] for name in names if record[name] is not None]


def _farthest(record: Record) -> float:
    return max(record["p90"], *_numbers(record)) / _unit(record)


def _bar(axes: Axes, place: int, record: Record) -> None:
    low, middle, high = (record[name] / _unit(record) for name in ("p10", "p50", "p90"))
    axes.barh(place, high - low, 0.42, left=low, color=BLUE, alpha=0.35, linewidth=0)
    axes.plot([middle, middle], [place - 0.21, place + 0.21], color=BLUE, linewidth=2.2)


def _published(axes: Axes, place: int, record: Record, reach: float) -> None:
    """The published figure, its range, or an arrow head for a bound or a figure off the scale."""
    marks = [(x / _unit(record)) for x in _numbers(record)]
    if len(marks) > 1:
        axes.plot([min(reach, x) for x in (marks[0], marks[-1])], [place] * 2, color=RED, lw=2.0)
    central = record["published_central"]
    ends = {"published_low": "|", "published_high": "|", "published_central": "D"}
    if len(marks) == 1 and central is None:
        ends = {"published_low": ">", "published_high": "<"}  # a bound points to the allowed side
    for name, marker in ends.items():
        if record[name] is None:
            continue
        x = record[name] / _unit(record)
        off = x > reach
        axes.plot(
            min(x, reach),
            place,
            marker=">" if off else marker,
            markersize=9.0 if marker == "|" else 7.0,
            markeredgewidth=2.0 if marker == "|" else 0.0,
            color=RED,
            zorder=4,
            clip_on=False,
        )


def _words(axes: Axes, place: int, record: Record) -> None:
    """Entity, period and source at the left; the numbers at the right."""
    left = axes.get_yaxis_transform()
    entity = textwrap.shorten(record["entity"], ENTITY_CHARACTERS, placeholder=" ...")
    label = f"{entity}, {record['period']}"
    source = textwrap.shorten(_plain(record), SOURCE_CHARACTERS, placeholder=" ...")
    axes.text(-0.03, place - 0.13, label, transform=left, fontsize=10, ha="right", va="center")
    axes.text(
        -0.03,
        place + 0.24,
        source,
        transform=left,
        fontsize=7.5,
        color=PALE,
        ha="right",
        va="center",
    )
    spread = f"{short(record['p10'])} / {short(record['p50'])} / {short(record['p90'])}"
    axes.text(1.03, place - 0.13, spread, transform=left, fontsize=9, va="center", color=BLUE)
    is_input = ", an input" if record["role"] == "input" else ""
    note = f"published {published(record)} ({below(record)} below{is_input})"
    axes.text(1.03, place + 0.24, note, transform=left, fontsize=8, va="center", color=RED)


def _plain(record: Record) -> str:
    """Unit and source without the remarks in brackets."""
    unit = str(record["unit"]).partition("(")[0].partition(":")[0].strip()
    source = str(record["source"]).partition(" (")[0]
    return f"{unit}; {source}"


def _dress(axes: Axes, rows: int, reach: float) -> None:
    axes.set_ylim(rows - 0.5, -0.5)  # the first row on top
    axes.set_xlim(0.0, reach)
    axes.set_yticks([])
    axes.axvline(1.0, color="#DDDDDD", linewidth=1.0, zorder=0)
    axes.grid(axis="x", color="#EEEEEE", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.set_xlabel("multiples of the ensemble's median", fontsize=9, color=INK)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.tick_params(axis="x", labelsize=9, colors=INK, length=3)


def _handles() -> list[Artist]:
    point: dict[str, Any] = {"color": RED, "linestyle": "none"}
    return [
        Patch(color=BLUE, alpha=0.35, linewidth=0, label="ensemble, P10 to P90, and median"),
        Line2D([], [], marker="D", markersize=7.0, label="published", **point),
        Line2D(
            [],
            [],
            marker="|",
            markersize=9.0,
            markeredgewidth=2.0,
            label="published range",
            **point,
        ),
        Line2D([], [], marker="<", markersize=7.0, label="published bound, or off scale", **point),
    ]


def _foot(origin: Mapping[str, Any], rows: Sequence[Record]) -> str:
    text = (
        f"{source_note(origin)} At the right P10 / P50 / P90, "
        "and the share of realizations below the published figure."
    )
    if any(not record["p50"] for record in rows):
        text += " Where the median is 0, the bar is in multiples of the mean."
    return "\n".join(textwrap.wrap(text, int(WIDTH_IN * FOOT_CHARACTERS)))
