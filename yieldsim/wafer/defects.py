"""The defects of simulated wafers as arrays, for maps and files."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from yieldsim.wafer.compile.compiled import CompiledWafer
from yieldsim.wafer.kernels.defect_list import DEFECT, defects_by_die, plain_defects
from yieldsim.wafer.repeaters import lot_places, prints
from yieldsim.wafer.shortcuts import is_plain, make_plain

__all__ = ["Defects", "list_defects"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Defects:
    """Defects on dies, wafer by wafer, die by die; those on scribe lines and edge are left out.

    ``wafer``, ``die`` and ``layer`` int64[defect] are numbers (layer -1 without layer groups),
    ``x_mm`` and ``y_mm`` float64[defect] are from the wafer's centre, ``size_um`` is nan without
    layer groups; ``killed`` bool[defect] says whether it kills the block where it lies. Prints of
    reticle defects come after the other defects of their die, without layer and size, and kill.
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


def list_defects(compiled: CompiledWafer, first_wafer: int, density: Floats) -> Defects:
    """Return the defects of wafers with ``density`` float64[wafer, die] per cm2 at `points`."""
    plain = make_plain(compiled) if is_plain(compiled) else None
    lists = []
    for w, row in enumerate(density):
        number = np.uint32(first_wafer + w)
        if plain is None:
            fallen = defects_by_die(compiled.density_model.seed, compiled.layout, row, number)
            lists.append(_with_prints(compiled, first_wafer + w, fallen))
        else:
            lists.append(plain_defects(plain, compiled.layout, number))
    records = np.concatenate(lists) if lists else np.zeros(0, DEFECT)
    if not compiled.model.process.layers:
        records["layer"], records["size_um"] = -1, np.nan
    die = np.ascontiguousarray(records["die"])
    sites = compiled.sites
    return Defects(
        wafer=first_wafer + np.repeat(np.arange(len(lists)), [len(rows) for rows in lists]),
        die=die,
        x_mm=sites.x_mm[die] + records["across"] * sites.width_mm,
        y_mm=sites.y_mm[die] + records["up"] * sites.height_mm,
        layer=np.ascontiguousarray(records["layer"]),
        size_um=np.ascontiguousarray(records["size_um"]),
        killed=np.ascontiguousarray(records["kills"]),
    )


def _with_prints(compiled: CompiledWafer, wafer: int, fallen: NDArray[np.void]) -> NDArray[np.void]:
    """Return a wafer's records, die by die, with the prints of its lot's reticle defects."""
    repeaters = lot_places(compiled, wafer // compiled.model.process.lot_wafers)
    if not repeaters.strip.size:
        return fallen
    start, repeater = prints(compiled, repeaters, wafer)
    printed = np.empty(repeater.size, DEFECT)
    printed["die"] = np.repeat(np.arange(start.size - 1), np.diff(start))
    printed["across"], printed["up"] = repeaters.across[repeater], repeaters.up[repeater]
    printed["layer"], printed["size_um"], printed["kills"] = -1, np.nan, True
    records = np.concatenate([fallen, printed])
    return np.asarray(records[np.argsort(records["die"], kind="stable")])
