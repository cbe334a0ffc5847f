"""What happens to the lines on a date: service, deliveries, tools, new fabs, accidents."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from yieldsim.model.schema.calendar import Quarter
from yieldsim.model.schema.fields import Entity, Names, parameter
from yieldsim.model.schema.quantity import Quantity


class ServiceLoss(Entity):
    """From a date on, tools of a class lose their maker's service.

    Every quarter, until `quarters` have passed, failures come sooner and last longer, passes add
    more defects and overlay errors grow: each ratio is per quarter and multiplies up.
    """

    kind: Literal["service_loss"]
    start: Quarter
    tool_class: Literal["imported", "domestic"] = "imported"
    fabs: Names = ()
    groups: Names = ()
    mttf_ratio: Quantity = parameter(
        "1",
        "+wafer_starts",
        "MTTF per quarter over that of the quarter before",
        above=True,
        maximum=1.0,
    )
    mttr_ratio: Quantity = parameter(
        "1", "-wafer_starts", "MTTR per quarter over that of the quarter before", minimum=1.0
    )
    d0_ratio: Quantity = parameter(
        "1",
        "+d0_per_cm2",
        "killer defects added by a pass of these tools, per quarter over the quarter before",
        minimum=1.0,
        neutral=1.0,
    )
    overlay_ratio: Quantity = parameter(
        "1",
        "-good_dies",
        "overlay error of these tools, per quarter over the quarter before",
        minimum=1.0,
        neutral=1.0,
    )
    quarters: Quantity = parameter(
        "quarter", "-wafer_starts", "quarters over which the tools worsen"
    )
    cannibalized: Quantity = parameter(
        "1",
        "-wafer_starts",
        "share of the tools taken apart for spares each quarter",
        maximum=0.9,
        neutral=0.0,
    )


class DeliveriesStop(Entity):
    """From a date on, fleets of a class get no more deliveries."""

    kind: Literal["deliveries_stop"]
    start: Quarter
    tool_class: Literal["imported", "domestic"] = "imported"
    fabs: Names = ()
    groups: Names = ()


class ToolsLost(Entity):
    """Between two dates, or from one on, a share of the tools does not produce."""

    kind: Literal["tools_lost"]
    start: Quarter
    end: Quarter | None = None
    tool_class: Literal["imported", "domestic"] | None = None
    fabs: Names = ()
    groups: Names = ()
    share: Quantity = parameter("1", "-wafer_starts", "share of the tools lost", maximum=1.0)


class ToolQualified(Entity):
    """Tools of a class do not produce before a date, however early they are delivered."""

    kind: Literal["tool_qualified"]
    start: Quarter
    tool_class: Literal["imported", "domestic"] = "domestic"
    fabs: Names = ()
    groups: Names = ()


class FabStarts(Entity):
    """Fabs start no wafers before a date, whatever they plan."""

    kind: Literal["fab_starts"]
    start: Quarter
    fabs: Names = ()


class Excursion(Entity):
    """Between two dates the wafers started have more defects."""

    kind: Literal["excursion"]
    start: Quarter
    end: Quarter
    fabs: Names = ()
    processes: Names = ()
    d0_ratio: Quantity = parameter("1", "+d0_per_cm2", "defect density over normal", minimum=1.0)


class Accident(Entity):
    """Between two dates a fab loses capacity and adds defects."""

    kind: Literal["accident"]
    start: Quarter
    end: Quarter
    fabs: Names = ()
    # either sign over time: lost starts leave room under the WIP cap for later ones
    capacity_ratio: Quantity = parameter(
        "1", "~wafer_starts", "capacity left", maximum=1.0, above=True
    )
    d0_ratio: Quantity = parameter("1", "+d0_per_cm2", "defect density over normal", minimum=1.0)


Event = Annotated[
    ServiceLoss | DeliveriesStop | ToolsLost | ToolQualified | FabStarts | Excursion | Accident,
    Field(discriminator="kind"),
]
