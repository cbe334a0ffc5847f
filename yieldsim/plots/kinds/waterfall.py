"""The waterfall: from one mean of AI chips to another, product by product."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from yieldsim.analysis.overview.fans import fan_of
from yieldsim.analysis.statistics.quantiles import quantiles
from yieldsim.analysis.totals import TOTAL, ai_names, chosen_groups, labels_of
from yieldsim.errors import UsageError
from yieldsim.plots.image import BLUE, INK, OTHERS
from yieldsim.plots.kinds.frame import Asked, amount_axis, beside, framed, name_of, plain, short

MOST_STEPS = 10
SMALL = 0.01  # of the larger end: steps below it are joined
ROW_IN, FRAME_IN = 0.36, 1.5


def waterfall_chart(ds: xr.Dataset, asked: Asked) -> Figure:
    """The steps of each AI product between two bars of the total; means, so that they add up.

    Of two scenarios or more: from the first to the second in a period. Of one: from the year before
    to the period.
    """
    ends, title = _ends(ds, asked)
    names = ai_names(ds)
    groups = chosen_groups(ds, [TOTAL, *names])
    figures = []
    for scenario, period in ends:
        part = ds.isel(scenario=[labels_of(ds, "scenario").index(scenario)])
        means = quantiles(part, period=(period,), groups=groups)["mean"].to_numpy()
        figures.append(dict(zip(groups, means[0, :, 0].tolist(), strict=True)))
    first, second = figures
    steps = _steps({name: second[name] - first[name] for name in names}, first, second)
    bars = [(_named(ends, 0), first[TOTAL]), (_named(ends, 1), second[TOTAL])]
    note = "Means of the realizations, which add up."
    figure, axes = framed(ds, asked, title, note, FRAME_IN + ROW_IN * (len(steps) + 2))
    level = bars[0][1]
    axes.barh(0, level, 0.62, color=BLUE)
    for place, (_, step) in enumerate(steps, 1):
        axes.barh(place, step, 0.62, left=level, color=OTHERS[1] if step >= 0.0 else OTHERS[0])
        level += step
    axes.barh(len(steps) + 1, bars[1][1], 0.62, color=BLUE)
    rows = [bars[0], *steps, bars[1]]
    _numbers(figure, rows, bars[0][1])
    plain(axes, "x")
    beside(axes, [bars[0][0], *(name_of_step(ds, name) for name, _ in steps), bars[1][0]])
    amount_axis(axes, "x")
    axes.set_xlabel("usable AI chips")
    return figure


def name_of_step(ds: xr.Dataset, name: str) -> str:
    """The title of a product, or the words of the joined ones."""
    return name_of(ds, name) if name in ai_names(ds) else name


def _ends(ds: xr.Dataset, asked: Asked) -> tuple[list[tuple[str, str]], str]:
    """(scenario, period) of the two ends, and the title."""
    scenarios, period = labels_of(ds, "scenario"), asked.year(ds)
    if len(scenarios) > 1:
        words = [name.replace("_", " ") for name in scenarios[:2]]
        title = f"AI chips in {period}: from {words[0]} to {words[1]}"
        return [(name, period) for name in scenarios[:2]], title
    years = fan_of(ds, "year").periods
    if period not in years or years.index(period) == 0:
        allowed = ", ".join(years[1:]) or "two scenarios: the ensemble covers one year"
        problem = "has no year before it to start from"
        raise UsageError("--period", problem, got=period, allowed=allowed)
    before = years[years.index(period) - 1]
    return [(scenarios[0], before), (scenarios[0], period)], f"AI chips: from {before} to {period}"


def _named(ends: list[tuple[str, str]], place: int) -> str:
    scenario, period = ends[place]
    return scenario.replace("_", " ") if ends[0][0] != ends[1][0] else period


def _steps(
    steps: dict[str, float], first: dict[str, float], second: dict[str, float]
) -> list[tuple[str, float]]:
    """The large steps, the largest first, and the small ones together."""
    order = sorted(steps, key=lambda name: -abs(steps[name]))
    limit = SMALL * max(first[TOTAL], second[TOTAL])
    large = [name for name in order if abs(steps[name]) >= limit][:MOST_STEPS]
    rest = [name for name in order if name not in large]
    found = [(name, steps[name]) for name in large]
    return [*found, ("others", float(np.sum([steps[name] for name in rest])))] if rest else found


def _numbers(figure: Figure, rows: Sequence[tuple[str, float]], first: float) -> None:
    """The number of each bar at its right end."""
    (axes,) = figure.axes
    level, reach = 0.0, 0.0
    for place, (_, step) in enumerate(rows):
        is_end = place in (0, len(rows) - 1)
        right = step if is_end else max(level, level + step)
        level = step if is_end else level + step
        reach = max(reach, right)
        sign = "" if is_end or step < 0.0 else "+"
        axes.annotate(
            f"{sign}{short(step)}",
            (right, place),
            (5, 0),
            textcoords="offset points",
            va="center",
            fontsize=9,
            color=INK,
        )
    axes.set_xlim(0.0, 1.1 * reach if reach > 0.0 else 1.0)
