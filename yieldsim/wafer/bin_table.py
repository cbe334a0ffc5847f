"""The bins of a floorplan by mean density, for the supply ensemble.

The ensemble has one density per period and lot, and no places on the wafer. Everything that the
wafer model adds within a lot (profile, clusters of wafers and regions, signatures, reticle defects,
speed and leakage) is averaged once, at four densities per octave, and read from a cubic.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from yieldsim.errors import ModelError
from yieldsim.wafer.compile.compiled import CompiledWafer, compile_wafer
from yieldsim.wafer.compile.cubics import Pieces, make_pieces
from yieldsim.wafer.expectation import expectation_of
from yieldsim.wafer.model.load import wafer_model
from yieldsim.wafer.model.wafer_model import WaferModel, bin_rules

__all__ = ["BinTable", "bin_table", "floorplan_model"]

Floats = NDArray[np.float64]
PARTS = ("rest", "blocks", "groups", "bins", "parametric", "process", "reticle")
_AN_OCTAVE = (
    4  # densities computed per octave; the cubic errs by (ln 2 / 4)^4 f'''' / 384, below 1e-5
)
_OCTAVES = 24.0


@dataclasses.dataclass(frozen=True)
class BinTable:
    """``pieces`` gives the share of dies in each bin by the mean number of defects on a die.

    Systematic and parametric losses of the floorplan are included. ``kill`` is the share of defects
    that can kill.
    """

    bins: tuple[str, ...]
    pieces: Pieces
    kill: float


def floorplan_model(
    where: str,
    floorplan: dict[str, Any],
    wafer: dict[str, float],
    width_mm: float,
    height_mm: float,
) -> WaferModel:
    """Return the wafer model of a die's ``floorplan`` table in a supply model.

    The table has the parts of a wafer model, with those of [die] at the top. Size, wafer, density,
    clustering of lots and test come from the supply model. Raises ModelError under ``where``.
    """
    parts = {key: item for key, item in floorplan.items() if key not in ("source", "grade", "note")}
    unknown = sorted(set(parts) - set(PARTS))
    if unknown:
        raise ModelError(where, "unknown key", got=unknown[0], allowed=", ".join(PARTS))
    process = parts.get("process", {})
    if not isinstance(process, dict):
        raise ModelError(f"{where}.process", "is not a table", got=process)
    for key in ("d0_per_cm2", "alpha_lot", "lot_wafers", "excursions"):
        if key in process:
            problem = "belongs in the supply model's processes"
            raise ModelError(f"{where}.process.{key}", problem, got=process[key])
    die = {key: parts[key] for key in ("rest", "blocks", "groups") if key in parts}
    raw: dict[str, Any] = {
        **{key: parts[key] for key in ("bins", "parametric", "reticle") if key in parts},
        "wafer": wafer,
        "die": {**die, "width_mm": width_mm, "height_mm": height_mm},
        "process": {**process, "d0_per_cm2": 0.0},
    }
    try:
        return wafer_model(raw)
    except ModelError as error:
        place = f"{where}.{error.where.removeprefix('die.')}"
        raise ModelError(place, error.problem, got=error.got, allowed=error.allowed) from None


def bin_table(model: WaferModel) -> BinTable:
    """Tabulate the bins of a wafer model. Raises as `compile_wafer` does."""
    return _table(json.dumps(model.model_dump()))


@functools.lru_cache(maxsize=64)  # scenarios share their floorplans
def _table(text: str) -> BinTable:
    model = WaferModel.model_validate(json.loads(text))
    compiled = compile_wafer(model, 0)
    area_cm2 = compiled.floorplan.die_cm2
    high = compiled.density_range[1]
    low = max(compiled.density_range[0], high * 2.0**-_OCTAVES)
    density = np.geomspace(low, high, math.ceil(_AN_OCTAVE * math.log2(high / low)) + 1)
    shares = np.array([_shares(compiled, d0) for d0 in density])
    none = _shares(compiled, 0.0)
    curve = CubicSpline(np.log(density), shares, axis=0)

    def at(faults: Floats) -> Floats:
        d0 = np.clip(faults / area_cm2, low, high)
        values: Floats = np.clip(curve(np.log(d0)), 0.0, 1.0)
        return np.where(faults[:, None] > 0.0, values, none)

    kill = compiled.floorplan.die.killing_cm2() / area_cm2
    pieces = make_pieces(at, low * area_cm2, high * area_cm2)
    return BinTable(tuple(bin_rules(model)), pieces, kill)


def _shares(compiled: CompiledWafer, d0_per_cm2: float) -> Floats:
    process = compiled.model.process.model_copy(update={"d0_per_cm2": float(d0_per_cm2)})
    model = compiled.model.model_copy(update={"process": process})
    return expectation_of(dataclasses.replace(compiled, model=model)).by_bin
