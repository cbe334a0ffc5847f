"""The tables of a whole model file; its parts stand in `lines`, `chips` and `events`.

Every table is an `Entity` (frozen, unknown keys refused); every number in it is a `Quantity` or a
`Schedule` declared with its unit, range and effect. Names are the keys of the tables and are the
coordinates of the results.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import Field, StrictBool

from yieldsim.model.schema.calendar import Quarter
from yieldsim.model.schema.chips import (
    Die,
    DieBank,
    MemoryPool,
    PackagingLine,
    Product,
    Wafer,
)
from yieldsim.model.schema.demand import Demand, Import, Order
from yieldsim.model.schema.events import (
    Event,
)
from yieldsim.model.schema.fabs import (
    Fab,
    Process,
    ToolGroup,
)
from yieldsim.model.schema.fields import Entity, parameter
from yieldsim.model.schema.layers import Patterning
from yieldsim.model.schema.quantity import Quantity
from yieldsim.model.schema.values import Number, Whole


class Simulation(Entity):
    """When and how finely: results per quarter, computed in steps of a quarter's fraction."""

    start: Quarter
    end: Quarter
    steps_per_quarter: Annotated[Whole, Field(ge=1, le=92)] = 13
    warmup_quarters: Annotated[Whole, Field(ge=0, le=40)] = 4
    # pieces of a route, and parts of a step, in which tools grant passes and wafers move
    segments: Annotated[Whole, Field(ge=1, le=100)] = 10
    flow_steps: Annotated[Whole, Field(ge=1, le=100)] = 2
    process_noise: StrictBool = True
    outputs: tuple[str, ...] = ()  # which variables an ensemble keeps; none named: all
    # what is to limit nothing (`limits.NO_LIMITS` or a tool group): asks what a constraint costs
    no_limit: tuple[str, ...] = ()


class Allocation(Entity):
    """By which rule AI products share wafers, memory and packaging (`yieldsim.supply.mix`)."""

    rule: Literal["shares", "most_compute"] = "shares"


class SourceNote(Entity):
    """A publication that parameters name by its key."""

    title: str
    published: str = ""
    url: str = ""


class Correlation(Entity):
    """Rank correlation (Spearman) of two uncertain parameters, named by their paths."""

    between: tuple[str, str]
    # a perfect correlation is one quantity that both refer to
    rank: Annotated[Number, Field(gt=-1.0, lt=1.0)]


class Model(Entity):
    """A whole model file after includes, `extends` and one scenario's changes."""

    name: str
    title: str = ""
    simulation: Simulation
    wafer: Wafer
    sources: dict[str, SourceNote]
    shared: dict[str, Quantity] = parameter(
        "",
        "~usable_chips",
        "what several parameters refer to by { ref = name }",
        minimum=-math.inf,
        default={},
    )
    tool_groups: dict[str, ToolGroup] = {}
    patterning: dict[str, Patterning] = {}
    processes: dict[str, Process]
    fabs: dict[str, Fab]
    dies: dict[str, Die]
    die_banks: dict[str, DieBank] = {}
    memory: dict[str, MemoryPool] = {}
    packaging: dict[str, PackagingLine] = {}
    products: dict[str, Product]
    orders: dict[str, Order] = {}
    demand: Demand | None = None
    imports: dict[str, Import] = {}
    events: dict[str, Event] = {}
    allocation: Allocation = Allocation()
    correlations: dict[str, Correlation] = {}
