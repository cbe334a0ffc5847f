"""The test of a fit: wafers simulated from it, compared with the maps.

The fit uses closed-form moments, this test `simulate_wafers`: two independent computations of one
law. Each simulated wafer has the grid and the missing dies of a real one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from yieldsim.units import MM2_PER_CM2
from yieldsim.wafer.fit.clusters import ClusterFit
from yieldsim.wafer.fit.radii import RadialBins, by_shape, die_radii
from yieldsim.wafer.fit.statistics import MapStatistics, pooled, stack, target_moments
from yieldsim.wafer.geometry.outline import WaferOutline
from yieldsim.wafer.geometry.sites import Grid, Sites
from yieldsim.wafer.kernels.geometry import Blocks
from yieldsim.wafer.maps.wafer_maps import FAIL, NONE, PASS, WaferMaps
from yieldsim.wafer.model.load import wafer_model
from yieldsim.wafer.model.wafer_model import WaferModel
from yieldsim.wafer.simulate import simulate_wafers

__all__ = ["Comparison", "add_faults", "compare", "fitted_model", "map_sites", "simulate_like"]

Floats = NDArray[np.float64]

# A map has no millimetres, so it is laid on the usable disc of this wafer.
_WAFER = WaferOutline(diameter_mm=300.0, edge_exclusion_mm=3.0, scribe_mm=0.0)
# Of a table's 13 rows none exceeds this by chance 199 times in 200, and a smaller difference
# (share of the observed figure) is found where maps are many, but does not matter.
_CHANCE, _SMALL = 3.6, 0.03


@dataclass(frozen=True)
class Comparison:
    """One figure of the maps and the simulated wafers; z is the difference in standard errors."""

    name: str
    observed: float
    simulated: float
    z: float

    @property
    def misses(self) -> bool:
        """Whether the two differ beyond chance, and by enough to matter."""
        differs = abs(self.simulated - self.observed) > _SMALL * self.observed
        return abs(self.z) > _CHANCE and differs


def map_sites(rows: int, cols: int) -> Sites:
    """Return the sites of a whole grid laid on the usable disc, cell by cell, row-major."""
    radius = _WAFER.usable_radius_mm
    width, height = 2.0 * radius / cols, 2.0 * radius / rows
    row, column = (index.ravel() for index in np.indices((rows, cols)))
    zero = np.zeros(rows * cols, np.int64)
    blocks = Blocks(width, height, width, height, 1, 1)
    usable = _WAFER.usable()
    return Sites(
        x_mm=np.asarray((column - 0.5 * (cols - 1)) * width, np.float64),
        y_mm=np.asarray((row - 0.5 * (rows - 1)) * height, np.float64),
        column=column.astype(np.int64),
        row=row.astype(np.int64),
        die_in_field=zero,
        column_in_field=zero,
        row_in_field=zero,
        field_column=column.astype(np.int64),
        field_row=row.astype(np.int64),
        shape=(rows, cols),
        wafer=_WAFER,
        grid=Grid(blocks, usable, 0.0, 0.0, True, "given", rows * cols, rows * cols, 0),
    )


def fitted_model(fit: ClusterFit, rows: int, cols: int) -> WaferModel:
    """Return the wafer model that a fit describes, for dies of this grid on a 300 mm wafer."""
    side = 2.0 * _WAFER.usable_radius_mm
    width, height = side / cols, side / rows
    block = int(fit.block_dies.value)
    d0_per_die = float(RadialBins(fit.edges, fit.rho).disc_weights() @ fit.densities)
    ratio = fit.densities / d0_per_die
    return wafer_model(
        {
            "wafer": {
                "diameter_mm": _WAFER.diameter_mm,
                "edge_exclusion_mm": _WAFER.edge_exclusion_mm,
                "scribe_mm": _WAFER.scribe_mm,
            },
            "die": {"width_mm": width, "height_mm": height},
            "process": {
                "d0_per_cm2": d0_per_die * MM2_PER_CM2 / (width * height),
                "alpha_wafer": fit.alpha_wafer.value,
                "alpha_region": fit.alpha_region.value,
                "region_dies_x": block,
                "region_dies_y": block,
                "profile": {"rho": fit.rho.tolist(), "ratio": ratio.tolist()},
            },
        }
    )


def simulate_like(
    maps: WaferMaps, fit: ClusterFit, seed: int, repeats: int, first_wafer: int = 0
) -> WaferMaps:
    """Return simulated maps, ``repeats`` for each of ``maps``, with its grid and missing dies.

    Wafers are numbered from ``first_wafer`` on, and other numbers are other wafers.
    """
    order, parts = [], []
    for rows, cols, some in by_shape(maps):
        number = len(some) * repeats
        result = simulate_wafers(
            fitted_model(fit, rows, cols),
            number,
            seed,
            "dies",
            first_wafer,
            keep_maps=True,
            sites=map_sites(rows, cols),
        )
        first_wafer += number
        assert result.bin_map is not None
        valid = np.tile(stack(maps, rows, cols, some) > NONE, (repeats, 1, 1))
        codes = np.where(result.bin_map.reshape(valid.shape) == 0, PASS, FAIL)
        parts.append(np.where(valid, codes, NONE).astype(np.uint8).ravel())
        order.append(np.tile(some, repeats))
    wafers = np.concatenate(order)
    sizes = maps.rows[wafers] * maps.cols[wafers]
    return WaferMaps(
        die=np.concatenate(parts),
        offset=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        rows=maps.rows[wafers],
        cols=maps.cols[wafers],
        label=maps.label[wafers],
        name=maps.name[wafers],
        lot=maps.lot[wafers],
        pitch_mm=maps.pitch_mm[wafers],
    )


def add_faults(maps: WaferMaps, bins: RadialBins, faults: Floats, seed: list[int]) -> WaferMaps:
    """Return the maps with faults added: Poisson, of mean ``faults`` float64[node] by radius."""
    rng = np.random.default_rng(seed)
    die = maps.die.copy()
    for rows, cols, some in by_shape(maps):
        mean = bins.hats(die_radii(rows, cols)[:, :, 0]) @ faults
        codes = stack(maps, rows, cols, some)
        hit = (rng.random(codes.shape) < -np.expm1(-mean)) & (codes == PASS)
        cells = maps.offset[some][:, None] + np.arange(rows * cols)
        die[cells] = np.where(hit, FAIL, codes).reshape(len(some), -1)
    return replace(maps, die=die)


def compare(
    observed: MapStatistics, simulated: MapStatistics, bins: RadialBins
) -> list[Comparison]:
    """Compare mean yield, SD between wafers, neighbour-fail ratio and fails by radius."""
    names = ["mean yield", "sd between wafers", "neighbour-fail ratio"]
    edges = zip(bins.edges[:-1], bins.edges[1:], strict=True)
    names += [f"fails at radius {low:.2f}-{high:.2f}" for low, high in edges]
    (real, real_error), (made, made_error) = _figures(observed), _figures(simulated)
    error = np.hypot(real_error, made_error)
    z = np.divide(real - made, error, out=np.zeros_like(error), where=error > 0.0)
    rows: Sequence[tuple[str, float, float, float]] = list(zip(names, real, made, z, strict=True))
    return [Comparison(name, float(a), float(b), float(c)) for name, a, b, c in rows]


def _figures(figures: MapStatistics) -> tuple[Floats, Floats]:
    """Return the compared figures and their standard errors over wafers."""
    target = target_moments(figures)
    size = figures.ring_fails.shape[1]
    radial = pooled(figures.ring_fails, figures.ring_dies)
    mean = pooled(figures.fails[:, None], figures.dies[:, None])
    p, shift = float(mean.means[0]), mean.influence[:, 0]
    sd, both = math.sqrt(max(float(target.means[size]), 0.0)), float(target.means[size + 1])
    p = max(p, 1e-300)
    values = np.concatenate([[1.0 - p, sd, both / p**2], radial.means])
    by_wafer = np.column_stack(
        [
            -shift,
            target.influence[:, size] / max(2.0 * sd, 1e-12),  # 0 where all wafers are alike
            target.influence[:, size + 1] / p**2 - 2.0 * both / p**3 * shift,
            radial.influence,
        ]
    )
    errors = np.sqrt((by_wafer**2).mean(axis=0) / max(len(by_wafer) - 1, 1))
    # few wafers hardly tell their errors, which are at least those of independent dies
    errors[0] = max(errors[0], math.sqrt(p * (1.0 - p) / float(figures.dies.sum())))
    errors[3:] = np.maximum(errors[3:], target.error[:size])
    # no pair of fails, or one, is a Poisson number whose error is about one pair
    errors[1] = max(errors[1], target.error[size] / max(2.0 * sd, 1e-12))
    errors[2] = max(errors[2], target.error[size + 1] / p**2)
    return values, errors
