"""Tables of a wafer model that describe defects and other losses of the process."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from yieldsim.model.schema.values import Number
from yieldsim.wafer.model.die import Count, NonNegative, Positive, Shape, Share, Table
from yieldsim.wafer.model.seen_signatures import SeenSignatures

__all__ = [
    "Excursions",
    "LayerGroup",
    "ProcessTable",
    "Profile",
    "Repeaters",
    "SignatureTable",
    "Systematic",
]


class Profile(Table):
    """[process.profile]: density by radius, before it is normalized to mean one over the disc.

    ``1 + radial_amplitude rho^radial_power + edge_amplitude exp(-(R - r) / edge_length_mm)`` with
    rho = r / R and R the usable radius; or a table ``rho``, ``ratio``, linear between its points
    and constant beyond them.
    """

    radial_amplitude: Number = 0.0
    radial_power: Positive = 2.0
    edge_amplitude: Number = 0.0
    edge_length_mm: Positive = 5.0
    rho: tuple[Share, ...] | None = None
    ratio: tuple[NonNegative, ...] | None = None


class LayerGroup(Table):
    """[process.layers.NAME]: a layer group. ``share`` is its part of D0; shares add up to one.

    The size x of a defect has density 2 x0^2 / x^3 above ``x0_um``.
    """

    share: Share
    x0_um: Positive = 0.1


class SignatureTable(Table):
    """[process.signatures.NAME]: extra defects on a wafer, with ``probability``.

    The density at a point is ``peak_per_cm2 exp(-(d / width)^2 / 2)``; lengths are in usable radii.
    For edge_ring, centre and donut, d is the distance from the circle of ``radius``, and
    ``span_deg`` cuts the ring to a sector in a random direction. For a scratch, d is the distance
    from a straight line of ``length`` (default 0.5) at a random place and in a random direction. A
    die has the mean over its 4 x 4 parts, each taken at its middle if ``width`` exceeds the part's
    diagonal. A narrower ring must have a ``radius`` of zero or at least that diagonal.
    """

    kind: Literal["edge_ring", "centre", "donut", "scratch"]
    probability: Share
    peak_per_cm2: NonNegative
    width: Positive = 0.1
    radius: Annotated[Number, Field(ge=0.0, le=1.5)] | None = None
    span_deg: Annotated[Number, Field(gt=0.0, le=360.0)] = 360.0
    length: Positive | None = None


class Repeaters(Table):
    """[process.repeaters]: defects of the reticle, which hit the same block of every field.

    Each lot draws a Poisson number of mean ``per_cm2`` times the area of the dies in a field. Each
    prints on a field with ``print_probability`` and kills the block there. Needs [reticle].
    """

    per_cm2: NonNegative = 0.0
    print_probability: Share = 1.0


class Excursions(Table):
    """[process.excursions]: an excursion starts before a lot with probability 1/mean_lots_between.

    It multiplies D0 by ``d0_ratio`` for a geometric number of lots with mean ``lots_to_detect``.
    Several at once count as one.
    """

    mean_lots_between: Annotated[Number, Field(ge=1.0)]
    d0_ratio: NonNegative
    lots_to_detect: Annotated[Number, Field(ge=1.0, le=1000.0)] = 1.0


class Systematic(Table):
    """[process.systematic]: losses without defects, independent from die to die.

    Each of ``critical_layers`` survives overlay with probability erf(tolerance / (sigma sqrt 2))^2,
    one factor for each axis, averaged over imported and domestic tools. Edge placement likewise,
    but an edge is displaced along one axis. Dies with a point less than
    ``edge_die_mm`` from the end of the usable area, flat and notch included, have the additional
    factor ``edge_die_yield``.
    """

    systematic_yield: Share = 1.0
    critical_layers: NonNegative = 0.0
    overlay_tolerance_nm: Positive | None = None
    imported_sigma_nm: NonNegative = 0.0
    domestic_sigma_nm: NonNegative = 0.0
    domestic_share: Share = 0.0
    placement_tolerance_nm: Positive | None = None
    placement_sigma_nm: NonNegative = 0.0
    edge_die_mm: NonNegative = 0.0
    edge_die_yield: Share = 1.0


class ProcessTable(Table):
    """[process]: density of defects and its spread. Without layer groups all defects are killers.

    The density is D0 times a gamma of mean one for each lot, each wafer and each region of
    ``region_dies_x`` x ``region_dies_y`` dies. Alpha inf switches a scale off.
    """

    d0_per_cm2: NonNegative
    lot_wafers: Count = 25
    alpha_lot: Shape = float("inf")
    alpha_wafer: Shape = float("inf")
    alpha_region: Shape = float("inf")
    region_dies_x: Count = 1
    region_dies_y: Count = 1
    profile: Profile = Profile()
    layers: dict[str, LayerGroup] = {}
    signatures: dict[str, SignatureTable] = {}
    seen_signatures: SeenSignatures | None = None
    repeaters: Repeaters | None = None
    excursions: Excursions | None = None
    systematic: Systematic = Systematic()
