"""`yieldsim dies`: exact gross die per wafer."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from yieldsim.cli.options import as_json
from yieldsim.cli.wafers.lengths import LENGTH, length_mm
from yieldsim.errors import UsageError

if TYPE_CHECKING:
    from yieldsim.wafer.geometry.panel import Panel
    from yieldsim.wafer.geometry.sites import Grid, Reticle, WaferOutline
    from yieldsim.wafer.geometry.turned import Side

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
    "panel": "--panel",
}
_FIELD_MM = (26.0, 33.0)
_SIDES = click.Choice(("bottom", "left", "right", "top"))
_HALF = "half"


@click.command()
@click.option(
    "--width",
    type=LENGTH,
    required=True,
    help="Die width, mm, scribe line not included. Every length takes a unit: 0.5in, 80mil, 900um.",
)
@click.option("--height", type=LENGTH, required=True, help="Die height, mm.")
@click.option("--diameter", type=LENGTH, help="Wafer diameter, mm.  [default: 300]")
@click.option("--edge", type=LENGTH, default=3.0, show_default=True, help="Edge exclusion, mm.")
@click.option("--scribe", type=LENGTH, default=0.1, show_default=True, help="Scribe line, mm.")
@click.option(
    "--notch",
    is_flag=False,
    flag_value="bottom",
    type=_SIDES,
    help="Keep dies clear of a notch (SEMI M1) on that side, by default the bottom.",
)
@click.option(
    "--notch-keep-out",
    type=LENGTH,
    metavar="MM",
    help="Radius kept free around the notch. [default: notch depth 1.25 + edge exclusion]",
)
@click.option(
    "--flat",
    is_flag=False,
    flag_value="bottom",
    type=_SIDES,
    help="Cut a flat (SEMI M1 length for the diameter) on that side, by default the bottom.",
)
@click.option(
    "--flat-length",
    type=LENGTH,
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
    "a reticle it is the offset of the fields, in pitches of fields. `half` takes the best of all "
    "shifts by half a die's pitch, as models do.  [default: the best of all offsets]",
)
@click.option(
    "--partial", is_flag=True, help="Count the dies lost to the wafer's edge and edge exclusion."
)
@click.option("--panel", metavar="W,H", help="A panel of W x H mm instead of a wafer.")
@click.option(
    "--map",
    "with_map",
    is_flag=True,
    help="Draw the sites; neighbouring fields have different marks.",
)
@as_json
def dies(**options: Any) -> None:
    """Count the whole dies on a round wafer or a panel, by exact geometry."""
    try:
        figures, picture = _answer(**options)
    except UsageError as error:
        where = _OPTIONS.get(error.where, error.where)
        if where == "--flat" and options["flat"] is None:
            where = "--notch"
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
    panel: str | None,
    diameter: float | None,
    edge: float,
    scribe: float,
    with_map: bool,
    as_json: bool,
    **options: Any,
) -> tuple[dict[str, Any], list[str]]:
    """Return the figures to print and the lines of the map, empty without --map."""
    if panel is not None:
        for name, value in {"diameter": diameter, "map": with_map, **options}.items():
            if value not in (None, False):
                option = f"--{name.replace('_', '-')}"
                raise UsageError(option, "clashes with --panel", allowed="leave it out")
        return _panel_figures(panel, edge, scribe, width, height), []
    wafer = {"diameter_mm": 300.0 if diameter is None else diameter}
    wafer |= {"edge_exclusion_mm": edge, "scribe_mm": scribe}
    return _wafer_answer(width, height, wafer, with_map, **options)


def _wafer_answer(
    width: float,
    height: float,
    lengths: dict[str, float],
    with_map: bool,
    notch: Side | None,
    notch_keep_out: float | None,
    flat: Side | None,
    flat_length: float | None,
    field: str | None,
    dies_per_field: str | None,
    no_partial_fields: bool,
    offset: str | None,
    partial: bool,
) -> tuple[dict[str, Any], list[str]]:
    """Return the figures of a round wafer, and its map."""
    from yieldsim.wafer.geometry.sites import WaferOutline, make_sites, place_grid

    if notch and flat:
        raise UsageError("--notch", "clashes with --flat", allowed="one of them")
    wafer = WaferOutline(
        **lengths,
        notch="notch" if notch else "flat" if flat else "none",
        notch_keep_out_mm=notch_keep_out,
        flat_length_mm=flat_length,
        side=notch or flat or "bottom",
    )
    needs_reticle = field is not None or dies_per_field is not None or no_partial_fields
    reticle = _reticle(field, dies_per_field) if needs_reticle else None
    place = None if offset in (None, _HALF) else _parse_offset(str(offset))
    best = offset is None
    grid = place_grid(wafer, width, height, reticle, place, not no_partial_fields, best)
    figures = _figures(wafer, reticle, grid)
    if partial:
        from yieldsim.wafer.geometry.partial import edge_dies

        edge = edge_dies(wafer, grid)
        figures |= {"edge_die": edge.whole, "partial_die": edge.cut}
    if not with_map:
        return figures, []
    from yieldsim.cli.wafers.die_map import picture

    return figures, picture(make_sites(wafer, grid))


def _panel_figures(
    panel: str, edge: float, scribe: float, width: float, height: float
) -> dict[str, Any]:
    from yieldsim.wafer.geometry.panel import Panel

    size = _pair("--panel", panel, length_mm, "W,H in mm, as 510,515")
    made: Panel = Panel(*size, edge, scribe, width, height)
    gross, area = made.columns * made.rows, width * height
    return {
        "gross_die": gross,
        "columns": made.columns,
        "rows": made.rows,
        "pitch_x_mm": width + scribe,
        "pitch_y_mm": height + scribe,
        "die_width_mm": width,
        "die_height_mm": height,
        "die_area_mm2": area,
        "scribe_mm": scribe,
        "panel_width_mm": made.width_mm,
        "panel_height_mm": made.height_mm,
        "edge_exclusion_mm": edge,
        "area_use": gross * area / (made.width_mm * made.height_mm),
    }


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
    if wafer.notch != "none":
        figures["notch_side"] = wafer.side
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
        width, height = _pair("--field", field, length_mm, "W,H in mm, as 26,33")
    columns, rows = None, None
    if dies_per_field is not None:
        columns, rows = _pair("--dies-per-field", dies_per_field, int, "C,R, as 2,3")
    return Reticle(width, height, columns, rows)


def _pair(option: str, text: str, kind: Callable[[str], Any], allowed: str) -> tuple[Any, Any]:
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
            "--offset",
            "not an offset",
            got=text,
            allowed="X,Y in pitches, each from -1 to 1, or half",
        )
    return u, v
