"""The top tables of a model file.

Every table is an `Entity` (frozen, unknown keys refused). Every number in it is a `Quantity` or a
`Schedule`, declared with its unit, range and effect. The names of entries are the keys of their
tables and the coordinates of the results.
"""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Literal

from pydantic import Field, StrictBool

from yieldsim.model.schema.calendar import Quarter
from yieldsim.model.schema.chips import (
    Die,
    DieBank,
    DramLine,
    MemoryPool,
    PackagingLine,
    Product,
    Wafer,
)
from yieldsim.model.schema.demand import Demand, Import, Order
from yieldsim.model.schema.events import Event
from yieldsim.model.schema.fabs import Fab, Process, ToolGroup
from yieldsim.model.schema.fields import Entity, parameter
from yieldsim.model.schema.layers import Patterning
from yieldsim.model.schema.quantity import Quantity
from yieldsim.model.schema.schedule import Schedule
from yieldsim.model.schema.values import Number, Whole


class Simulation(Entity):
    """The simulated quarters and the resolution in time and along the route."""

    start: Quarter
    end: Quarter
    steps_per_quarter: Annotated[Whole, Field(ge=1, le=92)] = 13
    warmup_quarters: Annotated[Whole, Field(ge=0, le=40)] = 4
    # segments of a route, and parts of a step, in which tools grant passes and wafers move
    segments: Annotated[Whole, Field(ge=1, le=100)] = 10
    flow_steps: Annotated[Whole, Field(ge=1, le=100)] = 2
    process_noise: StrictBool = True
    outlook_from: Quarter | None = None  # from here on, results are marked as an outlook
    outputs: tuple[str, ...] = ()  # variables that an ensemble keeps; empty: all
    # lifted constraints: names of `limits.NO_LIMITS` or tool groups
    no_limit: tuple[str, ...] = ()
    # raised inputs: names of `more.INPUTS`, or one entry of an input, such as memory.cxmt
    more: tuple[str, ...] = ()


class Allocation(Entity):
    """How AI products share wafers, memory and packaging (``supply/PLANNER.md``)."""

    rule: Literal["shares", "planner", "most_compute"] = "shares"
    # what a planner values a package by: dense FP16 compute, memory bandwidth, or each chip alike
    worth: Literal["compute", "bandwidth", "chips"] = "compute"


class SourceNote(Entity):
    """A publication, which parameters name by its key."""

    title: str
    published: str = ""
    url: str = ""


class Correlation(Entity):
    """Rank correlation (Spearman) of two uncertain parameters, given by their paths."""

    between: tuple[str, str]
    # write a perfect correlation as one shared quantity
    rank: Annotated[Number, Field(gt=-1.0, lt=1.0)]


class Model(Entity):
    """A model after `extends`, includes and the changes of one scenario."""

    reused: ClassVar[bool] = False  # whole models are few and large

    name: str
    title: str = ""
    simulation: Simulation
    wafer: Wafer
    sources: dict[str, SourceNote]
    shared: dict[str, Quantity] = parameter(
        "",
        "~usable_chips",
        "shared by the parameters that refer to it with { ref = name }",
        minimum=-math.inf,
        default={},
    )
    factors: dict[str, Schedule] = parameter(
        "1", "~usable_chips", "multiplies the series that name it in `factors`", default={}
    )
    tool_groups: dict[str, ToolGroup] = {}
    patterning: dict[str, Patterning] = {}
    processes: dict[str, Process]
    fabs: dict[str, Fab]
    dies: dict[str, Die]
    die_banks: dict[str, DieBank] = {}
    dram_lines: dict[str, DramLine] = {}
    memory: dict[str, MemoryPool] = {}
    packaging: dict[str, PackagingLine] = {}
    products: dict[str, Product]
    orders: dict[str, Order] = {}
    demand: Demand | None = None
    imports: dict[str, Import] = {}
    events: dict[str, Event] = {}
    allocation: Allocation = Allocation()
    correlations: dict[str, Correlation] = {}
