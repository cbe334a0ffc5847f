"""The wafer model of fitted maps: a die and a wafer that give their grid, and the wafers seen."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yieldsim.errors import UsageError
from yieldsim.wafer.compile.compiled import model_sites
from yieldsim.wafer.fit.shapes.library import Library, process_tables
from yieldsim.wafer.maps.wafer_maps import NONE, WaferMaps
from yieldsim.wafer.model.load import wafer_model
from yieldsim.wafer.model.seen_signatures import runs_of, seen_cells

__all__ = ["model_tables", "toml_text"]

Ints = NDArray[np.int64]

# Wafers seen are those with at most this many times the dies of the usual grid, or as many fewer.
_ALIKE = math.sqrt(2.0)
_MOST_SEEN = 5000  # a model of more is slow to read
_RADIUS_MM = 150.0  # of a wafer whose pitch is not known
_LEAST_MM, _MOST_MM = 50.0, 450.0  # diameters that a model may have
_RIMS = np.linspace(1.0, 0.8, 161)
_WIDTH = 100


def model_tables(
    library: Library, back: Callable[[NDArray[np.uint8]], NDArray[np.uint8]], name: str, source: str
) -> dict[str, Any]:
    """Return the wafer model of the usual grid, with the maps as they lie in the file.

    ``back`` turns a grid of the library so. Where the maps name no pitch, the wafer has 300 mm.
    Raises UsageError where no wafer gives a grid like the maps'.
    """
    maps, dies = library.marked.maps, library.marked.dies
    shapes, kind, count = np.unique(
        np.column_stack([maps.rows, maps.cols]), axis=0, return_inverse=True, return_counts=True
    )
    usual = max(range(len(shapes)), key=lambda k: (count[k], shapes[k].prod(), k))
    of_usual = kind.ravel() == usual
    middle = float(np.median(dies[of_usual]))
    alike = np.flatnonzero((dies <= _ALIKE * middle) & (dies >= middle / _ALIKE))
    if len(alike) > _MOST_SEEN:
        alike = alike[np.linspace(0, len(alike) - 1, _MOST_SEEN).astype(np.int64)]
    boxes = [_box(maps, np.flatnonzero(kind.ravel() == k)) for k in range(len(shapes))]
    rows, cols = (side.stop - side.start for side in boxes[usual])
    pitch = maps.pitch_mm[of_usual][0]
    wafer, die, radius = _wafer(rows, cols, (float(pitch[0]), float(pitch[1])), middle)
    span = max(shapes[usual][1] * die[0], shapes[usual][0] * die[1])
    process = process_tables(library, alike, die[0] * die[1], radius, 0.5 * float(span) / radius)
    cuts = [boxes[k] for k in kind.ravel()[alike]]
    process["seen_signatures"] = _as_in_file(process["seen_signatures"], cuts, back) | {
        "source": source,
        "note": f"{len(alike)} of {len(maps)} fitted maps; struck_faults is an assumption: "
        "99.75 % of the dies under a signature fail",
    }
    swapped = back(np.zeros((1, 2), np.uint8)).shape != (1, 2)
    return {
        "name": name,
        "wafer": wafer,
        "die": _die(rows, cols, die, swapped),
        "process": process,
    }


def _box(maps: WaferMaps, wafers: Ints) -> tuple[slice, slice]:
    """Return the rows and columns of dies of wafers of one grid, which may have empty sides."""
    valid = np.logical_or.reduce([maps.grid(w) > NONE for w in wafers])
    places = [np.flatnonzero(valid.any(axis=axis)) for axis in (1, 0)]
    return slice(places[0][0], places[0][-1] + 1), slice(places[1][0], places[1][-1] + 1)


def _die(rows: int, cols: int, die: tuple[float, float], swapped: bool) -> dict[str, Any]:
    width, height = die
    x, y = (0.0 if side % 2 else 0.5 for side in (cols, rows))
    if swapped:
        width, height, x, y = height, width, y, x
    return {"width_mm": width, "height_mm": height, "offset": [x, y]}


def _wafer(
    rows: int, cols: int, pitch_mm: tuple[float, float], dies: float
) -> tuple[dict[str, Any], tuple[float, float], float]:
    """Return [wafer], the die's sides and the usable radius.

    The grid's ellipse of radius 1 touches its outermost dies' sides. Whole dies lie within a little
    larger circle, whose radius is chosen for as many dies as on the maps.
    """
    width, height = pitch_mm
    known = math.isfinite(width) and math.isfinite(height) and width > 0.0 < height
    if not known:
        width, height = 2.0 * _RADIUS_MM / cols, 2.0 * _RADIUS_MM / rows
    half = 0.5 * max(cols * width, rows * height)
    choices = []
    for rim in _RIMS.tolist():
        radius = half / rim
        scale = 1.0 if known else _RADIUS_MM / radius
        disc = {
            "diameter_mm": 2.0 * radius * scale,
            "edge_exclusion_mm": 0.0,
            "scribe_mm": 0.0,
        }
        if not _LEAST_MM <= disc["diameter_mm"] <= _MOST_MM:
            continue
        sides = (width * scale, height * scale)
        raw = {"wafer": disc, "die": _die(rows, cols, sides, False), "process": {"d0_per_cm2": 0}}
        sites = model_sites(wafer_model(raw))
        if sites.shape == (rows, cols):
            choices.append((abs(len(sites) - dies), -rim, disc, sides, radius * scale))
    if not choices and known:
        return _wafer(rows, cols, (math.nan, math.nan), dies)
    if not choices:
        got, allowed = f"{rows} x {cols}, {dies:g} dies", "maps of whole round wafers"
        raise UsageError("--out", "no wafer gives the grid of the maps", got=got, allowed=allowed)
    return min(choices, key=lambda choice: choice[:2])[2:]


def _as_in_file(
    seen: dict[str, Any],
    cuts: list[tuple[slice, slice]],
    back: Callable[[NDArray[np.uint8]], NDArray[np.uint8]],
) -> dict[str, Any]:
    """Return the wafers seen, cut to their dies and turned as in the maps' file."""
    table = wafer_model(
        {
            "die": {"width_mm": 10, "height_mm": 10},
            "process": {"d0_per_cm2": 0, "seen_signatures": seen},
        }
    ).process.seen_signatures
    assert table is not None
    cells = [seen_cells(table, w)[cut] for w, cut in enumerate(cuts)]
    grids = [back(np.ascontiguousarray(part).astype(np.uint8)) > 0 for part in cells]
    return seen | {
        "rows": [int(grid.shape[0]) for grid in grids],
        "cols": [int(grid.shape[1]) for grid in grids],
        "cells": [runs_of(grid) for grid in grids],
    }


def toml_text(tables: dict[str, Any]) -> str:
    """Return a wafer model of plain tables as TOML."""
    lines = [
        "# Written by `yieldsim fit --out`; `yieldsim wafer` simulates wafers from it.",
    ]
    _add(lines, (), tables)
    return "\n".join(lines) + "\n"


def _add(lines: list[str], path: tuple[str, ...], table: dict[str, Any]) -> None:
    plain = {key: value for key, value in table.items() if not isinstance(value, dict)}
    if path:
        lines += ["", f"[{'.'.join(path)}]"]
    lines += [f"{key} = {_value(value)}" for key, value in plain.items()]
    for key, value in table.items():
        if isinstance(value, dict):
            _add(lines, (*path, key), value)


def _value(value: Any) -> str:
    if not isinstance(value, list):
        return json.dumps(value, ensure_ascii=True)  # JSON's texts and numbers are TOML's too
    items = [_value(item) for item in value]
    if any(isinstance(item, str) for item in value):
        return "[\n" + "".join(f"  {item},\n" for item in items) + "]"
    lines, line = [], ""
    for item in items:
        if len(line) + len(item) > _WIDTH:
            lines.append(line)
            line = ""
        line += f"{item}, "
    return "[" + "\n  ".join([*lines, line.rstrip(", ")]) + "]"
