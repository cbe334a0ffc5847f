"""`yieldsim dies`: exact gross die per wafer."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import click

from yieldsim.cli.options import as_json
from yieldsim.errors import UsageError

if TYPE_CHECKING:
    from yieldsim.wafer.geometry.sites import Grid, Reticle, Sites, WaferOutline

__all__ = ["dies"]

# The library's arguments -> the options, for its messages.
_OPTIONS = {
    "diameter_mm": "--diameter",
    "edge_exclusion_mm": "--edge",
    "scribe_mm": "--scribe",
    "die_width_mm": "--width",
    "die_height_mm": "--height",
    "die_width_mm, die_height_mm": "--width, --height",
    "notch": "--flat",
    "notch_keep_out_mm": "--notch-keep-out",
    "flat_length_mm": "--flat-length",
    "field_width_mm": "--field",
    "field_height_mm": "--field",
    "columns": "--dies-per-field",
    "rows": "--dies-per-field",
    "columns, rows": "--dies-per-field",
    "dies on the wafer": "--map",
}
_WIDEST_MAP = 400
_FIELD_MM = (26.0, 33.0)


@click.command()
@click.option("--width", type=float, required=True, help="Die width, mm, scribe line not included.")
@click.option("--height", type=float, required=True, help="Die height, mm.")
@click.option("--diameter", type=float, default=300.0, show_default=True, help="Wafer, mm.")
@click.option("--edge", type=float, default=3.0, show_default=True, help="Edge exclusion, mm.")
@click.option("--scribe", type=float, default=0.1, show_default=True, help="Scribe line, mm.")
@click.option("--notch", is_flag=True, help="Keep dies clear of a notch at the bottom (SEMI M1).")
@click.option(
    "--notch-keep-out",
    type=float,
    metavar="MM",
    help="Radius kept free around the notch. [default: notch depth 1.25 + edge exclusion]",
)
@click.option(
    "--flat", is_flag=True, help="Cut a flat at the bottom, of the SEMI M1 length for the diameter."
)
@click.option(
    "--flat-length",
    type=float,
    metavar="MM",
    help="Length of the flat, instead of that of SEMI M1.",
)
@click.option(
    "--field",
    metavar="W,H",
    help="Print the dies by a reticle with a field of W x H mm. "
    "[default: 26,33 if another option needs a reticle, otherwise none]",
)
@click.option(
    "--dies-per-field",
    metavar="C,R",
    help="Columns and rows of dies in the field. [default: as many as fit]",
)
@click.option("--no-partial-fields", is_flag=True, help="Count only dies of whole fields.")
@click.option(
    "--offset",
    metavar="X,Y",
    help="Grid offset in pitches: 0,0 centres a die on the wafer, 0.5,0.5 a scribe crossing. With "
    "a reticle it is the offset of the fields, in pitches of fields. "
    "[default: the best of all shifts by half a die's pitch]",
)
@click.option("--optimize", is_flag=True, help="Search all offsets for the most dies.")
@click.option(
    "--map",
    "with_map",
    is_flag=True,
    help="Draw the sites; neighbouring fields have different marks.",
)
@as_json
def dies(**options: Any) -> None:
    """Count the whole dies on a round wafer, by exact geometry."""
    try:
        figures, picture = _answer(**options)
    except UsageError as error:
        where = _OPTIONS.get(error.where, error.where)
        raise UsageError(where, error.problem, got=error.got, allowed=error.allowed) from None
    if options["as_json"]:
        click.echo(json.dumps(figures | ({"map": picture} if picture else {})))
        return
    for name, value in figures.items():
        click.echo(f"{name:18} {value if isinstance(value, str) else format(value, '.12g')}")
    if picture:
        click.echo("\n".join(["", *picture]))


def _answer(
    width: float,
    height: float,
    diameter: float,
    edge: float,
    scribe: float,
    notch: bool,
    notch_keep_out: float | None,
    flat: bool,
    flat_length: float | None,
    field: str | None,
    dies_per_field: str | None,
    no_partial_fields: bool,
    offset: str | None,
    optimize: bool,
    with_map: bool,
    as_json: bool,
) -> tuple[dict[str, Any], list[str]]:
    """Return the figures to print and the lines of the map, empty without --map."""
    from yieldsim.wafer.geometry.sites import WaferOutline, make_sites, place_grid

    if offset is not None and optimize:
        raise UsageError("--offset", "clashes with --optimize", got=offset, allowed="one of them")
    if notch and flat:
        raise UsageError("--notch", "clashes with --flat", allowed="one of them")
    wafer = WaferOutline(
        diameter_mm=diameter,
        edge_exclusion_mm=edge,
        scribe_mm=scribe,
        notch="notch" if notch else "flat" if flat else "none",
        notch_keep_out_mm=notch_keep_out,
        flat_length_mm=flat_length,
    )
    needs_reticle = field is not None or dies_per_field is not None or no_partial_fields
    reticle = _reticle(field, dies_per_field) if needs_reticle else None
    place = None if offset is None else _parse_offset(offset)
    grid = place_grid(wafer, width, height, reticle, place, not no_partial_fields, optimize)
    figures = _figures(wafer, reticle, grid)
    return figures, _picture(make_sites(wafer, grid)) if with_map else []


def _figures(wafer: WaferOutline, reticle: Reticle | None, grid: Grid) -> dict[str, Any]:
    size = grid.fields
    area = size.die_w * size.die_h
    figures: dict[str, Any] = {
        "gross_die": grid.gross_die,
        "offset_x_pitch": grid.offset_x,
        "offset_y_pitch": grid.offset_y,
        "pitch_x_mm": size.pitch_x,
        "pitch_y_mm": size.pitch_y,
        "die_width_mm": size.die_w,
        "die_height_mm": size.die_h,
        "die_area_mm2": area,
        "scribe_mm": wafer.scribe_mm,
        "wafer_diameter_mm": wafer.diameter_mm,
        "edge_exclusion_mm": wafer.edge_exclusion_mm,
        "usable_radius_mm": wafer.usable_radius_mm,
        "area_use": grid.gross_die * area / (math.pi * wafer.radius_mm**2),
        "search": grid.search,
        "notch": wafer.notch,
    }
    if wafer.notch == "notch":
        figures["notch_keep_out_mm"] = wafer.keep_out_mm
    if wafer.notch == "flat":
        figures["flat_distance_mm"] = wafer.flat_distance_mm
    figures |= {
        "dies_per_field": grid.dies_per_field,
        "field_columns": size.columns,
        "field_rows": size.rows,
        "fields_whole": grid.fields_whole,
        "fields_partial": grid.fields_partial,
    }
    if reticle is not None:
        figures["field_width_mm"] = reticle.field_width_mm
        figures["field_height_mm"] = reticle.field_height_mm
    return figures


def _reticle(field: str | None, dies_per_field: str | None) -> Reticle:
    from yieldsim.wafer.geometry.sites import Reticle

    width, height = _FIELD_MM
    if field is not None:
        width, height = _pair("--field", field, float, "W,H in mm, as 26,33")
    columns, rows = None, None
    if dies_per_field is not None:
        columns, rows = _pair("--dies-per-field", dies_per_field, int, "C,R, as 2,3")
    return Reticle(width, height, columns, rows)


def _pair(option: str, text: str, kind: type, allowed: str) -> tuple[Any, Any]:
    """Return the two numbers of the option's text."""
    try:
        first, second = (kind(part) for part in text.split(","))
    except ValueError:
        raise UsageError(option, "not two numbers", got=text, allowed=allowed) from None
    return first, second


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


def _picture(sites: Sites) -> list[str]:
    """Return the map's lines, top row first: `#` and `=` for dies of neighbouring fields.

    Characters are about twice as high as wide, so a die is several characters wide to keep the
    wafer round, or one where the dies are too many.
    """
    rows, columns = sites.shape
    if columns > _WIDEST_MAP:
        raise UsageError(
            "--map", "too many dies across", got=columns, allowed=f"<= {_WIDEST_MAP} columns"
        )
    marks = [["."] * columns for _ in range(rows)]
    dark = (sites.field_column + sites.field_row) % 2
    for column, row, odd in zip(sites.column, sites.row, dark, strict=True):
        marks[row][column] = "=" if odd else "#"
    wide = round(2.0 * sites.pitch_x_mm / sites.pitch_y_mm)
    wide = max(1, min(wide, _WIDEST_MAP // max(columns, 1)))
    return ["".join(mark * wide for mark in line) for line in reversed(marks)]
