"""Reticle defects of a lot, and the tables of dies that they have hit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yieldsim.wafer.compile.blocks import strips
from yieldsim.wafer.compile.compiled import Plan
from yieldsim.wafer.compile.cubics import blurred, make_pieces
from yieldsim.wafer.compile.floorplan import Damage, Holder
from yieldsim.wafer.kernels.repeaters import lot_repeaters, wafer_hits

__all__ = ["Hits", "damage_key", "lot_places", "prints", "repeater_mean"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def repeater_mean(plan: Plan) -> float:
    """Mean number of reticle defects on the dies of a field, per lot."""
    one = plan.model.process.repeaters
    if one is None or one.print_probability == 0.0:
        return 0.0
    return one.per_cm2 * plan.floorplan.die_cm2 * _dies_in_field(plan)


def _dies_in_field(plan: Plan) -> int:
    return plan.sites.field_columns * plan.sites.field_rows


def lot_places(plan: Plan, lot: int) -> tuple[Ints, Ints, Floats, Floats]:
    """(die in field, strip, across, up) of the reticle defects of a lot that hit a block.

    The last two are in parts of the die from its centre.
    """
    mean = repeater_mean(plan)
    if mean <= 0.0:
        nothing = np.zeros(0, np.int64)
        return nothing, nothing, np.zeros(0), np.zeros(0)
    seed, floor = plan.field.seed, plan.floor
    found = lot_repeaters(seed, floor, mean, _dies_in_field(plan), np.uint32(lot))
    used = floor.strip_node[found[1]] >= 0
    place, strip, across, up = (column[used] for column in found)
    return place, strip, across, up


def prints(plan: Plan, place: Ints, label: Ints, wafer: int) -> tuple[Ints, Ints]:
    """(start int64[die + 1], label of each print) on a wafer of a lot's reticle defects."""
    one = plan.model.process.repeaters
    chance = 0.0 if one is None else one.print_probability
    sites, seed = plan.sites, plan.field.seed
    found: tuple[Ints, Ints] = wafer_hits(
        seed, place, label, chance, sites.die_in_field, sites.field, np.uint32(wafer)
    )
    return found


def damage_key(holder: Holder, damage: Damage) -> Any:
    """What two damages have in common when they leave a holder the same chances.

    Copies are alike, and what is inside a dead holder does not matter.
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
class Hits:
    """The hits of wafers, and tables [state, cell, tail, 4] that grow as new states turn up."""

    plan: Plan
    expected: bool
    tables: list[Floats] = field(default_factory=list)
    region_tables: list[Floats] = field(default_factory=list)
    _states: dict[Any, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._strips = strips(self.plan.floorplan)
        self._state(())

    def of_lot(self, lot: int) -> tuple[Ints, Ints]:
        """(die in field, strip) of the reticle defects of a lot that hit a block."""
        return lot_places(self.plan, lot)[:2]

    def of_wafer(self, place: Ints, strip: Ints, wafer: int) -> tuple[Ints, Ints]:
        """(start, strip) of the blocks hit, as `wafer.kernels.points.points_block` takes them."""
        return prints(self.plan, place, strip, wafer)

    def states(self, start: Ints, strip: Ints) -> NDArray[np.int32]:
        """The state of each die, int32[die]."""
        state = np.zeros(start.size - 1, np.int32)
        for die in np.flatnonzero(np.diff(start)):
            hit = [self._strips[one] for one in strip[start[die] : start[die + 1]]]
            state[die] = self._state(tuple((one.path, one.area, one.copy) for one in hit))
        return state

    def _state(self, damage: Damage) -> int:
        plan = self.plan
        key = damage_key(plan.floorplan.die, damage)
        if key not in self._states:
            self._states[key] = len(self._states)
            pieces = plan.pieces
            if damage:
                pieces = make_pieces(lambda x: plan.floorplan.tails(x, damage), *plan.density_range)
            self.tables.append(pieces.coefficients)
            if self.expected and plan.region_pieces is not None:
                region = plan.region_pieces
                if damage:
                    alpha = plan.model.process.alpha_region
                    region = make_pieces(blurred(pieces, alpha), *plan.density_range)
                self.region_tables.append(region.coefficients)
        return self._states[key]
