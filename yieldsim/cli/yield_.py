"""`yieldsim yield`: closed-form die yield, with or without harvested cores."""

from __future__ import annotations

import json
import math
from typing import Any

import click

from yieldsim.errors import UsageError

__all__ = ["yield_"]

_MODELS = ("poisson", "murphy", "seeds", "negative-binomial", "bose-einstein")
_HARVEST_MODELS = ("poisson", "negative-binomial")
# Arguments of yieldsim.closed_form -> the options that they came from.
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
}


@click.command("yield")
@click.option("--area", type=float, help="Die area, mm2.")
@click.option(
    "--d0", type=float, required=True, help="Killer defects per cm2 (bose-einstein: per layer)."
)
@click.option(
    "--model",
    type=click.Choice(_MODELS),
    help="Default: negative-binomial with --alpha, otherwise poisson.",
)
@click.option("--alpha", type=float, help="Clustering; inf is Poisson.")
@click.option("--layers", type=int, help="Critical layers of bose-einstein.")
@click.option("--cores", type=int, help="Cores on the die, of which some may be dead.")
@click.option("--core-area", type=float, help="Area of one core, mm2.")
@click.option("--fatal-area", type=float, help="Area that must be good, mm2; default: the rest.")
@click.option(
    "--min-good",
    type=int,
    multiple=True,
    help="Good cores needed; repeat it in falling order for several bins.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def yield_(as_json: bool, **options: Any) -> None:
    """Print the yield of a die from its area and the defect density D0."""
    figures = _figures(**options)
    if as_json:
        # JSON knows no infinity.
        plain = {k: "inf" if v == math.inf else v for k, v in figures.items()}
        click.echo(json.dumps(plain))
        return
    for name, value in figures.items():
        shown = f"{value:.12g}" if isinstance(value, float) else str(value)
        click.echo(f"{name:14} {shown}")


def _figures(
    area: float | None,
    d0: float,
    model: str | None,
    alpha: float | None,
    layers: int | None,
    cores: int | None,
    core_area: float | None,
    fatal_area: float | None,
    min_good: tuple[int, ...],
) -> dict[str, Any]:
    """Return the figures to print, with errors under the options' names."""
    name = model or ("poisson" if alpha is None else "negative-binomial")
    _pair("--alpha", alpha, f"--model {name}", name == "negative-binomial")
    _pair("--layers", layers, f"--model {name}", name == "bose-einstein")
    for option, value in (("--core-area", core_area), ("--min-good", min_good or None)):
        _pair(option, value, "--cores" if cores is not None else "no --cores", cores is not None)
    if cores is None:
        _pair("--fatal-area", fatal_area, "no --cores", False)
    shape = {"model": name, "d0_per_cm2": d0, "alpha": alpha, "layers": layers}
    try:
        if cores is not None and core_area is not None:
            clustering = math.inf if alpha is None else alpha
            found = _harvest(
                name, area, d0, clustering, cores, core_area, fatal_area, list(min_good)
            )
        else:
            found = _whole_die(name, area, d0, alpha, layers)
    except UsageError as error:
        where = _OPTIONS.get(error.where, error.where)
        raise UsageError(where, error.problem, got=error.got, allowed=error.allowed) from None
    return {**found, **{k: v for k, v in shape.items() if v is not None}}


def _pair(option: str, value: Any, other: str, wanted: bool) -> None:
    """Raise unless ``option`` is given exactly where the other one wants it."""
    if wanted and value is None:
        raise UsageError(option, f"missing, needed with {other}", allowed="a number")
    if not wanted and value is not None:
        shown = value[0] if isinstance(value, tuple) else value
        raise UsageError(option, f"makes no sense with {other}", got=shown, allowed="leave it out")


def _whole_die(
    name: str, area: float | None, d0: float, alpha: float | None, layers: int | None
) -> dict[str, Any]:
    from yieldsim import closed_form

    if area is None:
        raise UsageError("--area", "missing", allowed="a number >= 0 in mm2")
    extra = {"negative-binomial": alpha, "bose-einstein": layers}.get(name)
    formula = getattr(closed_form, name.replace("-", "_"))
    value = formula(area, d0) if extra is None else formula(area, d0, extra)
    return {"yield": float(value), "area_mm2": area}


def _harvest(
    name: str,
    area: float | None,
    d0: float,
    alpha: float,
    cores: int,
    core_area: float,
    fatal_area: float | None,
    min_good: list[int],
) -> dict[str, Any]:
    from yieldsim.closed_form import harvest_bins, harvest_yield

    if name not in _HARVEST_MODELS:
        allowed = ", ".join(_HARVEST_MODELS)
        raise UsageError("--model", "has no harvest form", got=name, allowed=allowed)
    fatal = _fatal_area(area, cores, core_area, fatal_area)
    bins = harvest_bins(fatal, core_area, cores, min_good, d0, alpha)
    found = {
        "yield": float(harvest_yield(fatal, core_area, cores, min_good[-1], d0, alpha)),
        "cores": cores,
        "core_mm2": core_area,
        "fatal_mm2": fatal,
        "min_good": min_good,
    }
    if len(min_good) > 1:
        found |= {"bins": bins[:-1].tolist(), "scrap": float(bins[-1])}
    return found


def _fatal_area(
    area: float | None, cores: int, core_area: float, fatal_area: float | None
) -> float:
    """Return the fatal area: the one given, or what the cores leave of the die."""
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
    # Areas typed in decimals may miss their sum by rounding.
    if float(require("--area", area, least=0.0)) < parts * (1.0 - 1e-12):
        allowed = f">= {parts:.12g} mm2"
        raise UsageError("--area", "smaller than its parts", got=area, allowed=allowed)
    return max(area - parts, 0.0) if fatal_area is None else fatal_area
