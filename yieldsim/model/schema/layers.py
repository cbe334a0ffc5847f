"""The mask layers of a process in flow order, and their patterning."""

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
    """Consecutive mask layers of one kind."""

    order: Number
    patterning: str | None = None
    exposure: str | None = None
    layers: Quantity = parameter(
        "layer", "+tool_load", "number of mask layers of this kind", neutral=1.0
    )
    visits: dict[str, Quantity] = parameter(
        "pass/layer", "+tool_load", "further passes of a layer", default={}
    )
    raw_share: Number | None = None  # weight of its raw process time; None: by its passes
