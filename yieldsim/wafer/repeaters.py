"""Reticle defects of a lot, and the tables of the dies that they hit."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yieldsim.wafer.compile.blocks import Strip, strips
from yieldsim.wafer.compile.compiled import CompiledWafer
from yieldsim.wafer.compile.cubics import blurred, make_pieces
from yieldsim.wafer.compile.floorplan import Damage, Holder
from yieldsim.wafer.kernels.points import ReticleHits
from yieldsim.wafer.kernels.repeaters import LotRepeaters, lot_repeaters, wafer_hits

__all__ = ["NO_REPEATERS", "DamageStates", "damage_key", "lot_places", "prints", "repeater_mean"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
NO_REPEATERS = LotRepeaters(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0), np.zeros(0))


def repeater_mean(compiled: CompiledWafer) -> float:
    """Return the mean number of reticle defects on the dies of a field, per lot."""
    repeaters = compiled.model.process.repeaters
    if repeaters is None or repeaters.print_probability == 0.0:
        return 0.0
    return repeaters.per_cm2 * compiled.floorplan.die_cm2 * _dies_in_field(compiled)


def _dies_in_field(compiled: CompiledWafer) -> int:
    return compiled.sites.field_columns * compiled.sites.field_rows


def lot_places(compiled: CompiledWafer, lot: int) -> LotRepeaters:
    """Return the reticle defects of a lot that hit a block."""
    mean = repeater_mean(compiled)
    if mean <= 0.0:
        return NO_REPEATERS
    seed, layout = compiled.density_model.seed, compiled.layout
    drawn = lot_repeaters(seed, layout, mean, _dies_in_field(compiled), np.uint32(lot))
    used = layout.strip_node[drawn.strip] >= 0
    return LotRepeaters(
        drawn.die_in_field[used], drawn.strip[used], drawn.across[used], drawn.up[used]
    )


def prints(compiled: CompiledWafer, repeaters: LotRepeaters, wafer: int) -> tuple[Ints, Ints]:
    """Return (start int64[die + 1], repeater int64[print]) of a wafer's reticle defects.

    The prints on die d are from start[d] on.
    """
    table = compiled.model.process.repeaters
    chance = 0.0 if table is None else table.print_probability
    sites, seed = compiled.sites, compiled.density_model.seed
    return wafer_hits(
        seed, repeaters.die_in_field, chance, sites.die_in_field, sites.field, np.uint32(wafer)
    )


def damage_key(holder: Holder, damage: Damage) -> Any:
    """Return a key that two damages share if they leave a holder the same chances.

    Copies are alike, and damage inside a dead holder does not matter.
    """
    own: dict[tuple[int, int], int] = {}
    inside: dict[tuple[int, int], list[tuple[Any, int, int]]] = {}
    for path, area, copy in damage:
        if not path:
            own[area, copy] = own.get((area, copy), 0) + 1
        else:
            inside.setdefault(path[0], []).append((path[1:], area, copy))
    for (area, _), faults in own.items():
        spares = holder.areas[area].spares
        if spares is None or faults > spares:
            return "dead"
    faults_by_area = sorted((area, faults) for (area, _), faults in own.items())
    below = [
        (number, damage_key(holder.held[number][0], tuple(hits)))
        for (number, _), hits in inside.items()
    ]
    return tuple(faults_by_area), tuple(sorted(below, key=repr))


@dataclass
class DamageStates:
    """Dies by the blocks that reticle defects have hit: a state has a table [cell, tail, 4].

    Tables are added as new states turn up. ``region_tables`` have the regions' gamma integrated.
    """

    compiled: CompiledWafer
    expected: bool
    tables: list[Floats] = field(default_factory=list)
    region_tables: list[Floats] = field(default_factory=list)
    _states: dict[Any, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._state(())

    @cached_property
    def _strips(self) -> list[Strip]:
        return strips(self.compiled.floorplan)

    def hits(self, repeaters: LotRepeaters, wafer: int) -> ReticleHits:
        """Return the strips that a lot's reticle defects hit on a wafer."""
        start, repeater = prints(self.compiled, repeaters, wafer)
        return ReticleHits(start, repeaters.strip[repeater])

    def of_dies(self, hits: ReticleHits) -> NDArray[np.int32]:
        """Return the state of each die, int32[die]."""
        state = np.zeros(hits.start.size - 1, np.int32)
        for die in np.flatnonzero(np.diff(hits.start)):
            hit = [self._strips[k] for k in hits.strip[hits.start[die] : hits.start[die + 1]]]
            state[die] = self._state(tuple((strip.path, strip.area, strip.copy) for strip in hit))
        return state

    def _state(self, damage: Damage) -> int:
        compiled = self.compiled
        key = damage_key(compiled.floorplan.die, damage)
        if key not in self._states:
            self._states[key] = len(self._states)
            limits = compiled.density_range
            pieces = compiled.pieces
            if damage:
                pieces = make_pieces(lambda x: compiled.floorplan.tails(x, damage), *limits)
            self.tables.append(pieces.coefficients)
            if self.expected and compiled.region_pieces is not None:
                region = compiled.region_pieces
                if damage:
                    region = make_pieces(
                        blurred(pieces, compiled.model.process.alpha_region), *limits
                    )
                self.region_tables.append(region.coefficients)
        return self._states[key]
