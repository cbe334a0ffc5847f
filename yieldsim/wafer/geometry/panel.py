"""Dies on a rectangular panel, as fan-out packaging and glass substrates use them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from yieldsim.closed_form import require
from yieldsim.errors import UsageError

__all__ = ["Panel"]

_ROUNDING = 1e-9


@dataclass(frozen=True)
class Panel:
    """A panel of ``width_mm`` x ``height_mm`` with dies in one grid, ``edge_mm`` from its edges.

    Raises UsageError for a size out of range, and for a die that does not fit.
    """

    width_mm: float
    height_mm: float
    edge_mm: float
    scribe_mm: float
    die_width_mm: float
    die_height_mm: float

    def __post_init__(self) -> None:
        for name in ("width_mm", "height_mm"):
            require("panel", getattr(self, name), above=0.0, most=5000.0)
        require("edge_exclusion_mm", self.edge_mm, least=0.0)
        require("scribe_mm", self.scribe_mm, least=0.0)
        for name in ("die_width_mm", "die_height_mm"):
            require(name, getattr(self, name), above=0.0)
        if min(self.columns, self.rows) < 1:
            raise UsageError(
                "die_width_mm, die_height_mm",
                "die larger than the usable panel",
                got=f"{self.die_width_mm:g} x {self.die_height_mm:g} mm",
                allowed=f"<= {self.width_mm - 2.0 * self.edge_mm:g} x "
                f"{self.height_mm - 2.0 * self.edge_mm:g} mm",
            )

    @property
    def columns(self) -> int:
        """Dies from left to right."""
        return self._fit(self.width_mm, self.die_width_mm)

    @property
    def rows(self) -> int:
        """Dies from bottom to top."""
        return self._fit(self.height_mm, self.die_height_mm)

    def _fit(self, panel: float, die: float) -> int:
        usable = panel - 2.0 * self.edge_mm + self.scribe_mm
        return max(math.floor(usable / (die + self.scribe_mm) * (1.0 + _ROUNDING)), 0)
