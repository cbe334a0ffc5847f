"""All kinds of picture of an ensemble, under the names that `yieldsim plot --kind` takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import xarray as xr
from matplotlib.figure import Figure

from yieldsim.analysis.caption import origin
from yieldsim.analysis.evidence.comparison import compare_files
from yieldsim.analysis.evidence.file import SHIPPED_FORECASTS
from yieldsim.analysis.totals import labels_of
from yieldsim.errors import UsageError
from yieldsim.plots.evidence import evidence_chart
from yieldsim.plots.fan import fan_chart
from yieldsim.plots.kinds.frame import Asked, resized
from yieldsim.plots.kinds.losses import yield_chart
from yieldsim.plots.kinds.market import demand_chart
from yieldsim.plots.kinds.ranges import difference_chart, tornado_chart
from yieldsim.plots.kinds.stacked import binding_chart, stack_chart, wafers_chart
from yieldsim.plots.kinds.waterfall import waterfall_chart


def _fan(ds: xr.Dataset, asked: Asked) -> Figure:
    return fan_chart(ds, asked.products, title=asked.title, size_in=asked.size_in)


def _forecasts(ds: xr.Dataset, asked: Asked) -> Figure:
    """Forecasts of others beside the first scenario."""
    scenario = labels_of(ds, "scenario")[0]
    (records,) = compare_files(ds, [SHIPPED_FORECASTS], scenario)
    figure = evidence_chart({"forecasts": records}, origin(ds), scenario, title=asked.title)
    if asked.size_in is not None:
        resized(figure, asked.size_in)
    return figure


class Kind(NamedTuple):
    """How a picture is drawn, and whether it shows chosen products or one chosen period."""

    draw: Callable[[xr.Dataset, Asked], Figure]
    by_product: bool = False
    by_period: bool = False


KINDS = {
    "fan": Kind(_fan, by_product=True),
    "stack": Kind(stack_chart, by_product=True),
    "binding": Kind(binding_chart, by_product=True),
    "waterfall": Kind(waterfall_chart, by_period=True),
    "tornado": Kind(tornado_chart, by_product=True, by_period=True),
    "difference": Kind(difference_chart, by_product=True, by_period=True),
    "demand": Kind(demand_chart),
    "yield": Kind(yield_chart, by_period=True),
    "wafers": Kind(wafers_chart),
    "forecasts": Kind(_forecasts),
}


def picture(ds: xr.Dataset, kind: str, asked: Asked) -> Figure:
    """A picture of an ensemble. Raises UsageError and StoreError for what cannot be drawn."""
    if kind not in KINDS:
        raise UsageError("--kind", "is not known", got=kind, allowed=", ".join(KINDS))
    found = KINDS[kind]
    periods = (asked.period,) if asked.period else ()
    given = {
        "--product": (asked.products, found.by_product),
        "--period": (periods, found.by_period),
    }
    for option, (values, fits) in given.items():
        if values and not fits:
            field = f"by{option.replace('--', '_')}"
            allowed = ", ".join(name for name, own in KINDS.items() if getattr(own, field))
            problem = f"does not go with --kind {kind}"
            raise UsageError(option, problem, got=", ".join(values), allowed=f"with {allowed}")
    return found.draw(ds, asked)
