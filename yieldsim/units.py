"""Units of model parameters, and all conversion constants of the package.

Field names carry their unit as a suffix (``d0_per_cm2``, ``width_mm``). A model file may state a
parameter in any unit of the same dimension; loading converts it.
"""

from __future__ import annotations

MM2_PER_CM2 = 100.0
HOURS_PER_DAY = 24.0
DAYS_PER_QUARTER = 365.25 / 4.0
MONTHS_PER_QUARTER = 3.0
QUARTERS_PER_YEAR = 4.0
NM_PER_UM = 1000.0
MM_PER_INCH = 25.4
# one H100-equivalent: NVIDIA H100 SXM, dense BF16 and memory bandwidth (NVIDIA data sheet 2022)
H100_TFLOPS_FP16 = 989.0
H100_TB_PER_S = 3.35

# unit -> (dimension, factor to the dimension's reference unit)
UNITS: dict[str, tuple[str, float]] = {
    "1": ("ratio", 1.0),
    "%": ("ratio", 0.01),
    "1/cm2": ("density", 1.0),
    "1/mm2": ("density", MM2_PER_CM2),
    "mm": ("length", 1.0),
    "cm": ("length", 10.0),
    "um": ("length", 1.0 / NM_PER_UM),
    "nm": ("length", 1.0 / NM_PER_UM / NM_PER_UM),
    "in": ("length", MM_PER_INCH),
    "mil": ("length", MM_PER_INCH / 1000.0),
    "hour": ("time", 1.0),
    "day": ("time", HOURS_PER_DAY),
    "week": ("time", 7.0 * HOURS_PER_DAY),
    "month": ("time", DAYS_PER_QUARTER / MONTHS_PER_QUARTER * HOURS_PER_DAY),
    "quarter": ("time", DAYS_PER_QUARTER * HOURS_PER_DAY),
    "mm2": ("area", 1.0),
    "wafer/hour": ("tool rate", 1.0),
    "wafer/month": ("wafer flow", 1.0),
    "wafer/quarter": ("wafer flow", 1.0 / MONTHS_PER_QUARTER),
    "wafer/week": ("wafer flow", DAYS_PER_QUARTER / MONTHS_PER_QUARTER / 7.0),
    "wafer": ("wafers", 1.0),
    "kwafer": ("wafers", 1000.0),
    "pass": ("passes", 1.0),
    "pass/wafer": ("visits", 1.0),
    "pass/layer": ("passes per layer", 1.0),
    "1/quarter": ("rate", 1.0),
    "1/year": ("rate", 1.0 / QUARTERS_PER_YEAR),
    "tool": ("tools", 1.0),
    "layer": ("layers", 1.0),
    "die": ("dies", 1.0),
    "die/quarter": ("die flow", 1.0),
    "die/wafer": ("dies per wafer", 1.0),
    "die/stack": ("dies per stack", 1.0),
    "stack": ("stacks", 1.0),
    "stack/quarter": ("stack flow", 1.0),
    "stack/month": ("stack flow", MONTHS_PER_QUARTER),
    "stack/wafer": ("stacks per wafer", 1.0),
    "package/quarter": ("package flow", 1.0),
    "chip": ("chips", 1.0),
    "kchip": ("chips", 1000.0),
    "chip/quarter": ("chip flow", 1.0),
    "chip/month": ("chip flow", MONTHS_PER_QUARTER),
    "chip/year": ("chip flow", 1.0 / QUARTERS_PER_YEAR),
    "pod": ("pods", 1.0),
    "chip/pod": ("chips per pod", 1.0),
    "CNY": ("money", 1.0),
    "million CNY": ("money", 1e6),
    "billion CNY": ("money", 1e9),
    "CNY/chip": ("price", 1.0),
    "package/wafer": ("packages per wafer", 1.0),
    "TFLOPS": ("compute", 1.0),
    "PFLOPS": ("compute", 1000.0),
    "TB/s": ("bandwidth", 1.0),
    "GB/s": ("bandwidth", 0.001),
}


def conversion_factor(got: str, wanted: str) -> float:
    """Factor that converts a number in unit ``got`` to unit ``wanted``.

    Raises ValueError if ``got`` is unknown or has another dimension.
    """
    dimension, reference = UNITS[wanted]
    if got not in UNITS or UNITS[got][0] != dimension:
        allowed = [name for name, (kind, _) in UNITS.items() if kind == dimension]
        raise ValueError(f"wrong unit, got '{got}'; allowed: {', '.join(allowed)}")
    return UNITS[got][1] / reference
