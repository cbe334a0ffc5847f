"""The inspection of one wafer: which dies were inspected, and the defects found."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from yieldsim.errors import ModelError
from yieldsim.units import MM2_PER_CM2

__all__ = ["Found", "Inspection"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_DIAMETERS_MM = (50.0, 450.0)
_DIE_MM = (0.02, 320.0)
_FAR = 100_000  # no wafer has so many dies across
_MOST_TESTS = 10.0  # each looks at most at the whole wafer
_OUTSIDE = 2.0  # a defect of a die may lie on the scribe line beside it
_BEYOND = 1.25  # dies may reach over the wafer's edge, but not by a quarter of it


@dataclass(frozen=True)
class Found:
    """Defects: ``index_x, index_y`` int64[defect] is the die's place, ``across_mm, up_mm`` the
    place from the die's lower left corner, ``size_um`` nan where unknown, ``kind`` the class.
    """

    index_x: Integers
    index_y: Integers
    across_mm: Floats
    up_mm: Floats
    size_um: Floats
    kind: Integers

    def __len__(self) -> int:
        return self.index_x.size


@dataclass(frozen=True)
class Inspection:
    """One wafer's inspection. Indices of dies grow to the right and up.

    ``centre_mm`` is the wafer's centre from the lower left corner of die (0, 0). ``dies``
    int64[die, 2] are the places of the dies inspected; ``area_mm2`` is the area looked at; ``mark``
    says where notch or flat is: DOWN, LEFT, UP or RIGHT.
    """

    lot: str
    wafer: str
    step: str
    device: str
    diameter_mm: float
    pitch_mm: tuple[float, float]
    centre_mm: tuple[float, float]
    dies: Integers
    area_mm2: float
    found: Found
    classes: dict[int, str] = field(default_factory=dict)
    mark: str = "DOWN"

    @property
    def area_cm2(self) -> float:
        """The area looked at, cm2."""
        return self.area_mm2 / MM2_PER_CM2

    @property
    def x_mm(self) -> Floats:
        """Place of each defect from the wafer's centre, to the right."""
        return self.found.index_x * self.pitch_mm[0] + self.found.across_mm - self.centre_mm[0]

    @property
    def y_mm(self) -> Floats:
        """Place of each defect from the wafer's centre, up."""
        return self.found.index_y * self.pitch_mm[1] + self.found.up_mm - self.centre_mm[1]

    def die_of_defect(self) -> Integers:
        """Return the number of each defect's die among ``dies``, -1 for one that was not listed."""
        order = np.lexsort((self.dies[:, 0], self.dies[:, 1]))
        keys = _key(self.dies[order, 0], self.dies[order, 1])
        wanted = _key(self.found.index_x, self.found.index_y)
        place = np.minimum(np.searchsorted(keys, wanted), max(len(keys) - 1, 0))
        hit = keys[place] == wanted if len(keys) else np.zeros(len(wanted), bool)
        return np.where(hit, order[place], -1) if len(keys) else np.full(len(wanted), -1)

    def per_die(self) -> Integers:
        """Return the number of defects on each die inspected, int64[die]."""
        die = self.die_of_defect()
        return np.bincount(die[die >= 0], minlength=len(self.dies))

    def check(self, where: str) -> Inspection:
        """Return self. Raises ModelError for sizes and places that no wafer has.

        Lengths in a wrong unit show in dies that are larger than wafers or reach far beyond.
        """
        low, high = _DIAMETERS_MM
        if not low <= self.diameter_mm <= high:
            allowed = f"{low:g} to {high:g} mm"
            raise ModelError(where, "SampleSize of no wafer", got=self.diameter_mm, allowed=allowed)
        for name, pitch in zip("XY", self.pitch_mm, strict=True):
            if not _DIE_MM[0] <= pitch <= _DIE_MM[1]:
                allowed = f"{_DIE_MM[0]:g} to {_DIE_MM[1]:g} mm (um in KLARF 1.2, nm in 1.8)"
                got = f"{pitch:g} mm"
                raise ModelError(f"{where} DiePitch {name}", "of no die", got=got, allowed=allowed)
        for name, places, pitch in (
            ("XINDEX", (self.dies[:, 0], self.found.index_x), self.pitch_mm[0]),
            ("YINDEX", (self.dies[:, 1], self.found.index_y), self.pitch_mm[1]),
        ):
            every = np.concatenate(places)
            far = every[np.abs(every) > _FAR]
            if len(far):
                allowed = f"-{_FAR} to {_FAR}"
                raise ModelError(f"{where} {name}", "out of range", got=far[0], allowed=allowed)
            across = (int(np.ptp(every)) - 1) * pitch if len(every) else 0.0
            if across > _BEYOND * self.diameter_mm:
                got, allowed = f"{across:.6g} mm", f"{self.diameter_mm:g} mm (units of DiePitch?)"
                raise ModelError(f"{where} {name}", "dies reach too far", got=got, allowed=allowed)
        disc = 0.25 * np.pi * self.diameter_mm**2
        if not 0.0 <= self.area_mm2 <= _MOST_TESTS * disc:
            got, allowed = f"{self.area_mm2:.6g} mm2", f"0 to {_MOST_TESTS * disc:.6g} mm2 (units?)"
            raise ModelError(f"{where} AreaPerTest", "no wafer has", got=got, allowed=allowed)
        for name, place, pitch in (
            ("XREL", self.found.across_mm, self.pitch_mm[0]),
            ("YREL", self.found.up_mm, self.pitch_mm[1]),
        ):
            off = place[np.abs(place - 0.5 * pitch) > _OUTSIDE * pitch]
            if len(off):
                got, allowed = f"{off[0]:.6g} mm", f"0 to {pitch:.6g} mm, the die's side (units?)"
                raise ModelError(f"{where} {name}", "outside its die", got=got, allowed=allowed)
        return self


def _key(x: Integers, y: Integers) -> Integers:
    return y * (4 * _FAR) + x
