"""The shapes of one set of maps: the wafers seen, and how wafers like them compare with others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yieldsim.wafer.fit.radii import RadialBins, plain_rings
from yieldsim.wafer.fit.shapes.held_apart import LEAST_MAPS, ShapeRow, compare_shapes, held_apart
from yieldsim.wafer.fit.shapes.library import Library, find_cells, make_library
from yieldsim.wafer.fit.shapes.model_file import model_tables
from yieldsim.wafer.fit.statistics import MapStatistics, measure
from yieldsim.wafer.maps.wafer_maps import WaferMaps

__all__ = ["Shapes", "fit_shapes"]


@dataclass(frozen=True)
class Shapes:
    """The wafers seen of one set of maps.

    ``marked`` is the share of maps with a signature; ``table`` and the simulated maps ``apart``
    compare each half of the maps with the other, empty and None for few maps; ``figures`` are those
    of ``apart`` in plain rings. ``back`` turns a grid as it was in the file.
    """

    library: Library
    marked: float
    table: list[ShapeRow]
    apart: WaferMaps | None
    figures: MapStatistics | None
    back: Callable[[NDArray[np.uint8]], NDArray[np.uint8]]

    def model(self, name: str, source: str) -> dict[str, Any]:
        """Return the wafer model as plain tables. Raises as `model_tables` does."""
        return model_tables(self.library, self.back, name, source)


def fit_shapes(
    maps: WaferMaps,
    bins: RadialBins,
    moments: WaferMaps,
    seed: int,
    repeats: int,
    back: Callable[[NDArray[np.uint8]], NDArray[np.uint8]],
) -> Shapes:
    """Find the signatures of canonical maps; ``moments`` are wafers simulated without them."""
    marked = find_cells(maps)
    library = make_library(marked, bins, seed)
    share = float(np.mean([bool(cells) for cells in marked.cells]))
    if len(maps) < LEAST_MAPS:
        return Shapes(library, share, [], None, None, back)
    half, apart = held_apart(marked, bins, seed, repeats)
    table, figures = compare_shapes(maps, half, moments, apart), measure(apart, plain_rings(bins))
    return Shapes(library, share, table, apart, figures, back)
