"""Losses that no defect causes: overlay, edge placement and dies at the edge of the usable area."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from yieldsim.closed_form import overlay_yield
from yieldsim.wafer.geometry.sites import Sites
from yieldsim.wafer.model.process import ProcessTable

__all__ = ["die_survival", "edge_distance_mm"]

Floats = NDArray[np.float64]


def die_survival(process: ProcessTable, sites: Sites) -> Floats:
    """Systematic yield of each die, float64[die]."""
    one = process.systematic
    survive = one.systematic_yield
    if one.overlay_tolerance_nm is not None:
        imported = float(overlay_yield(one.imported_sigma_nm, one.overlay_tolerance_nm, 1))
        domestic = float(overlay_yield(one.domestic_sigma_nm, one.overlay_tolerance_nm, 1))
        mixed = imported + one.domestic_share * (domestic - imported)
        survive *= mixed**one.critical_layers
    if one.placement_tolerance_nm is not None:
        placed = float(overlay_yield(one.placement_sigma_nm, one.placement_tolerance_nm, 1))
        survive *= placed**one.critical_layers
    outer = edge_distance_mm(sites) < one.edge_die_mm
    return survive * np.where(outer, one.edge_die_yield, 1.0)


def edge_distance_mm(sites: Sites) -> Floats:
    """From each die to where the usable area ends, float64[die]: circle, flat or notch.

    Of the circle the outermost corner is nearest; a notch keeps dies out of a disc round it.
    """
    usable = sites.grid.usable
    half_width, half_height = 0.5 * sites.width_mm, 0.5 * sites.height_mm
    bottom = sites.y_mm - half_height
    corner = np.hypot(np.abs(sites.x_mm) + half_width, np.abs(sites.y_mm) + half_height)
    nearest = np.minimum(usable.radius - corner, bottom - usable.flat_y)
    if usable.notch_radius > 0.0:
        aside = np.maximum(np.abs(sites.x_mm) - half_width, 0.0)
        above = np.maximum(bottom - usable.notch_y, 0.0)
        nearest = np.minimum(nearest, np.hypot(aside, above) - usable.notch_radius)
    return np.asarray(np.maximum(nearest, 0.0), np.float64)
