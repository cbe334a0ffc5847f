"""Compiled floorplans: the probabilities that cores work, and the classes that bins ask for.

A floorplan is a tree: the die and groups hold groups and cores, and each holder has fatal areas and
repairable memories of its own. Given the density, areas fail independently, so the distribution of
a holder's good cores is a convolution over its contents.

I. Koren, Z. Koren, "Defect tolerance in VLSI circuits: techniques and yield analysis", Proc. IEEE
86 (1998) 1819-1838, doi:10.1109/5.705525.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import special

from yieldsim.closed_form import mean_line_kill
from yieldsim.units import MM2_PER_CM2
from yieldsim.wafer.geometry.copies import convolved, power
from yieldsim.wafer.model.die import Block, Group
from yieldsim.wafer.model.wafer_model import WaferModel, bin_rules

__all__ = ["Area", "Damage", "CompiledFloorplan", "Holder", "compile_floorplan"]

Floats = NDArray[np.float64]
Path = tuple[tuple[int, int], ...]
"""From the die down: (number of the holder among those held, which copy of it)."""
Damage = tuple[tuple[Path, int, int], ...]
"""Reticle defects on a die: (path to the holder, number of its area, which copy of the area)."""
_MOST_CHANCES = 2_000_000  # probabilities computed at once: 16 MB per array


@dataclass(frozen=True)
class Area:
    """``count`` areas of a holder: fatal to it (``spares`` None) or memories with spares.

    ``kind`` is the number of its kill ratios, ``kill`` their mean over layers and sizes.
    """

    area_cm2: float
    count: int
    spares: int | None
    kind: int
    kill: float


@dataclass(frozen=True)
class Holder:
    """The die, a group or a core: its own areas and what it holds, each with its count."""

    name: str
    is_core: bool
    min_good: int
    areas: tuple[Area, ...]
    held: tuple[tuple[Holder, int], ...] = ()

    def cores(self) -> int:
        """Return the cores in one such holder."""
        return int(self.is_core) + sum(count * part.cores() for part, count in self.held)

    def killing_cm2(self) -> float:
        """Return area times kill ratio of one such holder and its contents."""
        own = sum(area.area_cm2 * area.count * area.kill for area in self.areas)
        return own + sum(count * part.killing_cm2() for part, count in self.held)


@dataclass(frozen=True)
class CompiledFloorplan:
    """The tree, the die's area, the kill ratios by kind, and the classes that bins ask for.

    ``class_of`` int64[good clusters + 1, good cores + 1] is a working die's class: 0 meets the most
    bins, ``classes - 1`` none. ``meets`` bool[class, bin].
    """

    die: Holder
    die_cm2: float
    kinds: tuple[Block | Group | None, ...]
    class_of: NDArray[np.int64]
    meets: NDArray[np.bool_]
    _known: dict[object, Floats] = field(default_factory=dict, repr=False, compare=False)

    @property
    def classes(self) -> int:
        """Number of classes."""
        return int(self.meets.shape[0])

    def tails(self, density: Floats, damage: Damage = (), unselective: float = 0.0) -> Floats:
        """Return float64[density, class - 1]: P(class <= c) at each density per cm2.

        ``unselective`` is an additional density of defects that kill any block; ``damage`` lists
        the areas that a reticle defect has hit.
        """
        x = np.asarray(density, np.float64)
        clusters = self.class_of.shape[0] > 1
        chances = np.zeros((x.size, self.classes))
        step = max(1, _MOST_CHANCES // self.class_of.size)
        for start in range(0, x.size, step):
            part = slice(start, start + step)
            joint = _die_chances(self.die, x[part], unselective, damage, clusters)
            for number in range(self.classes):
                chances[part, number] = joint[:, self.class_of == number].sum(axis=1)
        return np.cumsum(chances, axis=1)[:, :-1]


def _own_chance(holder: Holder, x: Floats, unselective: float, damage: Damage) -> Floats:
    """Return P(the areas of a holder let it live)."""
    chance = np.ones(x.size)
    here = [(number, copy) for path, number, copy in damage if not path]
    for number, area in enumerate(holder.areas):
        mean = area.area_cm2 * (area.kill * x + unselective)
        hit = [copy for area_number, copy in here if area_number == number]
        if area.spares is None:
            chance = chance * (np.exp(-area.count * mean) if not hit else 0.0)
            continue
        # P(a Poisson number of faults <= spares), less what reticle defects have used up
        chance = chance * special.pdtr(area.spares, mean) ** (area.count - len(set(hit)))
        for copy in set(hit):
            left = area.spares - hit.count(copy)
            chance = chance * (special.pdtr(left, mean) if left >= 0 else 0.0)
    return chance


def _held_chances(
    holder: Holder, x: Floats, unselective: float, damage: Damage, clusters: bool
) -> Floats:
    """Return the distribution [x, clusters, cores] of a holder's contents.

    ``clusters`` says whether the groups held directly are counted.
    """
    total = np.ones((x.size, 1, 1))
    for number, (part, count) in enumerate(holder.held):
        inside: dict[int, list[tuple[Path, int, int]]] = {}
        for path, area, copy in damage:
            if path and path[0][0] == number:
                inside.setdefault(path[0][1], []).append((path[1:], area, copy))
        whole = _counted(part, x, unselective, (), clusters)
        total = convolved(total, power(whole, count - len(inside)))
        for hits in inside.values():
            total = convolved(total, _counted(part, x, unselective, tuple(hits), clusters))
    return total


def _counted(
    holder: Holder, x: Floats, unselective: float, damage: Damage, clusters: bool
) -> Floats:
    """Return the distribution of one holder's cores, and of one cluster where groups count."""
    alive = _own_chance(holder, x, unselective, damage)
    if holder.is_core:
        return np.stack([1.0 - alive, alive], axis=1)[:, None, :]
    cores = _held_chances(holder, x, unselective, damage, False)[:, 0, :] * alive[:, None]
    cores[:, : holder.min_good] = 0.0
    out = np.zeros((x.size, 2 if clusters else 1, cores.shape[1]))
    out[:, -1, :] = cores
    out[:, 0, 0] += 1.0 - cores.sum(axis=1)
    return out


def _die_chances(
    die: Holder, x: Floats, unselective: float, damage: Damage, clusters: bool
) -> Floats:
    """Return the joint distribution of good clusters and cores; dead dies are missing from it."""
    alive = _own_chance(die, x, unselective, damage)
    return _held_chances(die, x, unselective, damage, clusters) * alive[:, None, None]


def compile_floorplan(model: WaferModel) -> CompiledFloorplan:
    """Compile the floorplan of a checked model."""
    kinds: list[Block | Group | None] = []
    die = _holder(model, None, kinds)
    cm2 = model.die.width_mm * model.die.height_mm / MM2_PER_CM2
    taken = _area_cm2(die)
    if model.die.rest == "fatal" and cm2 - taken > 1e-9 * cm2:
        kinds.append(None)
        rest = Area(cm2 - taken, 1, None, len(kinds) - 1, 1.0)
        die = Holder(die.name, False, 0, (*die.areas, rest), die.held)
    class_of, meets = _classes(model, die)
    return CompiledFloorplan(die, cm2, tuple(kinds), class_of, meets)


def _area_cm2(holder: Holder) -> float:
    own = sum(area.area_cm2 * area.count for area in holder.areas)
    return own + sum(count * _area_cm2(part) for part, count in holder.held)


def mean_kill(model: WaferModel, part: Block | Group | None) -> float:
    """Return the kill ratio of a part, averaged over layer groups and sizes."""
    layers = model.process.layers
    if part is None:
        return 1.0
    if not layers:
        if isinstance(part.kill, Mapping):
            return 1.0
        return 1.0 if part.kill is None else part.kill
    total = 0.0
    for name, layer in layers.items():
        if part.spacing_um is not None and part.width_um is not None:
            ratio = float(mean_line_kill(layer.x0_um, part.spacing_um, part.width_um))
        elif isinstance(part.kill, Mapping):
            ratio = part.kill.get(name, 1.0)
        else:
            ratio = 1.0 if part.kill is None else part.kill
        total += layer.share * ratio
    return total


def _area(model: WaferModel, part: Block | Group, kinds: list[Block | Group | None]) -> Area:
    kinds.append(part)
    count = part.count if isinstance(part, Block) and part.kind != "core" else 1
    spares = part.spares if isinstance(part, Block) and part.kind == "memory" else None
    cm2 = part.area_mm2 / MM2_PER_CM2
    return Area(cm2, count, spares, len(kinds) - 1, mean_kill(model, part))


def _holder(model: WaferModel, name: str | None, kinds: list[Block | Group | None]) -> Holder:
    """Return the holder of a name (None: the die) with its contents."""
    die = model.die
    part = None if name is None else die.groups.get(name) or die.blocks[name]
    areas = [] if part is None else [_area(model, part, kinds)]
    held: list[tuple[Holder, int]] = []
    for key, block in die.blocks.items():
        if block.inside != name:
            continue
        if block.kind == "core":
            held.append((_holder(model, key, kinds), block.count))
        else:
            areas.append(_area(model, block, kinds))
    for key, group in die.groups.items():
        if group.inside == name:
            held.append((_holder(model, key, kinds), group.count))
    least = part.min_good if isinstance(part, Group) else 0
    return Holder(name or "", isinstance(part, Block), least, tuple(areas), tuple(held))


def _classes(model: WaferModel, die: Holder) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Number the sets of bins whose demands on cores a die can meet, the largest set first."""
    rules = list(bin_rules(model).values())
    clusters = any(rule.min_good_clusters > 0 for rule in rules)
    most = sum(count for part, count in die.held if not part.is_core) if clusters else 0
    c, n = np.ogrid[: most + 1, : die.cores() + 1]
    met = np.stack(
        [(n >= (rule.min_good_cores or 0)) & (c >= rule.min_good_clusters) for rule in rules],
        axis=-1,
    )
    sets = {tuple(row) for row in met.reshape(-1, len(rules)).tolist()}
    nothing = (False,) * len(rules)
    order = sorted(sets - {nothing}, reverse=True)
    order.sort(key=sum, reverse=True)
    meets = np.array([*order, nothing], np.bool_)
    number = {key: place for place, key in enumerate(map(tuple, meets.tolist()))}
    flat = [number[tuple(row)] for row in met.reshape(-1, len(rules)).tolist()]
    return np.array(flat, np.int64).reshape(met.shape[:2]), meets
