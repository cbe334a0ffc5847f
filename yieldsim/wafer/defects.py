"""The defects of simulated wafers as arrays, for maps and files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yieldsim.wafer.compile.compiled import Plan
from yieldsim.wafer.kernels.defect_list import defects_by_die, plain_defects
from yieldsim.wafer.repeaters import lot_places, prints
from yieldsim.wafer.shortcuts import is_plain, make_plain

__all__ = ["Defects", "list_defects"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Defects:
    """Defects on dies, wafer by wafer, die by die (scribe lines and edge are left out).

    ``wafer``, ``die`` and ``layer`` int64[defect] are numbers (layer -1 without layer groups),
    ``x_mm`` and ``y_mm`` float64[defect] are from the wafer's centre, ``size_um`` is nan without
    layer groups; ``killed`` bool[defect] says that it kills the block where it lies. Prints of
    reticle defects stand after the other defects of their die, without layer and size, and kill.
    """

    wafer: NDArray[np.int64]
    die: NDArray[np.int64]
    x_mm: Floats
    y_mm: Floats
    layer: NDArray[np.int64]
    size_um: Floats
    killed: NDArray[np.bool_]

    def __len__(self) -> int:
        return self.wafer.size


def list_defects(plan: Plan, first_wafer: int, density: Floats) -> Defects:
    """The defects of wafers with ``density`` float64[wafer, die] per cm2, as `points` has them."""
    plain: Any = make_plain(plan) if is_plain(plan) else None
    lists = []
    for w, row in enumerate(density):
        number = np.uint32(first_wafer + w)
        if plain is None:
            fallen = defects_by_die(plan.field, plan.floor, row, number)
            lists.append(_with_prints(plan, first_wafer + w, fallen))
        else:
            lists.append(plain_defects(plain, plan.floor, number))
    every = np.concatenate(lists) if lists else np.zeros((0, 6))
    if not plan.model.process.layers:
        every[:, 3], every[:, 4] = -1.0, np.nan
    die = every[:, 0].astype(np.int64)
    sites = plan.sites
    return Defects(
        wafer=first_wafer + np.repeat(np.arange(len(lists)), [len(one) for one in lists]),
        die=die,
        x_mm=sites.x_mm[die] + every[:, 1] * sites.width_mm,
        y_mm=sites.y_mm[die] + every[:, 2] * sites.height_mm,
        layer=every[:, 3].astype(np.int64),
        size_um=every[:, 4],
        killed=every[:, 5] > 0.0,
    )


def _with_prints(plan: Plan, wafer: int, fallen: Floats) -> Floats:
    """A wafer's list, die by die, with the prints of its lot's reticle defects."""
    place, _, across, up = lot_places(plan, wafer // plan.model.process.lot_wafers)
    if not place.size:
        return fallen
    start, which = prints(plan, place, np.arange(place.size), wafer)
    printed = np.empty((which.size, fallen.shape[1]))
    printed[:, 0] = np.repeat(np.arange(start.size - 1), np.diff(start))
    printed[:, 1], printed[:, 2] = across[which], up[which]
    printed[:, 3], printed[:, 4], printed[:, 5] = -1.0, np.nan, 1.0
    every = np.concatenate([fallen, printed])
    return np.asarray(every[np.argsort(every[:, 0], kind="stable")])
