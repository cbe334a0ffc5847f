"""Dies, memory, packages and products."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, RootModel, model_validator

from yieldsim.model.schema.calendar import Quarter
from yieldsim.model.schema.fields import Entity, Names, fraction, parameter
from yieldsim.model.schema.quantity import Quantity
from yieldsim.model.schema.schedule import Schedule
from yieldsim.model.schema.values import Whole


def _as_list(item: Any) -> Any:
    """Accept a single name for a list of one."""
    if item is None:
        return ()
    return (item,) if isinstance(item, str) else item


class Wafer(Entity):
    """The wafer that dies are counted on."""

    diameter_mm: Quantity = parameter(
        "mm", "+gross_dies", "wafer diameter", above=True, maximum=1000.0
    )
    edge_exclusion_mm: Quantity = parameter("mm", "-gross_dies", "unusable edge")
    scribe_mm: Quantity = parameter("mm", "-gross_dies", "scribe line between dies")


class Bin(Entity):
    """A rule for dies, which go to the first bin whose rule they meet."""

    min_good_cores: Annotated[Whole, Field(ge=0)] = 0


class FloorplanTables(RootModel[dict[str, Any]]):
    """Raw tables of a wafer model, which `yieldsim.wafer` reads."""

    model_config = ConfigDict(frozen=True)


class Die(Entity):
    """A design: its size, its floorplan and the bins it is sorted into."""

    title: str = ""
    # the process of the design; several where worlds differ in the process that makes it
    process: Annotated[Names, BeforeValidator(_as_list)]
    # below 0.1 mm the exact count of dies on a wafer would take minutes
    width_mm: Quantity = parameter("mm", "-gross_dies", "die width", minimum=0.1)
    height_mm: Quantity = parameter("mm", "-gross_dies", "die height", minimum=0.1)
    gross_die_per_wafer: Quantity | None = parameter(
        "die/wafer",
        "+gross_dies",
        "count that replaces the one by geometry",
        above=True,
        neutral=0.0,
        absent="by geometry",
    )
    cores: Annotated[Whole, Field(ge=0, le=512)] = 0
    core_fraction: Quantity = fraction(
        "+good_dies", "share of the die's area in cores that may fail", neutral=0.0
    )
    memory_fraction: Quantity = fraction(
        "+good_dies", "share of the die's area in repairable memory", neutral=0.0
    )
    memory_repair: Quantity = fraction(
        "+good_dies", "share of defects in repairable memory that spares repair", neutral=0.0
    )
    parametric_yield: Quantity = fraction(
        "+good_dies", "share of functional dies within speed and leakage limits", neutral=1.0
    )
    test_overkill: Quantity = fraction(
        "-good_dies", "share of good dies that the wafer test rejects", neutral=0.0
    )
    test_escape: Quantity = fraction(
        "+bad_dies_passed", "share of bad dies that the wafer test passes", neutral=0.0
    )
    bins: dict[str, Bin] = {"good": Bin()}
    # replaces the cores and memory above; checked when the model is compiled
    floorplan: FloorplanTables | None = None

    @model_validator(mode="before")
    @classmethod
    def _bins_of_floorplan(cls, data: Any) -> Any:
        """Take the names of the bins from the floorplan."""
        if not isinstance(data, dict) or not isinstance(data.get("floorplan"), dict):
            return data
        clash = [key for key in IN_FLOORPLAN if key in data]
        if clash:
            raise ValueError(f"has a floorplan, got {clash[0]} beside it; allowed: one of them")
        bins = data["floorplan"].get("bins")
        names = list(bins) if isinstance(bins, dict) and bins else ["good"]
        return {**data, "bins": {name: {} for name in names}}


# what a floorplan replaces
IN_FLOORPLAN = (
    "bins",
    "cores",
    "core_fraction",
    "memory_fraction",
    "memory_repair",
    "parametric_yield",
)


class DieBank(Entity):
    """Tested dies made elsewhere, released over time into the stock of their design."""

    die: str
    bin: str
    draw: Schedule = parameter("die/quarter", "+bank_dies", "dies released for packaging")


class DramLine(Entity):
    """DRAM wafers for memory stacks, which several pools may divide."""

    title: str = ""
    wafers: Schedule = parameter("wafer/month", "+stacks_in", "DRAM wafers out for stacks")
    slip_quarters: Quantity = parameter(
        "quarter", "-stacks_in", "delay of the wafers against the dates given", neutral=0.0
    )


class MemoryMaker(Entity):
    """A maker of memory stacks: its DRAM wafers, the dies on them, and what becomes of both.

    Stacks of a wafer are given as `stacks_per_wafer`, or follow from `dram_die_mm2`: dies of a
    wafer by geometry over the dies that a stack takes.
    """

    wafers: Schedule | None = parameter(
        "wafer/month",
        "+stacks_in",
        "wafers out for these stacks",
        neutral=0.0,
        absent="by dram_line",
    )
    slip_quarters: Quantity | None = parameter(
        "quarter", "-stacks_in", "delay of the wafers against the dates given", neutral=0.0
    )
    dram_line: str = ""  # instead of own wafers
    line_weight: Schedule | None = parameter(
        "1",
        "+stacks_in",
        "weight among the stacks that share the DRAM line",
        neutral=1.0,
    )
    stacks_per_wafer: Quantity | None = parameter(
        "stack/wafer",
        "+stacks_in",
        "stacks of a wafer before yield",
        neutral=0.0,
        absent="by geometry",
    )
    dram_die_mm2: Quantity | None = parameter(
        "mm2",
        "-stacks_in",
        "area of a square DRAM die",
        above=True,
        maximum=858.0,
        neutral=0.0,
        absent="not used",
    )
    dies_per_stack: Quantity | None = parameter(
        "die/stack", "-stacks_in", "DRAM dies of a stack", minimum=1.0, neutral=1.0
    )
    base_dies_per_stack: Quantity | None = parameter(
        "die/stack", "-stacks_in", "base dies of a stack from the same wafers", neutral=0.0
    )
    die_yield: Schedule | None = fraction(
        "+stacks_in", "good DRAM dies over all dies (front end)", neutral=1.0
    )
    stack_yield: Schedule = fraction(
        "+stacks_in", "good stacks over all stacks (back end; both ends without die_yield)"
    )


class MemoryPool(Entity):
    """Stacks of one kind from one origin."""

    title: str = ""
    generation: str = ""  # such as HBM2E; a product may name it instead of pools
    origin: str = ""  # whose stacks they are; `summary --what memory` adds up by it
    deliveries: Schedule | None = parameter(
        "stack/quarter", "+stacks_in", "stacks that arrive from outside", neutral=0.0
    )
    maker: MemoryMaker | None = None
    usable_fraction: Quantity = fraction(
        "+stacks_in", "share available to the products of the model", neutral=1.0
    )
    # a planner makes the stacks of the pool last until this quarter begins; none: as it sees fit
    lasts_until: Quarter | None = None
    paced_from: Quarter | None = None  # before this quarter it does not pace them; none: always
    lasts_slip_quarters: Quantity = parameter(
        "quarter", "-stacks_used", "delay of `lasts_until`", neutral=0.0
    )


class PackagingLine(Entity):
    """A packaging step shared by products, with a capacity in interposer wafers or in packages.

    Packages count where each takes one unit: a substrate, an assembly or a test slot.
    """

    title: str = ""
    counts: Literal["interposer_wafers", "packages"] = "interposer_wafers"
    capacity: Schedule = parameter(
        "wafer/month", "+packaging_capacity", "interposer wafers or packages, see `counts`"
    )


class Performance(Entity):
    """The performance of one chip of a bin."""

    tflops_fp16: Quantity = parameter(
        "TFLOPS", "+h100_equivalents", "dense FP16 or BF16 compute of a chip"
    )
    bandwidth_tb_per_s: Quantity = parameter(
        "TB/s", "+h100_equivalents_bandwidth", "memory bandwidth of a chip", neutral=0.0
    )


class Product(Entity):
    """A chip for sale: its dies, memory and packaging, and when it is made."""

    title: str = ""
    vendor: str = ""
    kind: Literal["ai", "phone", "other"] = "ai"
    die: str
    dies_per_package: Annotated[Whole, Field(ge=1, le=64)] = 1
    # which dies share a package: dies of one bin; worse dies with better ones that make up for
    # them; or dies as they come, sold by the worst
    pairing: Literal["like", "best_fit", "random"] = "like"
    sells: Names = ()  # bins that packages are sold in, best first; empty: all of the die
    # dies of other designs in each package by name, such as I/O dies
    other_dies: dict[str, Annotated[Whole, Field(ge=1, le=64)]] = {}
    start: Quarter
    end: Quarter | None = None
    slip_quarters: Quantity = parameter(
        "quarter", "-packages_started", "delay of start and end against the roadmap", neutral=0.0
    )
    die_share: Schedule | None = parameter(
        "1", "+packages_started", "weight among the products of the same die", neutral=1.0
    )
    tier: Annotated[Whole, Field(ge=1, le=99)] = 1
    memory: Names = ()  # pools or generations, preferred ones first
    stacks_per_package: Annotated[Whole, Field(ge=0, le=64)] = 0
    packaging: Annotated[Names, BeforeValidator(_as_list)] = ()
    packages_per_interposer_wafer: Quantity = parameter(
        "package/wafer",
        "-packaging_used",
        "packages of one interposer wafer",
        above=True,
        neutral=1.0,
    )
    assembly_yield: Quantity = fraction(
        "+usable_chips", "share of packages that survive assembly", neutral=1.0
    )
    burn_in_yield: Quantity = fraction(
        "+usable_chips", "share of assembled packages that survive burn-in", neutral=1.0
    )
    final_test_yield: Quantity = fraction(
        "+usable_chips",
        "packages that pass final test after burn-in (or both, without burn_in_yield)",
        neutral=1.0,
    )
    rework_fraction: Quantity = fraction(
        "+usable_chips",
        "share of packages failing burn-in or test that are reworked, once",
        neutral=0.0,
    )
    rework_yield: Quantity = fraction(
        "+usable_chips", "share of reworked packages that pass", neutral=1.0
    )
    # a longer lag also brings chips begun before the horizon into it: packages under way are sure
    lag_days: Quantity = parameter(
        "day", "+packages_wip", "from a tested die to a packaged, tested chip", neutral=0.0
    )
    sample_fraction: Quantity = fraction(
        "-usable_chips", "engineering samples, share of passed packages", neutral=0.0
    )
    field_escape_fraction: Quantity = fraction(
        "-usable_chips", "chips that fail in early use, share of passed packages", neutral=0.0
    )
    demand: Schedule | None = parameter(
        "package/quarter",
        "+packages_started",
        "largest number of packages wanted",
        neutral=1e18,
        absent="no limit",
    )
    performance: dict[str, Performance] = {}
