"""Losses without defects: overlay, edge placement and dies at the edge of the usable area."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from yieldsim.closed_form import overlay_yield
from yieldsim.wafer.geometry.sites import Sites
from yieldsim.wafer.geometry.turned import turned_blocks, turned_places
from yieldsim.wafer.model.process import ProcessTable

__all__ = ["die_survival", "edge_distance_mm"]

Floats = NDArray[np.float64]


def die_survival(process: ProcessTable, sites: Sites) -> Floats:
    """Return the systematic yield of each die, float64[die]."""
    table = process.systematic
    survive = table.systematic_yield
    if table.overlay_tolerance_nm is not None:
        imported = float(overlay_yield(table.imported_sigma_nm, table.overlay_tolerance_nm, 1))
        domestic = float(overlay_yield(table.domestic_sigma_nm, table.overlay_tolerance_nm, 1))
        mixed = imported + table.domestic_share * (domestic - imported)
        survive *= mixed**table.critical_layers
    if table.placement_tolerance_nm is not None:
        sigma, tolerance = table.placement_sigma_nm, table.placement_tolerance_nm
        placed = float(overlay_yield(sigma, tolerance, 1, axes=1))
        survive *= placed**table.critical_layers
    outer = edge_distance_mm(sites) < table.edge_die_mm
    return survive * np.where(outer, table.edge_die_yield, 1.0)


def edge_distance_mm(sites: Sites) -> Floats:
    """Return the distance from each die to the end of the usable area, float64[die].

    The outermost corner is nearest to the circle; a notch keeps dies out of a disc around it.
    """
    usable, quarters = sites.grid.usable, sites.grid.quarters
    x_mm, y_mm = turned_places(sites.x_mm, sites.y_mm, quarters)
    size = turned_blocks(sites.grid.fields, quarters)
    half_width, half_height = 0.5 * size.die_w, 0.5 * size.die_h
    bottom = y_mm - half_height
    corner = np.hypot(np.abs(x_mm) + half_width, np.abs(y_mm) + half_height)
    nearest = np.minimum(usable.radius - corner, bottom - usable.flat_y)
    if usable.notch_radius > 0.0:
        aside = np.maximum(np.abs(x_mm) - half_width, 0.0)
        above = np.maximum(bottom - usable.notch_y, 0.0)
        nearest = np.minimum(nearest, np.hypot(aside, above) - usable.notch_radius)
    return np.asarray(np.maximum(nearest, 0.0), np.float64)
