"""Tables of a wafer model that describe the wafer, the die and its bins.

Areas are in mm2 and lengths in mm unless the name's suffix says otherwise. Every table takes
``source`` and ``note``, which are not used in computing.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from yieldsim.model.schema.values import Number, Whole, is_number, shown

__all__ = [
    "Block",
    "BinRule",
    "DieTable",
    "Group",
    "Leakage",
    "Parametric",
    "ReticleTable",
    "Speed",
    "Table",
    "Test",
    "WaferDisc",
]

Positive = Annotated[Number, Field(gt=0.0)]
NonNegative = Annotated[Number, Field(ge=0.0)]
Share = Annotated[Number, Field(ge=0.0, le=1.0)]
PositiveShare = Annotated[Number, Field(gt=0.0, le=1.0)]
Correlation = Annotated[Number, Field(ge=-0.99, le=0.99)]
Count = Annotated[Whole, Field(ge=1, le=100_000)]
Natural = Annotated[Whole, Field(ge=0, le=100_000)]


def _shape(item: Any) -> float:
    if not is_number(item) or not item > 0.0:
        raise ValueError(f"must be a number > 0 or inf, got {shown(item)}")
    if item < _LEAST_SHAPE:
        raise ValueError(f"must be a number >= {_LEAST_SHAPE:g} or inf, got {shown(item)}")
    return float(item)


_LEAST_SHAPE = 1e-3  # of the closed forms; below, one die in thousands has all defects
Shape = Annotated[float, BeforeValidator(_shape)]
"""Shape of a gamma density of mean one; inf means no spread."""


class Table(BaseModel):
    """Base of the tables: unknown keys are refused, values are frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    source: str = ""
    note: str = ""


class WaferDisc(Table):
    """[wafer]: the disc on which dies are printed."""

    diameter_mm: Annotated[Number, Field(ge=50.0, le=450.0)] = 300.0
    edge_exclusion_mm: NonNegative = 3.0
    scribe_mm: NonNegative = 0.1
    notch: Literal["notch", "flat", "none"] = "none"
    notch_side: Literal["bottom", "left", "top", "right"] = "bottom"


class ReticleTable(Table):
    """[reticle]: the field of the scanner, with ``columns`` x ``rows`` dies."""

    field_width_mm: Positive = 26.0
    field_height_mm: Positive = 33.0
    columns: Count | None = None
    rows: Count | None = None
    partial_fields: bool = True


class _Area(Table):
    """An area on which a defect of a layer group kills with some probability.

    ``kill`` is that probability: one number, or a table by layer group. Alternatively it follows
    from the block's lines, ``width_um`` wide with ``spacing_um`` between them.
    """

    area_mm2: NonNegative = 0.0
    inside: str | None = None
    kill: Share | dict[str, Share] | None = None
    spacing_um: Positive | None = None
    width_um: Positive | None = None


class Block(_Area):
    """[die.blocks.NAME]: ``count`` blocks in the die, or in each core or group that holds them.

    ``fatal``: a killed block kills its holder. ``core``: a block that bins count. ``memory``: a
    block repaired while its faults do not exceed ``spares``, otherwise fatal to its holder. Cores
    and memories must have an area.
    """

    kind: Literal["fatal", "core", "memory"]
    count: Count = 1
    spares: Natural | None = None


class Group(_Area):
    """[die.groups.NAME]: a cluster of cores, whose own area is fatal to it.

    In a cluster with fewer than ``min_good`` good cores no core counts.
    """

    count: Count = 1
    min_good: Count = 1


class DieTable(Table):
    """[die]: the floorplan. Blocks are strips across the die, from the bottom in file order."""

    width_mm: Positive
    height_mm: Positive
    offset: Literal["best"] | tuple[Number, Number] | None = None
    rest: Literal["fatal", "empty"] = "fatal"
    blocks: dict[str, Block] = {}
    groups: dict[str, Group] = {}


class BinRule(Table):
    """[bins.NAME]: requirements of a bin. A die goes to the first bin in file order that it meets.

    ``min_good_cores`` defaults to all cores. Power at ``min_ghz`` is leakage plus the parametric
    table's ``dynamic_w_per_ghz`` times ``min_ghz``; it must not exceed ``max_watt``.
    """

    min_good_cores: Natural | None = None
    min_good_clusters: Natural = 0
    min_ghz: NonNegative | None = None
    max_watt: Positive | None = None


class Speed(Table):
    """[parametric.speed]: normal; a die at rho of the radius has mean_ghz + radial_ghz rho^2."""

    mean_ghz: Positive
    lot_sd_ghz: NonNegative = 0.0
    wafer_sd_ghz: NonNegative = 0.0
    die_sd_ghz: NonNegative = 0.0
    radial_ghz: Number = 0.0


class Leakage(Table):
    """[parametric.leakage]: lognormal; sigmas and the radial term are of the natural logarithm."""

    median_w: Positive
    lot_sigma: NonNegative = 0.0
    wafer_sigma: NonNegative = 0.0
    die_sigma: NonNegative = 0.0
    radial_log: Number = 0.0


class Parametric(Table):
    """[parametric]: speed, leakage and the correlation of their normals at each level."""

    speed: Speed | None = None
    leakage: Leakage | None = None
    lot_correlation: Correlation = 0.0
    wafer_correlation: Correlation = 0.0
    die_correlation: Correlation = 0.0
    dynamic_w_per_ghz: NonNegative = 0.0


class Test(Table):
    """[test]: a scrap die is caught with probability ``coverage``, or ships.

    A test that misses a fault grades the die like any other, so scrap that ships spreads over the
    bins as good dies do in the mean over all wafers. ``overkill`` is the probability that a good
    die is scrapped.
    """

    __test__ = False  # pytest would collect a class of this name

    coverage: Share = 1.0
    overkill: Share = 0.0
