"""Random times of a line: a mean and a law."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

__all__ = ["LAWS", "Law", "Spread"]

Law = Literal["constant", "uniform", "exponential"]
LAWS: tuple[Law, ...] = get_args(Law)


@dataclass(frozen=True)
class Spread:
    """A time in minutes: always ``mean``, uniform in mean ± ``half_width``, or exponential."""

    mean: float
    half_width: float = 0.0
    law: Law = "constant"

    def scaled(self, factor: float) -> Spread:
        """The same law with all times multiplied."""
        return Spread(self.mean * factor, self.half_width * factor, self.law)
