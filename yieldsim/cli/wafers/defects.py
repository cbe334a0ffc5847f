"""``yieldsim defects``: densities, clusters, classes and repeaters of inspections in KLARF."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from yieldsim.cli.options import as_json
from yieldsim.cli.output_files import force
from yieldsim.cli.wafers.lengths import LENGTH
from yieldsim.cli.wafers.map_options import read_options, reading
from yieldsim.cli.wafers.pictures import check_pictures, pictures, save_pictures
from yieldsim.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from yieldsim.wafer.inspection.groups import Repeaters
    from yieldsim.wafer.inspection.inspection import Inspection

_MOST_LISTED = 20
_LARGEST_FIELD = 1000  # dies along a side


@click.command()
@click.argument("files", metavar="KLARF...", type=click.Path(), nargs=-1, required=True)
@click.option(
    "--cluster",
    type=LENGTH,
    default=1.0,
    show_default=True,
    metavar="MM",
    help="Largest distance between defects of one group.",
)
@click.option(
    "--cluster-least",
    type=click.IntRange(2),
    default=5,
    show_default=True,
    help="Fewest defects of a group that is a cluster.",
)
@click.option(
    "--repeater",
    type=LENGTH,
    default=0.02,
    show_default=True,
    metavar="MM",
    help="Largest distance at which defects of two dies are at the same place.",
)
@click.option(
    "--repeater-least",
    type=click.IntRange(2),
    help="Fewest dies with a defect at the same place that make a repeater.  [default: more than "
    "chance would give]",
)
@click.option(
    "--field",
    metavar="C,R",
    help="Look for repeaters in a reticle field of C x R dies; one field begins at die (0, 0).  "
    "[default: 1,1]",
)
@click.option(
    "--maps",
    "map_files",
    metavar="MAPS",
    multiple=True,
    help="Wafer test maps of the same wafers, for kill ratios. Can be repeated.",
)
@pictures("Draw the defects on the dies")
@reading
@force
@as_json
def defects(
    files: tuple[str, ...],
    cluster: float,
    cluster_least: int,
    repeater: float,
    repeater_least: int | None,
    field: str | None,
    map_files: tuple[str, ...],
    png: str | None,
    html: str | None,
    force: bool,
    as_json: bool,
    **reading: Any,
) -> None:
    """Show the defects of inspections: density, clusters, classes, repeaters.

    Files are KLARF 1.1, 1.2 or 1.8. In the density of events a cluster counts as one event, as a
    yield model of independent defects needs. --maps compares the yield of dies with a defect with
    that of dies without.
    """
    check_pictures(png, html, force)
    for option, length in (("--cluster", cluster), ("--repeater", repeater)):
        if not 0.0 < length < 100.0:
            raise UsageError(option, "out of range", got=length, allowed="0 < MM < 100")
    reticle = (1, 1) if field is None else _field(field)
    from yieldsim.wafer.inspection.groups import cluster_numbers, find_repeaters
    from yieldsim.wafer.inspection.klarf.files import load_klarf

    wafers = load_klarf(files)
    groups = [cluster_numbers(one.x_mm, one.y_mm, cluster, cluster_least) for one in wafers]
    try:
        repeating = find_repeaters(wafers, repeater, reticle, repeater_least)
    except UsageError as error:
        raise UsageError(
            "--repeater", error.problem, got=error.got, allowed=error.allowed
        ) from None
    record = _record(wafers, groups, repeating)
    if map_files:
        record["kill_ratios"] = _kills(wafers, map_files, read_options(**reading))
    text, title = "\n".join(_lines(record)), _title(wafers)

    def draw() -> Any:
        from yieldsim.plots.defects import defect_figure
        from yieldsim.wafer.inspection.summary import figures_of

        figures = [figures_of(one, group) for one, group in zip(wafers, groups, strict=True)]
        return defect_figure(wafers, groups, repeating, figures, title)

    save_pictures(draw, title, text, png, html)
    click.echo(json.dumps(_plain(record)) if as_json else text)


def _field(text: str) -> tuple[int, int]:
    try:
        columns, rows = (int(part) for part in text.split(","))
    except ValueError:
        columns = rows = 0
    if not 1 <= min(columns, rows) <= max(columns, rows) <= _LARGEST_FIELD:
        allowed = f"columns and rows of dies, 1 to {_LARGEST_FIELD} each, as 2,3"
        raise UsageError("--field", "no field", got=text, allowed=allowed)
    return columns, rows


def _record(
    wafers: list[Inspection], groups: list[NDArray[np.int64]], repeating: Repeaters
) -> dict[str, Any]:
    from yieldsim.wafer.inspection.summary import class_counts, density_interval, figures_of

    figures = [figures_of(one, group) for one, group in zip(wafers, groups, strict=True)]
    areas = [row.area_cm2 for row in figures]
    densities = {
        name: dict(zip(("value", "low", "high"), density_interval(counts, areas), strict=True))
        for name, counts in (
            ("defects_per_cm2", [row.defects for row in figures]),
            ("events_per_cm2", [row.events for row in figures]),
        )
    }
    places = zip(
        repeating.across_mm.tolist(),
        repeating.up_mm.tolist(),
        repeating.dies.tolist(),
        repeating.defects.tolist(),
        strict=True,
    )
    found = [
        {"across_mm": a, "up_mm": u, "dies": dies, "defects": count}
        for a, u, dies, count in sorted(places, key=lambda place: -place[2])
    ]
    return {
        "wafers": [asdict(row) for row in figures],
        **densities,
        "classes": [asdict(row) for row in class_counts(wafers)],
        "repeaters": found,
        "repeater_least_dies": repeating.least_dies,
    }


def _kills(wafers: list[Inspection], files: tuple[str, ...], options: Any) -> list[dict[str, Any]]:
    from yieldsim.wafer.kill_ratios import kill_ratios, match_maps
    from yieldsim.wafer.maps.files import load_maps

    matched = match_maps(wafers, load_maps(files, options))
    if len(matched) < len(wafers):
        click.echo(f"note: {len(wafers) - len(matched)} wafers have no map", err=True)
    names = {number: name for one in wafers for number, name in one.classes.items()}
    return [asdict(row) for row in kill_ratios(matched, names)]


def _title(wafers: list[Inspection]) -> str:
    return ", ".join(dict.fromkeys(f"lot {one.lot} {one.step}".strip() for one in wafers))


def _plain(item: Any) -> Any:
    """Replace inf and nan, which JSON lacks."""
    if isinstance(item, dict):
        return {key: _plain(value) for key, value in item.items()}
    if isinstance(item, list):
        return [_plain(value) for value in item]
    if isinstance(item, float) and not math.isfinite(item):
        return None if math.isnan(item) else str(item)
    return item


def _size(median_um: float) -> str:
    """A size as text; a dash where the file gives none."""
    return "-" if math.isnan(median_um) else f"{median_um:.3g}"


def _lines(record: dict[str, Any]) -> list[str]:
    """Return the tables: wafers, densities, classes, repeaters, kill ratios."""
    lines = [
        f"{'lot':12} {'wafer':10} {'defects':>8} {'per cm2':>8} {'events':>8} {'per cm2':>8} "
        f"{'clusters':>8} {'dies hit':>9} {'of':>6} {'var/mean':>8} {'alpha':>7}"
    ]
    lines += [
        f"{w['lot']:12.12} {w['wafer']:10.10} {w['defects']:8} {w['per_cm2']:8.4g} {w['events']:8} "
        f"{w['events_per_cm2']:8.4g} {w['clusters']:8} {w['dies_hit']:9} {w['dies']:6} "
        f"{w['variance_ratio']:8.3g} {w['alpha']:7.3g}"
        for w in record["wafers"]
    ]
    lines.append("")
    for name in ("defects_per_cm2", "events_per_cm2"):
        d = record[name]
        lines.append(f"{name:18} {d['value']:.4g} [{d['low']:.4g}, {d['high']:.4g}] at 95 %")
    lines += ["", f"{'class':>6} {'defects':>8} {'per cm2':>8} {'median um':>9}  name"]
    lines += [
        f"{c['number']:6} {c['defects']:8} {c['per_cm2']:8.4g} "
        f"{_size(c['median_um']):>9}  {c['name']}"
        for c in record["classes"]
    ]
    found, least = record["repeaters"], record["repeater_least_dies"]
    lines += ["", f"repeaters: {len(found)} places with a defect on {least} dies or more"]
    lines += [
        f"  x {r['across_mm']:.4f} mm, y {r['up_mm']:.4f} mm: {r['dies']} dies, "
        f"{r['defects']} defects"
        for r in found[:_MOST_LISTED]
    ]
    if len(found) > _MOST_LISTED:
        lines.append(f"  and {len(found) - _MOST_LISTED} more (--json lists all)")
    if "kill_ratios" in record:
        lines += [
            "",
            f"{'class':>6} {'dies':>6} {'failed':>6} {'kill ratio':>10} {'error':>7}  name",
        ]
        lines += [
            f"{'all' if k['kind'] < 0 else k['kind']:>6} {k['dies']:6} {k['failed']:6} "
            f"{k['ratio']:10.3f} {k['error']:7.3f}  {k['name']}"
            for k in record["kill_ratios"]
        ]
    return lines
