"""What wafers become: dies, memory, packages and products."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, RootModel, model_validator

from yieldsim.model.schema.calendar import Quarter
from yieldsim.model.schema.fields import Entity, Names, parameter
from yieldsim.model.schema.quantity import Quantity
from yieldsim.model.schema.schedule import Schedule
from yieldsim.model.schema.values import Whole


class Wafer(Entity):
    """The wafer that all dies are counted on."""

    diameter_mm: Quantity = parameter(
        "mm", "+gross_dies", "wafer diameter", above=True, maximum=1000.0
    )
    edge_exclusion_mm: Quantity = parameter("mm", "-gross_dies", "unusable edge")
    scribe_mm: Quantity = parameter("mm", "-gross_dies", "scribe line between dies")


class Bin(Entity):
    """A rule that a die can meet; bins are tried from the first to the last."""

    min_good_cores: Annotated[Whole, Field(ge=0)] = 0


class Floorplan(RootModel[dict[str, Any]]):
    """Tables of a wafer model, as they stand in the file: no names and parameters of ours."""

    model_config = ConfigDict(frozen=True)


class Die(Entity):
    """A design: its size, its floorplan and the bins it is sorted into."""

    title: str = ""
    process: str
    # below 0.1 mm the exact count of dies on a wafer would take minutes
    width_mm: Quantity = parameter("mm", "-gross_dies", "die width", minimum=0.1)
    height_mm: Quantity = parameter("mm", "-gross_dies", "die height", minimum=0.1)
    gross_die_per_wafer: Quantity | None = parameter(
        "die/wafer", "+gross_dies", "given count in place of the geometry", above=True, neutral=0.0
    )
    cores: Annotated[Whole, Field(ge=0, le=512)] = 0
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
    # parts of a wafer model (yieldsim.wafer), in place of the cores and memory above; proven when
    # the model is compiled
    floorplan: Floorplan | None = None

    @model_validator(mode="before")
    @classmethod
    def _bins_of_floorplan(cls, data: Any) -> Any:
        """A floorplan brings its bins: their names stand here too."""
        if not isinstance(data, dict) or not isinstance(data.get("floorplan"), dict):
            return data
        clash = [key for key in _IN_FLOORPLAN if key in data]
        if clash:
            problem = f"has a floorplan, which says what {clash[0]} would"
            raise ValueError(f"{problem}, got both; allowed: one of them")
        bins = data["floorplan"].get("bins")
        names = list(bins) if isinstance(bins, dict) and bins else ["good"]
        return {**data, "bins": {name: {} for name in names}}


_IN_FLOORPLAN = (
    "bins",
    "cores",
    "core_fraction",
    "memory_fraction",
    "memory_repair",
    "parametric_yield",
)


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
    generation: str = ""  # such as HBM2E: what a product may name in place of pools
    deliveries: Schedule | None = parameter(
        "stack/quarter", "+stacks_in", "stacks that arrive from outside", neutral=0.0
    )
    maker: MemoryMaker | None = None
    usable_fraction: Quantity = parameter(
        "1", "+stacks_in", "share available to the products of the model", maximum=1.0, neutral=1.0
    )


class PackagingLine(Entity):
    """A step of packaging shared by products, counted in interposer wafers or in packages.

    The latter for what each package takes one of: a substrate, a place at assembly or test.
    """

    title: str = ""
    counts: Literal["interposer_wafers", "packages"] = "interposer_wafers"
    capacity: Schedule = parameter(
        "wafer/month", "+packaging_capacity", "interposer wafers, or packages as `counts` says"
    )


class Performance(Entity):
    """What one chip of a bin does."""

    tflops_fp16: Quantity = parameter(
        "TFLOPS", "+h100_equivalents", "dense FP16 or BF16 compute of a chip"
    )
    bandwidth_tb_per_s: Quantity = parameter(
        "TB/s", "+h100_equivalents_bandwidth", "memory bandwidth of a chip", neutral=0.0
    )


def _one_or_several(item: Any) -> Any:
    """One name may stand for a list of one."""
    if item is None:
        return ()
    return (item,) if isinstance(item, str) else item


class Product(Entity):
    """A chip that is sold: dies, memory and packaging, and when."""

    title: str = ""
    vendor: str = ""
    kind: Literal["ai", "phone", "other"] = "ai"
    die: str
    dies_per_package: Annotated[Whole, Field(ge=1, le=64)] = 1
    # which dies go together: all of one bin; lesser ones with better ones that make up for them;
    # or as they come, sold by the worst
    pairing: Literal["like", "best_fit", "random"] = "like"
    sells: Names = ()  # bins that packages are sold in, the best first; none named: all of the die
    # dies of other designs in each package, such as I/O dies
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
    memory: Names = ()  # pools or generations of memory, the preferred one first
    stacks_per_package: Annotated[Whole, Field(ge=0, le=64)] = 0
    packaging: Annotated[Names, BeforeValidator(_one_or_several)] = ()
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
    burn_in_yield: Quantity = parameter(
        "1", "+usable_chips", "assembled packages that survive burn-in", maximum=1.0, neutral=1.0
    )
    final_test_yield: Quantity = parameter(
        "1",
        "+usable_chips",
        "packages that pass the final test after burn-in (and burn-in, where it has no yield)",
        maximum=1.0,
        neutral=1.0,
    )
    rework_fraction: Quantity = parameter(
        "1",
        "+usable_chips",
        "packages that are reworked once, share of those that fail burn-in or test",
        maximum=1.0,
        neutral=0.0,
    )
    rework_yield: Quantity = parameter(
        "1", "+usable_chips", "reworked packages that pass", maximum=1.0, neutral=1.0
    )
    lag_days: Quantity = parameter(
        "day", "-usable_chips", "from a tested die to a packaged, tested chip", neutral=0.0
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
