"""The Monte Carlo part of `yieldsim yield`: wafers of a floorplan file or of plain options."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from yieldsim.errors import UsageError

if TYPE_CHECKING:
    from yieldsim.wafer import WaferModel

__all__ = ["monte_carlo", "of_file", "plain_model"]

_SCALES = ("wafer", "die", "lot")
_SIMULATED = ("poisson", "negative-binomial", "seeds")
_ROUNDING = 1e-9  # an area typed in decimals may miss width times height by this


def monte_carlo(
    model: WaferModel, wafers: int, fidelities: Sequence[str], seed: int
) -> dict[str, Any]:
    """Return figures of simulated wafers; by fidelity where several are asked for.

    Standard error and spread are None for fewer than two independent wafers or lots.
    """
    from yieldsim.wafer import simulate_wafers

    asked = list(dict.fromkeys(fidelities)) or ["points"]
    by_fidelity = {}
    for fidelity in asked:
        result = simulate_wafers(model, wafers, seed, fidelity)  # type: ignore[arg-type]
        spread = result.independent > 1
        figures: dict[str, Any] = {
            "yield": result.yield_,
            "se": result.yield_se if spread else None,
            "wafers": wafers,
            "sd_good_per_wafer": result.sd_good_per_wafer if spread else None,
            "gross_die": result.gross,
            "fidelity": fidelity,
        }
        if len(result.bins) > 1:
            share = result.good.mean(axis=0) / max(result.gross, 1)
            figures["bins"] = dict(zip(result.bins, share.tolist(), strict=True))
            sds = result.sd_by_bin.tolist() if spread else [None] * len(result.bins)
            figures["sd_by_bin"] = dict(zip(result.bins, sds, strict=True))
        if result.escapes.any():
            figures["known_good_die"] = result.known_good_die
        by_fidelity[fidelity] = figures
    return by_fidelity[asked[0]] if len(asked) == 1 else by_fidelity


def of_file(
    path: str, d0: float | None, from_yield: float | None, allow_outside: Sequence[str] = ()
) -> tuple[WaferModel, dict[str, Any]]:
    """Return the model of a floorplan file and its figures.

    The density is the file's, ``d0``, or the one at which the die has the yield ``from_yield``.
    """
    from yieldsim.closed_form import require
    from yieldsim.wafer import expected_yield, load_wafer_model

    model = load_wafer_model(path, allow_outside)
    if d0 is not None:
        model = _with_density(model, float(require("--d0", d0, least=0.0)))
    if from_yield is not None:
        model = _with_density(model, _density(model, from_yield))
    expectation = expected_yield(model)
    names = list(model.bins) or ["good"]
    figures: dict[str, Any] = {
        "yield": expectation.yield_,
        "method": expectation.method,
        "gross_die": expectation.by_die.size,
        "area_mm2": model.die.width_mm * model.die.height_mm,
        "d0_per_cm2": model.process.d0_per_cm2,
        "bins": dict(zip(names, expectation.by_bin.tolist(), strict=True)),
    }
    if expectation.escapes > 0.0:
        figures["known_good_die"] = 1.0 - expectation.escapes / expectation.yield_
    return model, figures


def _with_density(model: WaferModel, d0_per_cm2: float) -> WaferModel:
    process = model.process.model_copy(update={"d0_per_cm2": d0_per_cm2})
    return model.model_copy(update={"process": process})


def _density(model: WaferModel, from_yield: float) -> float:
    """Return the density at which the model's die has a yield."""
    from yieldsim.closed_form import density_by_search
    from yieldsim.wafer import expected_yield

    try:
        return density_by_search(
            from_yield, lambda d0: expected_yield(_with_density(model, d0)).yield_
        )
    except UsageError as error:
        raise error.at("--from-yield", None) from None


def plain_model(
    figures: dict[str, Any],
    area_mm2: float | None,
    width_mm: float | None,
    height_mm: float | None,
    scale: str,
) -> WaferModel:
    """Return a 300 mm wafer of the die that the plain options of `yieldsim yield` describe."""
    from yieldsim.wafer import wafer_model

    name = figures["model"]
    if name not in _SIMULATED:
        raise UsageError("--model", "has no simulation", got=name, allowed=", ".join(_SIMULATED))
    parts = (
        figures["fatal_mm2"] + figures["cores"] * figures["core_mm2"] if "cores" in figures else 0.0
    )
    width, height = _sides(area_mm2 or parts, width_mm, height_mm)
    alpha = {"poisson": math.inf, "seeds": 1.0}.get(name, figures.get("alpha"))
    raw: dict[str, Any] = {
        "die": {"width_mm": width, "height_mm": height},
        "process": {"d0_per_cm2": figures["d0_per_cm2"], _SCALE_KEYS[scale]: alpha},
    }
    if "cores" in figures:
        raw["die"] |= {
            "rest": "empty",
            "blocks": {
                "fatal": {"kind": "fatal", "area_mm2": figures["fatal_mm2"]},
                "core": {
                    "kind": "core",
                    "area_mm2": figures["core_mm2"],
                    "count": figures["cores"],
                },
            },
        }
        raw["bins"] = {f"good_{n}": {"min_good_cores": n} for n in figures["min_good"]}
    return wafer_model(raw)


_SCALE_KEYS = {"wafer": "alpha_wafer", "die": "alpha_region", "lot": "alpha_lot"}


def _sides(area: float, width: float | None, height: float | None) -> tuple[float, float]:
    """Return width and height of a die: a square, unless one or both are given."""
    from yieldsim.closed_form import require

    for option, side in (("--width", width), ("--height", height)):
        if side is not None:
            require(option, side, above=0.0)
    if area <= 0.0 and (width is None or height is None):
        raise UsageError("--area", "too small to simulate", got=area, allowed="> 0 mm2")
    if width is not None and height is not None:
        if area > 0.0 and abs(width * height - area) > _ROUNDING * area:
            allowed = f"{width * height:.12g} mm2, width times height"
            raise UsageError("--area", "is not the die's", got=f"{area:.12g}", allowed=allowed)
        return width, height
    if width is not None:
        return width, area / width
    if height is not None:
        return area / height, height
    return math.sqrt(area), math.sqrt(area)
