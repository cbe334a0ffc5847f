"""``yieldsim maps``: wafer maps lot by lot, and conversion between formats."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import click

from yieldsim.cli.options import as_json
from yieldsim.cli.output_files import check_output, force, whole
from yieldsim.cli.wafers.map_options import map_files, read_options, reading
from yieldsim.cli.wafers.pictures import check_pictures, pictures, save_pictures

if TYPE_CHECKING:
    from yieldsim.wafer.maps.lots import LotFigures
    from yieldsim.wafer.maps.wafer_maps import WaferMaps


@click.command()
@map_files
@click.option(
    "--out",
    metavar="FILE",
    help="Write all maps, with their bins: .csv, .xml or .g85, .e142 or .e142.xml, .sinf, .npz, "
    ".mixedwm38.npz (without bins).",
)
@pictures("Draw the fails of each lot stacked, and yields by wafer")
@reading
@force
@as_json
def maps(
    maps: tuple[str, ...],
    out: str | None,
    png: str | None,
    html: str | None,
    force: bool,
    as_json: bool,
    **reading: Any,
) -> None:
    """Show the yields of wafer maps by lot and wafer, or convert the maps to another format.

    MAPS are files in one or several formats: tables of dies (CSV with named columns), SEMI G85 and
    E142, SINF, STDF, KLARF, NumPy archives (.npz, also that of MixedWM38).

    Where the files say that notches lie at several sides (Orientation of G85 and E142, FNLOC of
    SINF, OrientationMarkLocation of KLARF), maps are turned so that all notches are at the bottom.
    Elsewhere maps stay as their files show them.
    """
    check_pictures(png, html, force)
    if out is not None:
        from yieldsim.wafer.maps.files import check_format

        check_format(out)
        check_output(out, force, "--out")
    from yieldsim.wafer.maps.files import load_maps, save_maps
    from yieldsim.wafer.maps.lots import lot_figures

    loaded = load_maps(maps, read_options(**reading))
    lots = lot_figures(loaded)
    if out is not None:
        with whole(out):
            save_maps(out, loaded, note=lambda text: click.echo(f"note: {text}", err=True))
        click.echo(f"maps: {out}", err=True)
    text = "\n".join(_lines(loaded, lots))

    def draw() -> Any:
        from yieldsim.plots.wafer_lots import lots_figure

        return lots_figure(loaded, lots, _title(loaded, lots))

    save_pictures(draw, _title(loaded, lots), text, png, html)
    click.echo(json.dumps(_record(loaded, lots)) if as_json else text)


def _title(maps: WaferMaps, lots: list[LotFigures]) -> str:
    passed, dies = (
        sum(lot.mean * lot.dies.sum() for lot in lots),
        sum(lot.dies.sum() for lot in lots),
    )
    number = f", {len(lots)} lots" if len(lots) > 1 else ""
    return f"{len(maps)} wafers{number}: yield {passed / dies:.2%} of {dies:,} dies"


def _lines(maps: WaferMaps, lots: list[LotFigures]) -> list[str]:
    lines = [_title(maps, lots), ""]
    lines.append(
        f"{'lot':16} {'wafer':12} {'label':12} {'dies':>7} {'pass':>7} {'yield':>7} {'sd':>7}"
    )
    for lot in lots:
        name, dies = lot.lot or "-", int(lot.dies.sum())
        sd = "-" if math.isnan(lot.sd) else f"{lot.sd:.4f}"
        passed = round(lot.mean * dies)
        lines.append(f"{name:16.16} {'all':12} {'':12} {dies:7} {passed:7} {lot.mean:7.4f} {sd:>7}")
        for w, tested, part in zip(lot.wafers, lot.dies, lot.yields, strict=True):
            row = f"{'':16} {maps.name[w]!s:12.12} {maps.label[w]!s:12.12}"
            lines.append(f"{row} {tested:7} {round(part * tested):7} {part:7.4f}")
    return lines


def _record(maps: WaferMaps, lots: list[LotFigures]) -> dict[str, Any]:
    wafers = [
        {
            "lot": lot.lot,
            "wafer": str(maps.name[w]),
            "label": str(maps.label[w]),
            "rows": int(maps.rows[w]),
            "columns": int(maps.cols[w]),
            "dies": int(dies),
            "yield": float(part),
        }
        for lot in lots
        for w, dies, part in zip(lot.wafers, lot.dies, lot.yields, strict=True)
    ]
    by_lot = [
        {
            "lot": lot.lot,
            "wafers": len(lot.wafers),
            "dies": int(lot.dies.sum()),
            "yield": lot.mean,
            "sd": None if math.isnan(lot.sd) else lot.sd,
        }
        for lot in lots
    ]
    return {"lots": by_lot, "wafers": wafers}
