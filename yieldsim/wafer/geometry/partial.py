"""Dies at the edge of a wafer that are no sites: whole ones off the usable area, and cut ones."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from yieldsim.wafer.geometry.outline import WaferOutline
from yieldsim.wafer.geometry.sites import Grid, turned_grid
from yieldsim.wafer.kernels.geometry import RADIUS_TOLERANCE

__all__ = ["EdgeDies", "edge_dies"]


class EdgeDies(NamedTuple):
    """Numbers of dies: ``whole`` on the wafer but not usable, and ``cut`` by its edge or flat."""

    whole: int
    cut: int


def edge_dies(wafer: WaferOutline, grid: Grid) -> EdgeDies:
    """Return the dies of the grid that lie on the wafer and are not among its gross dies.

    The cut of a notch itself is ignored: a die that it hits lies whole within the circle.
    """
    turned = turned_grid(grid)
    size = turned.fields
    shift_x, shift_y = turned.die_offset
    radius = wafer.radius_mm
    slack, flat = radius * RADIUS_TOLERANCE, -wafer.flat_distance_mm
    columns = math.ceil(radius / size.pitch_x) + 2
    rows = math.ceil(radius / size.pitch_y) + 2
    x = np.abs((np.arange(-columns, columns + 1) + shift_x) * size.pitch_x)
    far_x, near_x = x + 0.5 * size.die_w, np.maximum(x - 0.5 * size.die_w, 0.0)
    whole = touched = 0
    for row in range(-rows, rows + 1):
        y = (row + shift_y) * size.pitch_y
        low, high = y - 0.5 * size.die_h, y + 0.5 * size.die_h
        if high <= flat + slack:
            continue
        inside = np.hypot(far_x, max(abs(low), abs(high))) <= radius + slack
        whole += int(inside.sum()) if low >= flat - slack else 0
        near_y = max(low, flat, -high, 0.0)
        touched += int((np.hypot(near_x, near_y) < radius - slack).sum())
    return EdgeDies(whole - grid.gross_die, touched - whole)
