"""The mask layers of a process, in the order of its flow, and how they are patterned."""

from __future__ import annotations

from yieldsim.model.schema.fields import Entity, parameter
from yieldsim.model.schema.quantity import Quantity
from yieldsim.model.schema.values import Number


class Patterning(Entity):
    """A way to pattern a layer: single exposure, LELE, SADP, SAQP, ..."""

    title: str = ""
    exposures: Quantity = parameter(
        "pass/layer", "+tool_load", "passes of a layer through its exposure group"
    )
    visits: dict[str, Quantity] = parameter(
        "pass/layer", "+tool_load", "passes of a layer through other tool groups", default={}
    )


class Layer(Entity):
    """Mask layers of one kind, one after another."""

    order: Number
    patterning: str | None = None
    exposure: str | None = None
    layers: Quantity = parameter(
        "layer", "+tool_load", "mask layers that are like this one", neutral=1.0
    )
    visits: dict[str, Quantity] = parameter(
        "pass/layer", "+tool_load", "further passes of a layer", default={}
    )
    raw_share: Number | None = None  # weight of its raw process time; none: by its passes
