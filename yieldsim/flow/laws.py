"""Random times of a line: a mean and a law."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

__all__ = ["LAWS", "Law", "Spread", "triangular"]

Law = Literal["constant", "uniform", "exponential", "normal", "lognormal", "triangular", "gamma"]
LAWS: tuple[Law, ...] = get_args(Law)


@dataclass(frozen=True)
class Spread:
    """A time in minutes with the mean ``mean``.

    ``width`` is half the width of uniform and triangular times, and the standard deviation of
    normal, lognormal and gamma ones. ``mode`` is the most likely triangular time. Normal times
    below 0 count as 0.
    """

    mean: float
    width: float = 0.0
    law: Law = "constant"
    mode: float = 0.0

    def scaled(self, factor: float) -> Spread:
        """The same law with all times multiplied."""
        return Spread(self.mean * factor, self.width * factor, self.law, self.mode * factor)

    @property
    def least(self) -> float:
        """The least time; of a law without one above 0, the mean."""
        if self.law == "uniform":
            return self.mean - self.width
        if self.law == "triangular":
            return 0.5 * (3.0 * self.mean - self.mode) - self.width
        return self.mean

    @property
    def sd(self) -> float:
        """The standard deviation."""
        if self.law == "uniform":
            return self.width / math.sqrt(3.0)
        if self.law == "exponential":
            return self.mean
        if self.law == "triangular":
            # (a² + b² + c² - ab - ac - bc) / 18, with the distance of mode and middle.
            aside = self.mode - (self.least + self.width)
            return math.sqrt((3.0 * self.width**2 + aside**2) / 18.0)
        return self.width


def triangular(least: float, mode: float, greatest: float) -> Spread:
    """The triangular law between two times."""
    mean = (least + mode + greatest) / 3.0
    return Spread(mean, 0.5 * (greatest - least), "triangular", mode)
