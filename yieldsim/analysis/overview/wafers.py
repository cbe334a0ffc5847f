"""One simulated wafer of each leading die, for the maps of the page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from yieldsim.analysis.overview.assumptions import stored_model
from yieldsim.analysis.titles import table_titles
from yieldsim.model.scenario_names import BASELINE
from yieldsim.wafer import simulate_wafers
from yieldsim.wafer.from_supply import die_of_product, wafer_model_of

MOST_MAPS = 4
SCRAP = "scrap"
_DIGITS = 2  # of a millimetre


def wafer_maps(
    ds: xr.Dataset, products: Sequence[str], scenario: str = BASELINE
) -> list[dict[str, Any]]:
    """A wafer of the die of each of the first products, at most `MOST_MAPS` of different dies.

    Each has ``die``, its ``title`` and ``process``, the ``bins`` with `SCRAP` last, how many dies
    are in each (``counts``), and what a map needs: ``diameter_mm``, ``edge_mm``, the ``width_mm``
    and ``height_mm`` of a die, and the place (``x_mm``, ``y_mm``) and ``bin`` of each. Inputs are
    at their medians with mature density and imported tools (see `wafer_model_of`); the seed is that
    of the ensemble. Empty if the ensemble carries no whole model.
    """
    model = stored_model(ds, scenario)
    if model is None:
        return []
    known = [name for name in products if name in model.products]
    dies = list(dict.fromkeys(die_of_product(model, name) for name in known))[:MOST_MAPS]
    titles = table_titles(ds, "dies", dies)
    seed = int(ds.attrs["seed"]) if str(ds.attrs.get("seed", "")).isdigit() else 0
    return [_map(model.dies[die].process[0], die, titles[die], seed, model) for die in dies]


def _map(process: str, die: str, title: str, seed: int, model: Any) -> dict[str, Any]:
    result = simulate_wafers(wafer_model_of(model, die), 1, seed, "dies", keep_maps=True)
    assert result.bin_map is not None
    sites, places = result.sites, result.bin_map[0]
    bins = [*result.bins, SCRAP]
    return {
        "die": die,
        "title": title,
        "process": process,
        "bins": bins,
        "counts": np.bincount(places, minlength=len(bins)).tolist(),
        "diameter_mm": sites.wafer.diameter_mm,
        "edge_mm": round(sites.wafer.edge_exclusion_mm, _DIGITS),
        "width_mm": round(sites.grid.fields.die_w, _DIGITS),
        "height_mm": round(sites.grid.fields.die_h, _DIGITS),
        "x_mm": np.round(sites.x_mm, _DIGITS).tolist(),
        "y_mm": np.round(sites.y_mm, _DIGITS).tolist(),
        "bin": places.tolist(),
    }
