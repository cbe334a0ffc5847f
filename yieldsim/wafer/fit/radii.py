"""Where the dies of a map lie: radius, profile nodes, bins and tiles, from its rows and columns.

A map has no millimetres. Its grid is taken to span the usable disc in both directions, so
that rho, the distance from the centre as a share of the usable radius, follows from row and
column alone: the ellipse (2x/columns)^2 + (2y/rows)^2 = rho^2 in pitches of the die.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from yieldsim.wafer.maps.wafer_maps import WaferMaps

__all__ = [
    "SUBPOINTS",
    "RadialBins",
    "by_shape",
    "die_radii",
    "plain_rings",
    "radial_bins",
    "tiles",
]

Floats = NDArray[np.float64]

# A die's density is the mean of the profile over SUBPOINTS x SUBPOINTS points of it.
SUBPOINTS = 4
# The bins: tenths of the radius, the outermost cut further, where the density is steep.
_TENTHS = 10
_MOST_EDGE_BINS = 10
# Width of the fine bins, in which dies of nearly equal radius share one density.
_FINE_WIDTH = 0.025


@dataclass(frozen=True)
class RadialBins:
    """Bins by radius: edges float64[bin + 1], from 0 to 1; profile nodes float64[bin]."""

    edges: Floats
    nodes: Floats

    @property
    def size(self) -> int:
        """Number of bins."""
        return len(self.nodes)

    def of(self, rho: Floats) -> NDArray[np.int64]:
        """Return the bin of each radius; radii beyond the edge are in the last."""
        index = np.searchsorted(self.edges, rho, side="right") - 1
        return np.clip(index, 0, self.size - 1)

    def hats(self, rho: Floats) -> Floats:
        """Return the weights of the nodes in the piecewise-linear profile, float64[..., node].

        The profile is flat inside the first node and outside the last.
        """
        upper = np.clip(np.searchsorted(self.nodes, rho), 1, self.size - 1)
        low, high = self.nodes[upper - 1], self.nodes[upper]
        share = np.clip((rho - low) / (high - low), 0.0, 1.0)
        weights = np.zeros((*rho.shape, self.size))
        np.put_along_axis(weights, upper[..., None], share[..., None], axis=-1)
        np.put_along_axis(weights, upper[..., None] - 1, 1.0 - share[..., None], axis=-1)
        return weights

    def disc_weights(self) -> Floats:
        """Return each node's weight in the mean of the profile over the disc; they sum to 1."""
        # 2 rho d rho by midpoints: hats are linear, so many points make the error negligible
        rho = (np.arange(20_000) + 0.5) / 20_000
        return np.asarray((self.hats(rho) * (2.0 * rho / len(rho))[:, None]).sum(axis=0))

    def fine_edges(self) -> Floats:
        """Return edges of narrower bins that nest in these."""
        steps = np.ceil(np.diff(self.edges) / _FINE_WIDTH - 1e-9).astype(int)
        pairs = zip(self.edges[:-1], self.edges[1:], steps, strict=True)
        parts = [np.linspace(low, high, n, endpoint=False) for low, high, n in pairs]
        return np.concatenate([*parts, [1.0]])


def radial_bins(maps: WaferMaps, dies_per_cut: float = 12.0) -> RadialBins:
    """Return bins about as narrow as the dies of the typical map allow: 3 to 18 of them.

    Where the dies are many, what lies outside 0.8 or 0.9 of the radius is cut finer: into one bin
    for each ``dies_per_cut`` of the dies across the wafer.
    """
    across = float(np.median(np.minimum(maps.rows, maps.cols)))
    count = int(np.clip(0.44 * across, 3, _TENTHS))
    edges = np.arange(count + 1) / count
    if count == _TENTHS:
        cuts = int(np.clip(across // dies_per_cut, 1, _MOST_EDGE_BINS))
        edges = np.concatenate([edges[:-2], np.linspace(edges[-2], 1.0, cuts + 1)])
    return RadialBins(edges, 0.5 * (edges[:-1] + edges[1:]))


def plain_rings(bins: RadialBins) -> RadialBins:
    """Return bins to show: tenths of the radius, or the fit's own where those are wider."""
    count = min(bins.size, _TENTHS)
    edges = np.arange(count + 1) / count
    return RadialBins(edges, 0.5 * (edges[:-1] + edges[1:]))


def die_radii(rows: int, cols: int, subpoints: int = 1) -> Floats:
    """Return rho, float64[row, column, subpoint], at the centre or at a sub-grid of each die."""
    inside = (np.arange(subpoints) + 0.5) / subpoints - 0.5
    x = (np.arange(cols)[:, None] - 0.5 * (cols - 1) + inside) / (0.5 * cols)
    y = (np.arange(rows)[:, None] - 0.5 * (rows - 1) + inside) / (0.5 * rows)
    rho = np.hypot(y[:, None, :, None], x[None, :, None, :])
    return rho.reshape(rows, cols, subpoints * subpoints)


def tiles(rows: int, cols: int, block_dies: int) -> NDArray[np.int64]:
    """Return the number of the tile of block_dies x block_dies dies that each cell lies in."""
    across = -(-cols // block_dies)
    return (np.arange(rows)[:, None] // block_dies) * across + np.arange(cols) // block_dies


def by_shape(maps: WaferMaps) -> list[tuple[int, int, NDArray[np.int64]]]:
    """Return (rows, cols, wafers) for each grid that occurs, in a fixed order."""
    shapes = np.stack([maps.rows, maps.cols], axis=1)
    unique, inverse = np.unique(shapes, axis=0, return_inverse=True)
    inverse = inverse.ravel()
    order = np.argsort(inverse, kind="stable")
    cuts = np.searchsorted(inverse[order], np.arange(1, len(unique)))
    return [
        (int(rows), int(cols), wafers)
        for (rows, cols), wafers in zip(unique, np.split(order, cuts), strict=True)
    ]
