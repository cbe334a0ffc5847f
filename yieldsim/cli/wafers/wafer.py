"""``yieldsim wafer``: simulate wafers, draw them, and give their maps as data."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from yieldsim.cli.options import allow_outside, as_json, changes, model_argument
from yieldsim.cli.output_files import check_output, force, whole
from yieldsim.cli.wafers.pictures import check_pictures, pictures, save_pictures
from yieldsim.errors import UsageError

if TYPE_CHECKING:
    from yieldsim.wafer import WaferModel, WaferResult

_LETTERS = "123456789abcdefghijklmnopqrstuvwxyz"
_MOST_PICTURES = 3  # wafers drawn on a terminal, unless asked for more


@click.command()
@model_argument
@click.option("--product", metavar="NAME", help="The product of a supply model whose die is drawn.")
@click.option("--process", metavar="NAME", help="Process, instead of the die's own.")
@click.option("--d0", type=float, help="Killer defects per cm2, instead of the model's.")
@click.option("--scenario", metavar="NAME", help="Scenario of a supply model.  [default: baseline]")
@changes
@click.option("--wafers", type=click.IntRange(1, 100_000), default=1, show_default=True)
@click.option(
    "--first", type=click.IntRange(0, 2**31), default=0, help="Number of the first wafer."
)
@click.option("--seed", type=click.IntRange(0, 2**64 - 1), default=0, show_default=True)
@click.option(
    "--fidelity",
    type=click.Choice(("points", "dies")),
    default="points",
    show_default=True,
    help="points: every defect is placed; dies: each die is drawn.",
)
@pictures("Draw the wafer, or several wafers on one sheet")
@click.option("--npz", metavar="FILE", help="Save maps, bins and densities as NumPy arrays.")
@click.option(
    "--map",
    "map_file",
    metavar="FILE",
    help="Save maps as .csv, .xml or .g85 (SEMI G85), .e142 or .e142.xml (SEMI E142), .sinf, .npz.",
)
@click.option("--klarf", metavar="FILE", help="Save the defects of all wafers as KLARF.")
@click.option(
    "--klarf-version", type=click.Choice(("1.2", "1.8")), default="1.2", show_default=True
)
@force
@allow_outside
@as_json
def wafer(
    model: str,
    product: str | None,
    process: str | None,
    d0: float | None,
    scenario: str | None,
    changes: tuple[str, ...],
    wafers: int,
    first: int,
    seed: int,
    fidelity: Any,
    png: str | None,
    html: str | None,
    npz: str | None,
    map_file: str | None,
    klarf: str | None,
    klarf_version: str,
    force: bool,
    allow_outside: tuple[str, ...],
    as_json: bool,
) -> None:
    """Simulate wafers defect by defect, and draw them.

    MODEL is a wafer model (a file with [die] and [process]), or with --product a supply model. The
    product's die is then simulated at the medians of its parameters and the mature density.
    """
    check_pictures(png, html, force)
    _check_files(npz, map_file)
    if klarf and fidelity != "points":
        raise UsageError("--klarf", "needs the defects", got=fidelity, allowed="--fidelity points")
    files = (("--npz", npz), ("--map", map_file), ("--klarf", klarf))
    for option, path in files:
        check_output(path, force, option)
    from yieldsim.wafer import simulate_wafers

    described = _wafer_model(model, product, process, d0, scenario, changes, allow_outside)
    result = simulate_wafers(described, wafers, seed, fidelity, first, keep_maps=True)
    title = product or described.name or Path(model).stem
    shown = [_picture(result, number) for number in range(min(wafers, _MOST_PICTURES))]
    text = "\n".join([*shown, _closing(result, title)])

    def draw() -> Any:
        from yieldsim.plots.wafer import wafer_figure

        return wafer_figure(result, title)

    save_pictures(draw, title, text, png, html)
    if npz or map_file:
        _save(result, title, npz, map_file)
    if klarf:
        from yieldsim.wafer.inspection.klarf.files import save_klarf
        from yieldsim.wafer.inspection.simulated import inspections

        with whole(klarf):
            save_klarf(klarf, inspections(result, title), klarf_version)
        click.echo(f"defects: {klarf}", err=True)
    if as_json:
        click.echo(json.dumps(_record(result, described, title, seed), indent=2))
        return
    click.echo(text)


def _check_files(npz: str | None, map_file: str | None) -> None:
    """Refuse unknown formats before the work."""
    if npz and Path(npz).suffix != ".npz":
        raise UsageError("--npz", "unknown format", got=npz, allowed="a file that ends in .npz")
    if map_file:
        from yieldsim.wafer.maps.files import check_format

        check_format(map_file)


def _wafer_model(
    model: str,
    product: str | None,
    process: str | None,
    d0: float | None,
    scenario: str | None,
    changes: tuple[str, ...],
    allow_outside: tuple[str, ...],
) -> WaferModel:
    """Return the wafer model of the file, or that of a product of a supply model."""
    from yieldsim.errors import UsageError
    from yieldsim.wafer import load_wafer_model

    if product is None:
        options = {"--process": process, "--set": changes or None, "--scenario": scenario}
        for name, value in options.items():
            if value is not None:
                allowed = "leave it out, or give --product"
                raise UsageError(name, "needs --product", got=value, allowed=allowed)
        if not Path(model).suffix:
            problem = "a supply model needs --product, the chip whose die is drawn"
            raise UsageError("--product", problem, allowed="a product of the model")
        loaded = load_wafer_model(model, allow_outside)
        if d0 is None:
            return loaded
        process_table = loaded.process.model_copy(update={"d0_per_cm2": _density(d0)})
        return loaded.model_copy(update={"process": process_table})
    from yieldsim.model import BASELINE, load_file
    from yieldsim.wafer.from_supply import die_of_product, wafer_model_of

    supply = load_file(model, allow_outside).with_changes(changes).model(scenario or BASELINE)
    density = None if d0 is None else _density(d0)
    return wafer_model_of(supply, die_of_product(supply, product), process, density)


def _density(d0: float) -> float:
    from yieldsim.closed_form import require

    return float(require("--d0", d0, least=0.0))


def _save(result: WaferResult, title: str, npz: str | None, map_file: str | None) -> None:
    from yieldsim.wafer.maps.export import save_arrays, wafer_maps
    from yieldsim.wafer.maps.files import save_maps

    if npz:
        with whole(npz):
            save_arrays(npz, result, title)
        click.echo(f"arrays: {npz}", err=True)
    if map_file:
        with whole(map_file):
            save_maps(map_file, wafer_maps(result, title))
        click.echo(f"maps: {map_file}", err=True)


def _record(result: WaferResult, model: WaferModel, title: str, seed: int) -> dict[str, Any]:
    """Return the result for JSON."""
    rows = [
        {
            "wafer": result.first_wafer + number,
            "lot": int(result.lots[number]),
            "good": dict(zip(result.bins, counts.astype(int).tolist(), strict=True)),
            "scrap": int(result.gross - counts.sum()),
        }
        for number, counts in enumerate(result.good)
    ]
    known = result.known_good_die
    return {
        "name": title,
        "fidelity": result.fidelity,
        "seed": seed,
        "gross_die": result.gross,
        "d0_per_cm2": model.process.d0_per_cm2,
        "yield": result.yield_,
        "known_good_die": known if math.isfinite(known) else None,
        "sd_good_per_wafer": result.sd_good_per_wafer if result.independent > 1 else None,
        "wafers": rows,
    }


def _picture(result: WaferResult, number: int) -> str:
    """Return a wafer in characters: a digit for the bin, a point for scrap, top row first."""
    assert result.bin_map is not None
    rows, columns = result.sites.shape
    cells = [[" "] * columns for _ in range(rows)]
    scrap = len(result.bins)
    places = zip(result.sites.row, result.sites.column, result.bin_map[number], strict=True)
    for row, column, code in places:
        cells[rows - 1 - int(row)][int(column)] = "." if code == scrap else _LETTERS[int(code)]
    lines = [" ".join(line).rstrip() for line in cells]
    good = int(result.good[number].sum())
    head = f"wafer {result.first_wafer + number}: {good} of {result.gross} dies ship"
    return "\n".join([head, *lines, ""])


def _closing(result: WaferResult, title: str) -> str:
    bins = ", ".join(
        f"{_LETTERS[b]} {name} {mean:.1f}"
        for b, (name, mean) in enumerate(zip(result.bins, result.good.mean(axis=0), strict=True))
    )
    return f"{title}: yield {result.yield_:.4g}; dies a wafer by bin: {bins}; . scrap"
