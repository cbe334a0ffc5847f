"""What is simulated: the typed tables of a model file.

Every table is an `Entity` (frozen, unknown keys refused); every number in it is a `Quantity` or a
`Schedule` declared with its unit, range and effect. Names are the keys of the tables and are the
coordinates of the results.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import Field

from .calendar import Quarter
from .fields import Entity, parameter
from .quantity import Quantity
from .schedule import Schedule

Names = tuple[str, ...]


class Simulation(Entity):
    """When and how finely: results per quarter, computed in steps of a quarter's fraction."""

    start: Quarter
    end: Quarter
    steps_per_quarter: Annotated[int, Field(ge=1, le=92)] = 13
    warmup_quarters: Annotated[int, Field(ge=0, le=40)] = 4
    process_noise: bool = True


class SourceNote(Entity):
    """A publication that parameters name by its key."""

    title: str
    published: str = ""
    url: str = ""


class Correlation(Entity):
    """Rank correlation (Spearman) of two uncertain parameters, named by their paths."""

    between: tuple[str, str]
    rank: Annotated[float, Field(ge=-1.0, le=1.0)]


class ToolClass(Entity):
    """One class (imported or domestic) of a tool group; times are of SEMI E10 total time."""

    wafers_per_hour: Quantity = parameter(
        "wafer/hour", "-utilization", "rated throughput in production", above=True
    )
    performance: Quantity = parameter(
        "1",
        "-utilization",
        "share of the rated rate reached in production",
        above=True,
        maximum=1.0,
        neutral=1.0,
    )
    mttf_hours: Quantity = parameter("hour", "-utilization", "mean time to failure", above=True)
    mttr_hours: Quantity = parameter("hour", "+utilization", "mean time to repair", above=True)
    pm_fraction: Quantity = parameter(
        "1", "+utilization", "scheduled downtime, share of total time", maximum=0.9, neutral=0.0
    )
    defect_adder: Quantity = parameter(
        "1", "+d0_per_cm2", "killer defects added per pass when mature, imported = 1", neutral=1.0
    )
    overlay_sigma_nm: Quantity = parameter(
        "nm",
        "-good_dies",
        "overlay error, one standard deviation (lithography groups)",
        neutral=0.0,
    )
    initial_adder_ratio: Quantity = parameter(
        "1",
        "+d0_per_cm2",
        "defect adder of new tools over that of mature ones",
        minimum=1.0,
        neutral=1.0,
    )
    initial_mttf_ratio: Quantity = parameter(
        "1",
        "-utilization",
        "MTTF of new tools over that of mature ones",
        above=True,
        maximum=1.0,
        neutral=1.0,
    )
    maturity_kpasses: Quantity = parameter(
        "1",
        "+d0_per_cm2",
        "thousand passes of a fab's fleet in which the gap closes by 63 %",
        above=True,
        neutral=1.0,
    )


class ToolGroup(Entity):
    """Tools that do the same steps."""

    title: str = ""
    defect_weight: Quantity = parameter(
        "1", "~d0_per_cm2", "share of the mature defect density that the group adds"
    )
    service_cv2: Quantity = parameter(
        "1",
        "+cycle_time_days",
        "squared coefficient of variation of process time, no failures",
        neutral=1.0,
    )
    imported: ToolClass | None = None
    domestic: ToolClass | None = None


class ExponentialLearning(Entity):
    """Density over mature density = 1 + (start_ratio - 1) exp(-(t - start) / tau)."""

    kind: Literal["exponential"]
    start: Quarter
    start_ratio: Quantity = parameter(
        "1", "+d0_per_cm2", "density over mature density at the start", minimum=1.0
    )
    tau_quarters: Quantity = parameter(
        "quarter", "+d0_per_cm2", "time in which the excess falls by 63 %", above=True
    )


class PowerLearning(Entity):
    """Density over mature density = 1 + (start_ratio - 1) (1 + wafers / reference)^-exponent."""

    kind: Literal["power"]
    start_ratio: Quantity = parameter(
        "1", "+d0_per_cm2", "density over mature density before the first wafer", minimum=1.0
    )
    reference_wafers: Quantity = parameter(
        "wafer", "+d0_per_cm2", "cumulative wafers at which the fall is 2^-exponent", above=True
    )
    exponent: Quantity = parameter("1", "-d0_per_cm2", "learning exponent")


Learning = Annotated[ExponentialLearning | PowerLearning, Field(discriminator="kind")]


class Process(Entity):
    """A technology: what a wafer meets in the fab, and how it yields."""

    title: str = ""
    d0_mature_per_cm2: Quantity = parameter(
        "1/cm2", "+d0_per_cm2", "killer density of the mature process, all tools imported"
    )
    alpha: Quantity = parameter(
        "1", "~good_dies", "clustering of the negative binomial (Stapper 1989)", above=True
    )
    cluster_wafers: Quantity = parameter(
        "wafer",
        "~good_dies",
        "wafers that share one clustered density (25 = a lot)",
        above=True,
        neutral=25.0,
    )
    learning: Learning | None = None
    raw_process_days: Quantity = parameter(
        "day", "+cycle_time_days", "raw process time of a lot", neutral=0.0
    )
    line_yield: Quantity = parameter(
        "1",
        "-wafers_scrapped",
        "share of wafers that reach the end of the line",
        maximum=1.0,
        neutral=1.0,
    )
    engineering_fraction: Quantity = parameter(
        "1",
        "-gross_dies",
        "share of wafers used for development and monitoring",
        maximum=1.0,
        neutral=0.0,
    )
    rework: Quantity = parameter("1", "+utilization", "share of visits done again", neutral=0.0)
    overlay_layers: Quantity = parameter(
        "layer", "-good_dies", "layers on which overlay can kill a die", neutral=0.0
    )
    overlay_tolerance_nm: Quantity = parameter(
        "nm", "+good_dies", "overlay error that kills a die", above=True, neutral=1.0
    )
    systematic_yield: Quantity = parameter(
        "1",
        "+good_dies",
        "share of dies that survive all other systematic loss",
        maximum=1.0,
        neutral=1.0,
    )
    visits: dict[str, Quantity] = parameter(
        "pass/wafer", "+utilization", "passes through each tool group", default={}
    )


class Fleet(Entity):
    """The tools of one class in one group of a fab; counts are rounded to whole tools."""

    count: Schedule = parameter("tool", "-utilization", "tools delivered so far")
    install_quarters: Quantity = parameter(
        "quarter",
        "~utilization",
        "from delivery to production: install and qualification",
        neutral=0.0,
    )


class Fab(Entity):
    """A line: what it plans to start, with which tools, for whom."""

    title: str = ""
    plan: dict[str, Schedule] = parameter(
        "wafer/month", "+wafer_plan", "planned wafer starts of each process"
    )
    allocation: dict[str, dict[str, Schedule]] = parameter(
        "1", "+gross_dies", "weight of each die in the starts of each process"
    )
    fleets: dict[str, dict[str, Fleet]] = {}
    lot_size_wafers: Quantity = parameter(
        "wafer", "~cycle_time_days", "wafers in a lot", above=True, neutral=25.0
    )
    arrival_cv2: Quantity = parameter(
        "1",
        "+cycle_time_days",
        "squared coefficient of variation of arrivals at a group",
        neutral=1.0,
    )
    wip_cap_ratio: Quantity = parameter(
        "1",
        "~wafer_starts",
        "WIP at which releases stop, over planned starts times raw time",
        above=True,
        neutral=1e9,
    )


class Bin(Entity):
    """A rule that a die can meet; bins are tried from the first to the last."""

    min_good_cores: Annotated[int, Field(ge=0)] = 0


class Die(Entity):
    """A design: its size, its floorplan and the bins it is sorted into."""

    title: str = ""
    process: str
    width_mm: Quantity = parameter("mm", "-gross_dies", "die width", above=True)
    height_mm: Quantity = parameter("mm", "-gross_dies", "die height", above=True)
    gross_die_per_wafer: Quantity | None = parameter(
        "die/wafer", "+gross_dies", "given count in place of the geometry", above=True, neutral=0.0
    )
    cores: Annotated[int, Field(ge=0, le=1024)] = 0
    core_fraction: Quantity = parameter(
        "1",
        "+good_dies",
        "share of the die's area in cores that may fail",
        maximum=1.0,
        neutral=0.0,
    )
    memory_fraction: Quantity = parameter(
        "1", "+good_dies", "share of the die's area in repairable memory", maximum=1.0, neutral=0.0
    )
    memory_repair: Quantity = parameter(
        "1",
        "+good_dies",
        "share of defects in repairable memory that spares mend",
        maximum=1.0,
        neutral=0.0,
    )
    parametric_yield: Quantity = parameter(
        "1",
        "+good_dies",
        "share of functional dies within speed and leakage limits",
        maximum=1.0,
        neutral=1.0,
    )
    test_overkill: Quantity = parameter(
        "1",
        "-good_dies",
        "share of good dies that the wafer test rejects",
        maximum=1.0,
        neutral=0.0,
    )
    test_escape: Quantity = parameter(
        "1",
        "+bad_dies_passed",
        "share of bad dies that the wafer test passes",
        maximum=1.0,
        neutral=0.0,
    )
    bins: dict[str, Bin] = {"good": Bin()}


class Wafer(Entity):
    """The wafer that all dies are counted on."""

    diameter_mm: Quantity = parameter("mm", "+gross_dies", "wafer diameter", above=True)
    edge_exclusion_mm: Quantity = parameter("mm", "-gross_dies", "unusable edge")
    scribe_mm: Quantity = parameter("mm", "-gross_dies", "scribe line between dies")


class DieBank(Entity):
    """Tested dies made elsewhere, released into the stock of their design."""

    die: str
    bin: str
    draw: Schedule = parameter("die/quarter", "+bank_dies", "dies released for packaging")


class MemoryMaker(Entity):
    """A line that makes memory stacks."""

    wafers: Schedule = parameter("wafer/month", "+stacks_in", "wafers out for these stacks")
    stacks_per_wafer: Quantity = parameter(
        "stack/wafer", "+stacks_in", "stacks of a wafer were all good"
    )
    stack_yield: Schedule = parameter(
        "1", "+stacks_in", "good stacks over possible stacks, front and back end", maximum=1.0
    )


class MemoryPool(Entity):
    """Stacks of one kind from one origin."""

    title: str = ""
    deliveries: Schedule | None = parameter(
        "stack/quarter", "+stacks_in", "stacks that arrive from outside", neutral=0.0
    )
    maker: MemoryMaker | None = None
    usable_fraction: Quantity = parameter(
        "1", "+stacks_in", "share available to the products of the model", maximum=1.0, neutral=1.0
    )


class PackagingLine(Entity):
    """Advanced packaging shared by products, counted in interposer wafers."""

    title: str = ""
    capacity: Schedule = parameter("wafer/month", "+packaging_capacity", "interposer wafers")


class Performance(Entity):
    """What one chip of a bin does."""

    tflops_fp16: Quantity = parameter(
        "TFLOPS", "+h100_equivalents", "dense FP16 or BF16 compute of a chip"
    )
    bandwidth_tb_per_s: Quantity = parameter(
        "TB/s", "+h100_equivalents_bandwidth", "memory bandwidth of a chip", neutral=0.0
    )


class Product(Entity):
    """A chip that is sold: dies, memory and packaging, and when."""

    title: str = ""
    vendor: str = ""
    kind: Literal["ai", "phone", "other"] = "ai"
    die: str
    dies_per_package: Annotated[int, Field(ge=1, le=64)] = 1
    start: Quarter
    end: Quarter | None = None
    slip_quarters: Quantity = parameter(
        "quarter", "-packages_started", "delay of start and end against the roadmap", neutral=0.0
    )
    die_share: Schedule | None = parameter(
        "1", "+packages_started", "weight among the products of the same die", neutral=1.0
    )
    tier: Annotated[int, Field(ge=1, le=99)] = 1
    memory: Names = ()
    stacks_per_package: Annotated[int, Field(ge=0, le=64)] = 0
    packaging: str | None = None
    packages_per_interposer_wafer: Quantity = parameter(
        "package/wafer",
        "-packaging_used",
        "packages of one interposer wafer",
        above=True,
        neutral=1.0,
    )
    assembly_yield: Quantity = parameter(
        "1", "+usable_chips", "packages that survive assembly", maximum=1.0, neutral=1.0
    )
    final_test_yield: Quantity = parameter(
        "1",
        "+usable_chips",
        "assembled packages that pass burn-in and final test",
        maximum=1.0,
        neutral=1.0,
    )
    lag_days: Quantity = parameter(
        "day", "~usable_chips", "from a tested die to a packaged, tested chip", neutral=0.0
    )
    sample_fraction: Quantity = parameter(
        "1",
        "-usable_chips",
        "engineering samples, share of passed packages",
        maximum=1.0,
        neutral=0.0,
    )
    field_escape_fraction: Quantity = parameter(
        "1",
        "-usable_chips",
        "chips that fail in early use, share of passed packages",
        maximum=1.0,
        neutral=0.0,
    )
    demand: Schedule | None = parameter(
        "package/quarter", "+packages_started", "most packages wanted", neutral=1e18
    )
    performance: dict[str, Performance] = {}


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
        "-utilization",
        "MTTF per quarter over that of the quarter before",
        above=True,
        maximum=1.0,
    )
    mttr_ratio: Quantity = parameter(
        "1", "+utilization", "MTTR per quarter over that of the quarter before", minimum=1.0
    )
    quarters: Quantity = parameter("quarter", "+utilization", "how long it goes on falling")


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
    capacity_ratio: Quantity = parameter(
        "1", "~wafer_starts", "capacity left", maximum=1.0, above=True
    )
    d0_ratio: Quantity = parameter("1", "+d0_per_cm2", "defect density over normal", minimum=1.0)


Event = Annotated[ServiceLoss | DeliveriesStop | Accident, Field(discriminator="kind")]


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
    processes: dict[str, Process]
    fabs: dict[str, Fab]
    dies: dict[str, Die]
    die_banks: dict[str, DieBank] = {}
    memory: dict[str, MemoryPool] = {}
    packaging: dict[str, PackagingLine] = {}
    products: dict[str, Product]
    events: dict[str, Event] = {}
    correlations: dict[str, Correlation] = {}
