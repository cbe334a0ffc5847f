"""Lengths and areas as options take them: plain numbers in mm and mm2, or with a unit."""

from __future__ import annotations

import re
from typing import Any

import click

from yieldsim.units import UNITS

__all__ = ["AREA", "LENGTH", "length_mm"]

_LENGTHS = {name: factor for name, (kind, factor) in UNITS.items() if kind == "length"}
_NAMES = {**_LENGTHS, "mils": _LENGTHS["mil"], "inch": _LENGTHS["in"], '"': _LENGTHS["in"]}
_NUMBER = re.compile(r"([-+]?(?:inf|nan|\d*\.?\d+(?:e[-+]?\d+)?|\d+\.))\s*(.*)", re.IGNORECASE)


def length_mm(text: str, power: int = 1) -> float:
    """Return a length in mm (or, of power 2, an area in mm2). Raises ValueError."""
    match = _NUMBER.fullmatch(text.strip())
    if match is None:
        raise ValueError(text)
    number, unit = float(match[1]), match[2].lower()
    if not unit:
        return number
    if power > 1:
        if not unit.endswith(str(power)):
            raise ValueError(text)
        unit = unit.removesuffix(str(power)).removesuffix("^")
    if unit not in _NAMES:
        raise ValueError(text)
    return round(number * _NAMES[unit] ** power, 12)  # 3 inches are 76.2 mm


class _Length(click.ParamType):
    """A length or an area, with or without its unit."""

    def __init__(self, name: str, power: int) -> None:
        self.name, self._power = name, power

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the value in mm or mm2."""
        if isinstance(value, int | float):
            return float(value)
        try:
            return length_mm(value, self._power)
        except ValueError:
            units = ", ".join(f"{unit}{'' if self._power == 1 else 2}" for unit in _LENGTHS)
            self.fail(
                f"{value!r} is not a valid {self.name}; allowed: a number of {units}", param, ctx
            )


LENGTH, AREA = _Length("length", 1), _Length("area", 2)
