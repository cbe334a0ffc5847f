"""Maps by the law that the fit assumes, in plain NumPy: the oracle of its tests."""

import itertools

import numpy as np

from yieldsim.wafer.fit.radii import die_radii, tiles
from yieldsim.wafer.maps.wafer_maps import FAIL, NONE, PASS, maps_from_grids


def draw_maps(
    rng,
    wafers,
    *,
    shape=(20, 20),
    density=lambda rho: np.full(rho.shape, 0.2),
    alpha_wafer=np.inf,
    alpha_region=np.inf,
    block=1,
    extra=lambda rng, rho: 0.0,
    label="",
):
    """Return maps; ``density`` gives faults per die at rho, ``extra`` those of one wafer's mark."""
    rows, cols = shape
    points = die_radii(rows, cols, 4)
    rho = die_radii(rows, cols)[:, :, 0]
    x = density(points).mean(axis=2)
    number = tiles(rows, cols, block)
    grids = []
    for _ in range(wafers):
        wafer = gamma(rng, alpha_wafer, 1)
        region = gamma(rng, alpha_region, number.max() + 1)[number]
        faults = rng.poisson(x * wafer * region + extra(rng, rho))
        grids.append(np.where(rho > 1.0, NONE, np.where(faults > 0, FAIL, PASS)))
    return maps_from_grids(grids, [label] * wafers)


def ring_means(shape, density, edges):
    """Return the mean ``density`` of the dies whose centres lie between each two of the radii."""
    centre = die_radii(*shape)[:, :, 0]
    each = density(die_radii(*shape, 4)).mean(axis=2)
    return np.array(
        [each[(centre >= a) & (centre < b)].mean() for a, b in itertools.pairwise(edges)]
    )


def gamma(rng, alpha, size):
    return np.ones(size) if np.isinf(alpha) else rng.gamma(alpha, 1.0 / alpha, size)
