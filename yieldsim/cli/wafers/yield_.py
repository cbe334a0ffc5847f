"""`yieldsim yield`: die yield in closed form and by Monte Carlo, from options or a floorplan."""

from __future__ import annotations

import json
import math
from typing import Any

import click

from yieldsim.cli.options import allow_outside, as_json
from yieldsim.cli.wafers.lengths import AREA, LENGTH
from yieldsim.errors import UsageError

__all__ = ["yield_"]

_MODELS = ("poisson", "murphy", "seeds", "negative-binomial", "bose-einstein")
_MOST_WAFERS = 2_000_000  # a gigabyte of figures with the most bins
_HARVEST_MODELS = ("poisson", "negative-binomial")
# Arguments of yieldsim.closed_form -> the options, for its messages.
_OPTIONS = {
    "area_mm2": "--area",
    "d0_per_cm2": "--d0",
    "d0_per_cm2_layer": "--d0",
    "alpha": "--alpha",
    "layers": "--layers",
    "cores": "--cores",
    "core_mm2": "--core-area",
    "fatal_mm2": "--fatal-area",
    "min_good": "--min-good",
    "yield": "--from-yield",
}
_ROUNDING = 1e-9  # an area typed in decimals may miss width times height by this


@click.command("yield")
@click.option("--area", type=AREA, help="Die area, mm2, or with a unit: 0.8cm2, 0.1in2.")
@click.option("--d0", type=float, help="Killer defects per cm2 (bose-einstein: per layer).")
@click.option(
    "--from-yield", type=float, metavar="Y", help="Solve for the D0 that gives this yield."
)
@click.option(
    "--model",
    type=click.Choice(_MODELS),
    help="[default: negative-binomial with --alpha, otherwise poisson]",
)
@click.option("--alpha", type=float, help="Clustering parameter; inf is Poisson.")
@click.option("--layers", type=float, help="Critical layers of bose-einstein, such as 15.5.")
@click.option("--cores", type=int, help="Cores on the die, some of which may be dead.")
@click.option("--core-area", type=AREA, help="Area of one core, mm2.")
@click.option(
    "--fatal-area", type=AREA, help="Area that must be good, mm2.  [default: the rest of the die]"
)
@click.option(
    "--min-good",
    type=int,
    multiple=True,
    help="Good cores needed; repeat in falling order for several bins.",
)
@click.option(
    "--die",
    metavar="FILE",
    help="Floorplan, process and bins (TOML), instead of the options above.",
)
@click.option("--monte-carlo", type=int, metavar="N", help="Simulate N wafers as well.")
@click.option(
    "--fidelity",
    "fidelities",
    type=click.Choice(("points", "dies", "expected")),
    multiple=True,
    help="points: defect by defect; dies: die by die; expected: dies integrated. Repeatable.  "
    "[default: points]",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**64 - 1),
    help="Seed of the simulated wafers.  [default: 0]",
)
@click.option("--width", type=LENGTH, help="Width of the simulated die, mm.  [default: a square]")
@click.option("--height", type=LENGTH, help="Height of the simulated die, mm.")
@click.option(
    "--clusters",
    type=click.Choice(("wafer", "die", "lot")),
    help="What shares one density with --alpha. It changes the spread between simulated wafers, "
    "not the mean yield.  [default: wafer]",
)
@allow_outside
@as_json
def yield_(as_json: bool, **options: Any) -> None:
    """Print the yield of a die from its area and the defect density D0, or D0 from a yield.

    With --monte-carlo wafers are simulated too: those of the floorplan file, or 300 mm wafers with
    3 mm edge exclusion and 0.1 mm scribe lines.
    """
    figures = _all_figures(**options)
    if as_json:
        # JSON lacks infinity
        plain = {k: "inf" if v == math.inf else v for k, v in figures.items()}
        click.echo(json.dumps(plain))
        return
    _print_table(figures, "")


def _print_table(figures: dict[str, Any], indent: str) -> None:
    width = max(14, *(len(indent + name) for name in figures))
    for name, value in figures.items():
        if isinstance(value, dict):
            click.echo(f"{indent}{name}")
            _print_table(value, indent + "  ")
            continue
        shown = f"{value:.12g}" if isinstance(value, float) else str(value)
        shown = "-" if value is None else shown
        click.echo(f"{indent + name:{width}} {shown}")


def _all_figures(
    die: str | None,
    monte_carlo: int | None,
    fidelities: tuple[str, ...],
    seed: int | None,
    width: float | None,
    height: float | None,
    clusters: str | None,
    d0: float | None,
    from_yield: float | None,
    allow_outside: tuple[str, ...],
    **options: Any,
) -> dict[str, Any]:
    """Return the closed form's figures; those of simulated wafers are under ``monte_carlo``."""
    if monte_carlo is None:
        alone = {"--fidelity": fidelities or None, "--seed": seed, "--clusters": clusters}
        for option, value in alone.items():
            _pair(option, value, "no --monte-carlo", False)
    sides = {"--width": width, "--height": height, "--clusters": clusters}
    if die is not None:
        given = {f"--{name.replace('_', '-')}": value for name, value in options.items()}
        for option, value in {**given, **sides}.items():
            _pair(option, None if value == () else value, "--die", False)
        from yieldsim.cli.wafers.monte_carlo import of_file

        if d0 is not None and from_yield is not None:
            raise UsageError("--d0", "clashes with --from-yield", got=d0, allowed="one of the two")
        model, figures = of_file(die, d0, from_yield, allow_outside)
    else:
        _pair("--allow-outside", allow_outside or None, "no --die", False)
        whole = options["cores"] is None or options["fatal_area"] is None
        if width is not None and height is not None and (whole or options["area"] is not None):
            options["area"] = _area(options["area"], width, height)
        figures = _figures(d0=d0, from_yield=from_yield, **options)
        if monte_carlo is None:
            return figures
        from yieldsim.cli.wafers.monte_carlo import plain_model

        model = plain_model(figures, options["area"], width, height, clusters or "wafer")
        figures["method"] = "closed form"
    if monte_carlo is not None:
        figures["monte_carlo"] = _simulated(model, monte_carlo, fidelities, seed or 0)
    return figures


def _area(area: float | None, width: float, height: float) -> float:
    """Return the area of a die of which both sides are given. Raises UsageError for another one."""
    sides = width * height
    if area is not None and abs(area - sides) > _ROUNDING * max(area, sides):
        allowed = f"{sides:.12g} mm2, --width times --height"
        raise UsageError("--area", "contradicts the sides", got=f"{area:.12g}", allowed=allowed)
    return sides if area is None else area


def _simulated(model: Any, wafers: int, fidelities: tuple[str, ...], seed: int) -> dict[str, Any]:
    from yieldsim.cli.wafers.monte_carlo import monte_carlo

    if not 1 <= wafers <= _MOST_WAFERS:
        allowed = f"1 to {_MOST_WAFERS} wafers"
        raise UsageError("--monte-carlo", "out of range", got=wafers, allowed=allowed)
    return monte_carlo(model, wafers, fidelities, seed)


def _figures(
    area: float | None,
    d0: float | None,
    from_yield: float | None,
    model: str | None,
    alpha: float | None,
    layers: int | None,
    cores: int | None,
    core_area: float | None,
    fatal_area: float | None,
    min_good: tuple[int, ...],
) -> dict[str, Any]:
    """Return the figures to print; errors name the options."""
    name = model or ("poisson" if alpha is None else "negative-binomial")
    _pair("--alpha", alpha, f"--model {name}", name == "negative-binomial")
    _pair("--layers", layers, f"--model {name}", name == "bose-einstein")
    for option, value in (("--core-area", core_area), ("--min-good", min_good or None)):
        _pair(option, value, "--cores" if cores is not None else "no --cores", cores is not None)
    if cores is None:
        _pair("--fatal-area", fatal_area, "no --cores", False)
    if (d0 is None) == (from_yield is None):
        problem = "missing" if d0 is None else "clashes with --from-yield"
        raise UsageError(
            "--d0", problem, got=d0, allowed="a number >= 0, --from-yield Y or --die FILE"
        )
    try:
        if cores is not None and core_area is not None:
            clustering = math.inf if alpha is None else alpha
            shown = _harvest(
                name, area, d0, from_yield, clustering, cores, core_area, fatal_area, list(min_good)
            )
        else:
            shown = _whole_die(name, area, d0, from_yield, alpha, layers)
    except UsageError as error:
        where = _OPTIONS.get(error.where, error.where)
        raise UsageError(where, error.problem, got=error.got, allowed=error.allowed) from None
    density = shown.pop("d0_per_cm2")
    shape = {"model": name, "d0_per_cm2": density, "alpha": alpha, "layers": layers}
    return {**shown, **{k: v for k, v in shape.items() if v is not None}}


def _pair(option: str, value: Any, other: str, wanted: bool) -> None:
    """Raise unless ``option`` is given if and only if the other option wants it."""
    if wanted and value is None:
        raise UsageError(option, f"missing, needed with {other}", allowed="a number")
    if not wanted and value is not None:
        shown = value[0] if isinstance(value, tuple) else value
        raise UsageError(option, f"makes no sense with {other}", got=shown, allowed="leave it out")


def _whole_die(
    name: str,
    area: float | None,
    d0: float | None,
    from_yield: float | None,
    alpha: float | None,
    layers: float | None,
) -> dict[str, Any]:
    from yieldsim import closed_form

    if area is None:
        raise UsageError("--area", "missing", allowed="a number >= 0 in mm2")
    law = name.replace("-", "_")
    if d0 is None:
        assert from_yield is not None
        d0 = closed_form.density_of_yield(from_yield, area, law, alpha or math.inf, layers or 1.0)
    extra = {"negative-binomial": alpha, "bose-einstein": layers}.get(name)
    formula = getattr(closed_form, law)
    value = formula(area, d0) if extra is None else formula(area, d0, extra)
    return {"yield": float(value), "area_mm2": area, "d0_per_cm2": d0}


def _harvest(
    name: str,
    area: float | None,
    d0: float | None,
    from_yield: float | None,
    alpha: float,
    cores: int,
    core_area: float,
    fatal_area: float | None,
    min_good: list[int],
) -> dict[str, Any]:
    from yieldsim.closed_form import density_by_search, harvest_bins, harvest_yield

    if name not in _HARVEST_MODELS:
        allowed = ", ".join(_HARVEST_MODELS)
        raise UsageError("--model", "has no harvest form", got=name, allowed=allowed)
    fatal = _fatal_area(area, cores, core_area, fatal_area)
    if d0 is None:
        assert from_yield is not None
        law = (fatal, core_area, cores, min_good[-1])
        d0 = density_by_search(from_yield, lambda d: float(harvest_yield(*law, d, alpha)))
    bins = harvest_bins(fatal, core_area, cores, min_good, d0, alpha)
    figures = {
        "yield": float(harvest_yield(fatal, core_area, cores, min_good[-1], d0, alpha)),
        "cores": cores,
        "core_mm2": core_area,
        "fatal_mm2": fatal,
        "min_good": min_good,
        "d0_per_cm2": d0,
    }
    if len(min_good) > 1:
        figures |= {"bins": bins[:-1].tolist(), "scrap": float(bins[-1])}
    return figures


def _fatal_area(
    area: float | None, cores: int, core_area: float, fatal_area: float | None
) -> float:
    """Return the fatal area: the one given, or the die less its cores."""
    from yieldsim.closed_form import require

    if fatal_area is None and area is None:
        raise UsageError("--fatal-area", "missing, needed with --cores", allowed="or give --area")
    parts = float(require("--cores", cores, least=1.0)) * float(
        require("--core-area", core_area, least=0.0)
    )
    if fatal_area is not None:
        parts += float(require("--fatal-area", fatal_area, least=0.0))
    if area is None:
        return float(fatal_area or 0.0)
    # areas typed in decimals may miss their sum by rounding
    if float(require("--area", area, least=0.0)) < parts * (1.0 - 1e-12):
        allowed = f">= {parts:.12g} mm2"
        raise UsageError("--area", "smaller than its parts", got=area, allowed=allowed)
    return max(area - parts, 0.0) if fatal_area is None else fatal_area
