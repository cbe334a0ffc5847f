"""Compilation of events into effects: factors of tools, capacity and density, and dates.

Only this module knows kinds of events. Kernels and the event simulator read effects.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from yieldsim.model import Model
from yieldsim.model.schema.events import (
    Accident,
    DeliveriesStop,
    Event,
    Excursion,
    FabStarts,
    ServiceLoss,
    ToolQualified,
    ToolsLost,
)
from yieldsim.supply.compile.columns import CLASSES, Columns, ColumnTable, StepOf
from yieldsim.supply.compile.memory import records
from yieldsim.supply.kernels.records import EffectDates, Ints, Records


@dataclass(frozen=True)
class Effect:
    """The effect of a kind of event. Each factor names the field of the event that holds it.

    Without ``ramp_quarters`` the factors hold from the start of the event to its end. With it they
    are raised to the power of the quarters since the start, up to that number.
    """

    mttf_ratio: str = ""
    mttr_ratio: str = ""
    adder_ratio: str = ""  # of defects that a pass adds
    overlay_ratio: str = ""
    tools_lost: str = ""  # share
    capacity_ratio: str = ""
    d0_ratio: str = ""
    ramp_quarters: str = ""
    stops_deliveries: bool = False  # no tool is delivered from the start on
    delays_production: bool = False  # tools produce nothing before the start
    delays_starts: bool = False  # fabs start no wafers before the start

    @property
    def on_tools(self) -> bool:
        """Whether it acts on tools of some groups and classes."""
        dates = self.stops_deliveries or self.delays_production
        quality = self.adder_ratio or self.overlay_ratio
        return bool(dates or self.mttf_ratio or self.mttr_ratio or quality or self.tools_lost)

    @property
    def on_fab(self) -> bool:
        """Whether it acts on whole fabs."""
        return bool(self.delays_starts or self.capacity_ratio)

    @property
    def on_density(self) -> bool:
        """Whether it acts on the defect density of processes in some fabs."""
        return bool(self.d0_ratio)


EFFECTS: dict[type, Effect] = {
    ServiceLoss: Effect(
        mttf_ratio="mttf_ratio",
        mttr_ratio="mttr_ratio",
        adder_ratio="d0_ratio",
        overlay_ratio="overlay_ratio",
        tools_lost="cannibalized",
        ramp_quarters="quarters",
    ),
    DeliveriesStop: Effect(stops_deliveries=True),
    ToolsLost: Effect(tools_lost="share"),
    ToolQualified: Effect(delays_production=True),
    FabStarts: Effect(delays_starts=True),
    Excursion: Effect(d0_ratio="d0_ratio"),
    Accident: Effect(capacity_ratio="capacity_ratio", d0_ratio="d0_ratio"),
}

# the fields of a World's effect, and their values for an event without that factor
FACTORS = {
    "mttf_ratio": 1.0,
    "mttr_ratio": 1.0,
    "adder_ratio": 1.0,
    "overlay_ratio": 1.0,
    "tools_lost": 0.0,
    "capacity_ratio": 1.0,
    "d0_ratio": 1.0,
    "ramp_quarters": 1.0,
}


def effect_of(event: Event) -> Effect:
    """Return the effect of an event. Raises TypeError for a kind without an entry in `EFFECTS`."""
    if type(event) not in EFFECTS:
        raise TypeError(f"{type(event).__name__} has no entry in supply.compile.effects.EFFECTS")
    return EFFECTS[type(event)]


def hits_fab(event: Event, fab: str) -> bool:
    """Return whether an event acts on a fab; an event that names no fab acts on all."""
    return not event.fabs or fab in event.fabs


def hits_tools(event: Event, fab: str, group: str, tool_class: str) -> bool:
    """Return whether an event acts on a class of tools of a group in a fab."""
    groups, own_class = getattr(event, "groups", ()), getattr(event, "tool_class", None)
    in_group = not groups or group in groups
    return hits_fab(event, fab) and in_group and own_class in (None, tool_class)


def hits_process(event: Event, fab: str, process: str) -> bool:
    """Return whether an event acts on a process in a fab."""
    processes = getattr(event, "processes", ())
    return hits_fab(event, fab) and (not processes or process in processes)


def factor_columns(model: Model, columns: Columns) -> ColumnTable:
    """Return the columns of each event's factors."""
    rows = []
    for name, event in model.events.items():
        effect = effect_of(event)
        rows.append(
            [
                columns.of(f"events.{name}", event, own)
                if (own := getattr(effect, factor))
                else columns.constant(neutral)
                for factor, neutral in FACTORS.items()
            ]
        )
    return ColumnTable.of(tuple(FACTORS), rows, len(model.events))


def effect_dates(model: Model, start: StepOf) -> Records[EffectDates]:
    """Return the dates of each event's effect, as steps from the start of the warm-up."""
    rows = []
    for event in model.events.values():
        effect, first = effect_of(event), start(event.start)
        # an event ends with its last quarter
        end = start(getattr(event, "end", None)) + start.steps_per_quarter
        rows.append(
            (
                first,
                end,
                int(bool(effect.ramp_quarters)),
                first - 1.0 if effect.stops_deliveries else np.inf,
                first if effect.delays_production else -np.inf,
                first if effect.delays_starts else -np.inf,
            )
        )
    return records(EffectDates, rows)


def effects_on(model: Model) -> tuple[Ints, Ints, Ints]:
    """Return the tools, fabs and densities on which each effect acts, as 1 or 0.

    Tools are (event, fab, group, class), fabs (event, fab), densities (event, fab, process).
    """
    fabs, groups, processes = list(model.fabs), list(model.tool_groups), list(model.processes)
    count = len(model.events)
    tools = np.zeros((count, len(fabs), len(groups), len(CLASSES)), np.int64)
    whole = np.zeros((count, len(fabs)), np.int64)
    density = np.zeros((count, len(fabs), len(processes)), np.int64)
    for e, event in enumerate(model.events.values()):
        effect = effect_of(event)
        for f, fab in enumerate(fabs):
            whole[e, f] = effect.on_fab and hits_fab(event, fab)
            for p, process in enumerate(processes):
                density[e, f, p] = effect.on_density and hits_process(event, fab, process)
            for g, group in enumerate(groups):
                for c, tool_class in enumerate(CLASSES):
                    hit = effect.on_tools and hits_tools(event, fab, group, tool_class)
                    tools[e, f, g, c] = hit
    return tools, whole, density
