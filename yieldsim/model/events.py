"""What happens to the lines on a date: lost service, deliveries that stop, accidents."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from .calendar import Quarter
from .fields import Entity, Names, parameter
from .quantity import Quantity


class ServiceLoss(Entity):
    """From a date on, tools of a class lose their maker's service: failures come sooner and last
    longer every quarter, until `quarters` have passed."""

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
    quarters: Quantity = parameter("quarter", "-wafer_starts", "how long it goes on falling")


class DeliveriesStop(Entity):
    """From a date on, fleets of a class stay at the count they have."""

    kind: Literal["deliveries_stop"]
    start: Quarter
    tool_class: Literal["imported", "domestic"] = "imported"
    fabs: Names = ()
    groups: Names = ()


class Accident(Entity):
    """Between two dates a fab loses capacity and adds defects."""

    kind: Literal["accident"]
    start: Quarter
    end: Quarter
    fabs: Names = ()
    # either way in sum: what is not started leaves room under the WIP cap for later starts
    capacity_ratio: Quantity = parameter(
        "1", "~wafer_starts", "capacity left", maximum=1.0, above=True
    )
    d0_ratio: Quantity = parameter("1", "+d0_per_cm2", "defect density over normal", minimum=1.0)


Event = Annotated[ServiceLoss | DeliveriesStop | Accident, Field(discriminator="kind")]
