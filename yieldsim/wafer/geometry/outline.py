"""The wafer's outline and the reticle.

Coordinates are in mm from the wafer's centre, x to the right, y up. Notch or flat is at the bottom,
or at another ``side``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from yieldsim.closed_form import require
from yieldsim.errors import UsageError
from yieldsim.wafer.geometry.turned import QUARTERS, Side
from yieldsim.wafer.kernels.geometry import Usable

__all__ = ["FLAT_LENGTH_MM", "NOTCH_DEPTH_MM", "Notch", "Reticle", "WaferOutline"]

Notch = Literal["none", "notch", "flat"]

# SEMI M1, polished single crystal silicon wafers: length of the primary flat, mm, +-2.5, by
# diameter (200 mm: the variant with a flat; 50.8 and 76.2 mm are wafers of 2 and 3 inches). Larger
# wafers have no flat. Secondary flats, which tell the type of the crystal, are left out: many fabs
# order wafers without.
FLAT_LENGTH_MM = {50.8: 15.88, 76.2: 22.22, 100.0: 32.5, 125.0: 42.5, 150.0: 57.5, 200.0: 57.5}
# SEMI M1: 1.00 mm deep, +0.25, -0. The deepest is used, so that the dies fit every wafer.
NOTCH_DEPTH_MM = 1.25
_DIAMETERS_MM = (50.0, 450.0)


@dataclass(frozen=True)
class WaferOutline:
    """A round wafer and where dies may lie on it.

    ``edge_exclusion_mm`` applies to the whole outline: circle, flat and notch. A flat is a chord of
    ``flat_length_mm`` (default: SEMI M1 for the diameter). A notch of ``notch_depth_mm`` keeps dies
    out of the disc of ``notch_keep_out_mm`` around the point of the circle where it is cut. The
    default, depth plus edge exclusion, gives the notch's tip the edge exclusion.

    Raises
    ------
    UsageError : a diameter outside 50 to 450 mm, a length that is negative, not finite or
        contradicts ``notch``, no flat known for the diameter.
    """

    diameter_mm: float = 300.0
    edge_exclusion_mm: float = 3.0
    scribe_mm: float = 0.1
    notch: Notch = "none"
    notch_depth_mm: float | None = None
    notch_keep_out_mm: float | None = None
    flat_length_mm: float | None = None
    side: Side = "bottom"

    def __post_init__(self) -> None:
        least, most = _DIAMETERS_MM
        require("diameter_mm", self.diameter_mm, least=least, most=most)
        require("edge_exclusion_mm", self.edge_exclusion_mm, least=0.0, below=self.radius_mm)
        require("scribe_mm", self.scribe_mm, least=0.0, most=self.diameter_mm)
        if self.notch not in ("none", "notch", "flat"):
            raise UsageError(
                "notch", "unknown", got=self.notch, allowed="'none', 'notch' or 'flat'"
            )
        if self.side not in QUARTERS or (self.side != "bottom" and self.notch == "none"):
            allowed = ", ".join(QUARTERS) if self.notch != "none" else "a notch or a flat"
            raise UsageError("side", "of no notch", got=self.side, allowed=allowed)
        for name, kind in (
            ("notch_depth_mm", "notch"),
            ("notch_keep_out_mm", "notch"),
            ("flat_length_mm", "flat"),
        ):
            value = getattr(self, name)
            if value is None:
                continue
            if self.notch != kind:
                raise UsageError(name, f"needs a {kind}", got=value, allowed="leave it out")
            most = self.diameter_mm if kind == "flat" else self.radius_mm
            require(name, value, above=0.0, below=most)
        if self.notch == "flat" and self.flat_length_mm is None:
            self._known_flat()

    def _known_flat(self) -> float:
        """Return the length of SEMI M1's primary flat for the diameter, mm."""
        if self.diameter_mm not in FLAT_LENGTH_MM:
            known = ", ".join(f"{diameter:g}" for diameter in FLAT_LENGTH_MM)
            raise UsageError(
                "notch",
                "SEMI M1 has no flat for this diameter",
                got=f"flat on {self.diameter_mm:g} mm",
                allowed=f"a flat on {known} mm, or its length given",
            )
        return FLAT_LENGTH_MM[self.diameter_mm]

    @property
    def radius_mm(self) -> float:
        """Half the diameter, mm."""
        return 0.5 * self.diameter_mm

    @property
    def usable_radius_mm(self) -> float:
        """The radius less the edge exclusion, mm."""
        return self.radius_mm - self.edge_exclusion_mm

    @property
    def keep_out_mm(self) -> float:
        """Radius of the disc at the notch that dies keep out of, mm; 0 without a notch."""
        if self.notch != "notch":
            return 0.0
        if self.notch_keep_out_mm is not None:
            return self.notch_keep_out_mm
        depth = NOTCH_DEPTH_MM if self.notch_depth_mm is None else self.notch_depth_mm
        return depth + self.edge_exclusion_mm

    @property
    def flat_distance_mm(self) -> float:
        """Distance of the flat from the centre, mm; inf without one."""
        if self.notch != "flat":
            return math.inf
        length = self._known_flat() if self.flat_length_mm is None else self.flat_length_mm
        return math.sqrt((self.radius_mm - 0.5 * length) * (self.radius_mm + 0.5 * length))

    def usable(self) -> Usable:
        """Return where dies may lie, as the kernels take it: with notch or flat at the bottom."""
        return Usable(
            # Plain floats: a kernel is compiled once more for every other mix of types.
            radius=float(self.usable_radius_mm),
            flat_y=float(self.edge_exclusion_mm - self.flat_distance_mm),
            notch_y=float(-self.radius_mm),
            notch_radius=float(self.keep_out_mm),
        )


@dataclass(frozen=True)
class Reticle:
    """The field that a scanner prints at once; 26 x 33 mm is the full field of today's scanners.

    It holds ``columns`` x ``rows`` dies with scribe lines between them, by default as many as fit.
    Fields are stepped by the dies they hold (the scanner's blades close on them), so that the grid
    of dies is even all over the wafer.
    """

    field_width_mm: float = 26.0
    field_height_mm: float = 33.0
    columns: int | None = None
    rows: int | None = None

    def __post_init__(self) -> None:
        for name in ("field_width_mm", "field_height_mm"):
            require(name, getattr(self, name), above=0.0, most=_DIAMETERS_MM[1])
        for name in ("columns", "rows"):
            if getattr(self, name) is not None:
                require(name, getattr(self, name), least=1.0, most=1e4, whole=True)

    def dies(self, die_width_mm: float, die_height_mm: float, scribe_mm: float) -> tuple[int, int]:
        """Return the columns and rows of dies in a field.

        Raises
        ------
        UsageError : the die is larger than the field, or the columns and rows given do not fit.
        """
        most = [
            # The tolerance takes up rounding where the dies fill the field exactly.
            math.floor((field + scribe_mm) / (side + scribe_mm) * (1.0 + 1e-9))
            for side, field in (
                (die_width_mm, self.field_width_mm),
                (die_height_mm, self.field_height_mm),
            )
        ]
        if min(most) < 1:
            raise UsageError(
                "die_width_mm, die_height_mm",
                "die larger than the reticle field",
                got=f"{die_width_mm:g} x {die_height_mm:g} mm",
                allowed=f"<= {self.field_width_mm:g} x {self.field_height_mm:g} mm",
            )
        columns = most[0] if self.columns is None else int(self.columns)
        rows = most[1] if self.rows is None else int(self.rows)
        if columns > most[0] or rows > most[1]:
            raise UsageError(
                "columns, rows",
                "more dies than the reticle field holds",
                got=f"{columns} x {rows}",
                allowed=f"<= {most[0]} x {most[1]}",
            )
        return columns, rows
