"""`yieldsim dies`: exact gross die per wafer."""

from __future__ import annotations

import json
import math

import click

from yieldsim.errors import UsageError

__all__ = ["dies"]

_LEAST_DIE_MM = 0.05
_DIAMETERS_MM = (100.0, 450.0)


@click.command()
@click.option("--width", type=float, required=True, help="Die width, mm, scribe line not included.")
@click.option("--height", type=float, required=True, help="Die height, mm.")
@click.option("--diameter", type=float, default=300.0, show_default=True, help="Wafer, mm.")
@click.option("--edge", type=float, default=3.0, show_default=True, help="Edge exclusion, mm.")
@click.option("--scribe", type=float, default=0.1, show_default=True, help="Scribe line, mm.")
@click.option(
    "--offset",
    metavar="X,Y",
    help="Grid offset in pitches: 0,0 centres a die on the wafer, 0.5,0.5 a scribe crossing. "
    "Without it the best of the four half-pitch offsets is taken.",
)
@click.option("--optimize", is_flag=True, help="Search all offsets for the most dies.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def dies(
    width: float,
    height: float,
    diameter: float,
    edge: float,
    scribe: float,
    offset: str | None,
    optimize: bool,
    as_json: bool,
) -> None:
    """Count the whole dies on a round wafer, by exact geometry."""
    if offset is not None and optimize:
        raise UsageError("--offset", "clashes with --optimize", got=offset, allowed="one of them")
    radius = _usable_radius(width, height, diameter, edge, scribe)
    count, u, v = _place(width, height, scribe, radius, offset, optimize)
    figures = {
        "gross_die": count,
        "offset_x_pitch": u,
        "offset_y_pitch": v,
        "pitch_x_mm": width + scribe,
        "pitch_y_mm": height + scribe,
        "die_width_mm": width,
        "die_height_mm": height,
        "die_area_mm2": width * height,
        "scribe_mm": scribe,
        "wafer_diameter_mm": diameter,
        "edge_exclusion_mm": edge,
        "usable_radius_mm": radius,
        "area_use": count * width * height / (math.pi * (0.5 * diameter) ** 2),
    }
    if as_json:
        click.echo(json.dumps(figures))
        return
    for name, value in figures.items():
        click.echo(f"{name:18} {value:.12g}")


def _usable_radius(
    width: float, height: float, diameter: float, edge: float, scribe: float
) -> float:
    """Check the sizes and return the usable radius in mm."""
    from yieldsim.closed_form import require

    least, most = _DIAMETERS_MM
    require("--diameter", diameter, least=least, most=most)
    require("--edge", edge, least=0.0, below=0.5 * diameter)
    require("--width", width, least=_LEAST_DIE_MM)
    require("--height", height, least=_LEAST_DIE_MM)
    require("--scribe", scribe, least=0.0, most=diameter)
    radius = 0.5 * diameter - edge
    if math.hypot(width, height) > 2.0 * radius:
        raise UsageError(
            "--width, --height",
            "die larger than the usable wafer",
            got=f"{width:g} x {height:g} mm",
            allowed=f"a diagonal <= {2.0 * radius:g} mm",
        )
    return radius


def _place(
    width: float, height: float, scribe: float, radius: float, offset: str | None, optimize: bool
) -> tuple[int, float, float]:
    """Return (count, offset_x, offset_y) of the grid asked for."""
    from yieldsim.kernels.geometry import best_offset, count_dies

    size = (width + scribe, height + scribe, width, height, radius)
    if optimize:
        count, u, v = best_offset(*size)
        return int(count), float(u), float(v)
    halves = [(0.0, 0.0), (0.0, 0.5), (0.5, 0.0), (0.5, 0.5)]
    places = halves if offset is None else [_parse_offset(offset)]
    counts = [int(count_dies(*size, u, v)) for u, v in places]
    best = counts.index(max(counts))
    return counts[best], *places[best]


def _parse_offset(text: str) -> tuple[float, float]:
    try:
        u, v = (float(part) for part in text.split(","))
    except ValueError:
        u = v = math.nan
    if not (abs(u) <= 1.0 and abs(v) <= 1.0):
        raise UsageError(
            "--offset", "not an offset", got=text, allowed="X,Y in pitches, each from -1 to 1"
        )
    return u, v
