"""A scalar parameter: a number or a distribution, with its unit, source and grade.

The distributions and what each needs:

=============  ==========================================================================
``normal``     mean, sd; or p10, p90; or p10, p50, p90 (split normal)
``lognormal``  median, sigma (of the logarithm); or p10, p90; or p10, p50, p90 (split lognormal)
``uniform``    low, high
``loguniform`` low, high
``triangular`` low, mode, high
``pert``       low, mode, high (beta with the PERT shape, lambda = 4: Malcolm et al. 1959)
``beta``       a, b, and optionally low, high
``discrete``   values, weights
=============  ==========================================================================

`min` and `max` truncate normal and lognormal distributions: uniforms are rescaled, not clipped.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, PrivateAttr, model_validator

from yieldsim.model.schema.values import Number, shown

Grade = Literal["measured", "reported", "estimated", "assumed"]
Distribution = Literal[
    "normal", "lognormal", "uniform", "loguniform", "triangular", "pert", "beta", "discrete"
]

# the keys that define each distribution, in all allowed forms
FORMS: dict[str, tuple[tuple[str, ...], ...]] = {
    "normal": (("mean", "sd"), ("p10", "p90"), ("p10", "p50", "p90")),
    "lognormal": (("median", "sigma"), ("p10", "p90"), ("p10", "p50", "p90")),
    "uniform": (("low", "high"),),
    "loguniform": (("low", "high"),),
    "triangular": (("low", "mode", "high"),),
    "pert": (("low", "mode", "high"),),
    "beta": (("a", "b"), ("a", "b", "low", "high")),
    "discrete": (("values", "weights"),),
}
# all keys of a distribution's shape in the order in which they are shown
SHAPE_KEYS = (
    "mean",
    "sd",
    "median",
    "sigma",
    "p10",
    "p50",
    "p90",
    "low",
    "mode",
    "high",
    "a",
    "b",
    "values",
    "weights",
)
TRUNCATED = ("normal", "lognormal")
LOGARITHMIC = ("lognormal", "loguniform")
CHOICE = "a number, or a table with one of value, dist, ref"

Z90 = 1.2815515655446004  # standard normal quantile of 0.9
_FARTHEST_Z = 8.3  # beyond every draw: uniforms are multiples of 2^-53 inside (0, 1)
_LARGEST_DRAW = 1e100
_LEAST_MASS = 1e-6  # left by a truncation; below it the inverse CDF loses its digits
_SHAPES = (0.01, 1e6)  # of a beta distribution; outside them its inverse CDF is inaccurate


class Quantity(BaseModel):
    """One scalar parameter in its stated unit."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    value: Number | None = None
    ref: str | None = None
    dist: Distribution | None = None
    mean: Number | None = None
    sd: Number | None = None
    median: Number | None = None
    sigma: Number | None = None
    p10: Number | None = None
    p50: Number | None = None
    p90: Number | None = None
    low: Number | None = None
    mode: Number | None = None
    high: Number | None = None
    a: Number | None = None
    b: Number | None = None
    values: tuple[Number, ...] | None = None
    weights: tuple[Number, ...] | None = None
    min: Number | None = None
    max: Number | None = None
    unit: str | None = None
    title: str = ""
    source: str
    grade: Grade
    note: str = ""
    _factor: float = PrivateAttr(default=1.0)
    _ratio: float = PrivateAttr(default=1.0)
    _most: float = PrivateAttr(default=math.inf)

    @model_validator(mode="before")
    @classmethod
    def _is_table(cls, data: Any) -> Any:
        if not isinstance(data, dict | Quantity):
            raise ValueError(f"must be a number, got {shown(data)}; allowed: {CHOICE}")
        return data

    @model_validator(mode="after")
    def _one_form(self) -> Quantity:
        given = [key for key in ("value", "ref", "dist") if getattr(self, key) is not None]
        if len(given) != 1:
            got = " and ".join(given) or "none of them"
            raise ValueError(f"needs exactly one of value, dist, ref, got {got}")
        if self.ref is not None and self.unit is not None:
            problem = f"takes the unit of shared.{self.ref}, got unit '{self.unit}' beside it"
            raise ValueError(problem)
        shape = tuple(key for key in SHAPE_KEYS if getattr(self, key) is not None)
        if self.dist is not None:
            self._check_distribution(self.dist, shape)
            return self
        extra = (*shape, *(key for key in ("min", "max") if getattr(self, key) is not None))
        if extra:
            raise ValueError(
                f"{given[0]} takes no shape, got {', '.join(extra)}; allowed: with dist"
            )
        return self

    def _check_distribution(self, dist: str, shape: tuple[str, ...]) -> None:
        if not any(set(shape) == set(form) for form in FORMS[dist]):
            allowed = " or ".join(", ".join(form) for form in FORMS[dist])
            got = ", ".join(shape) or "none"
            raise ValueError(f"wrong shape of dist '{dist}', got {got}; allowed: {allowed}")
        bounds = [key for key in ("min", "max") if getattr(self, key) is not None]
        if dist not in TRUNCATED and bounds:
            raise ValueError(
                f"dist '{dist}' cannot be truncated, got {' and '.join(bounds)}; "
                f"allowed: with {' and '.join(TRUNCATED)}"
            )
        self._check_order()
        self._check_signs(dist)
        if dist == "discrete":
            self._check_weights()
        if dist in TRUNCATED:
            self._check_reach()

    def _check_order(self) -> None:
        for chain in (("low", "mode", "high"), ("p10", "p50", "p90"), ("min", "max")):
            known = [(key, getattr(self, key)) for key in chain if getattr(self, key) is not None]
            for (name, lower), (other, upper) in pairwise(known):
                touch = "mode" in (name, other)  # a peak may stand at an end
                if lower > upper or (lower == upper and not touch):
                    sign = "<=" if touch else "<"
                    raise ValueError(f"needs {name} {sign} {other}, got {lower:g} and {upper:g}")
        if self.low is not None and self.low == self.high:
            raise ValueError(f"needs low < high, got {self.low:g} twice")

    def _check_signs(self, dist: str) -> None:
        for key in ("sd", "sigma"):
            number = getattr(self, key)
            if number is not None and number <= 0:
                raise ValueError(f"{key} is out of range, got {number:g}; allowed: > 0")
        for key in ("a", "b"):
            number = getattr(self, key)
            if number is not None and not _SHAPES[0] <= number <= _SHAPES[1]:
                raise ValueError(
                    f"{key} is out of range, got {number:g}; "
                    f"allowed: >= {_SHAPES[0]:g} and <= {_SHAPES[1]:g}"
                )
        for key in ("median", "p10", "low") if dist in LOGARITHMIC else ():
            number = getattr(self, key)
            if number is not None and number < 1.0 / _LARGEST_DRAW:
                raise ValueError(f"{key} is out of range, got {number:g}; allowed: > 0 for {dist}")

    def _check_weights(self) -> None:
        values, weights = self.values or (), self.weights or ()
        if not values or len(values) != len(weights):
            raise ValueError(f"needs one weight per value, got {len(weights)} for {len(values)}")
        if min(weights) < 0 or sum(weights) <= 0:
            raise ValueError(
                f"weights are out of range, got {shown(weights)}; allowed: >= 0 with a sum > 0"
            )
        if list(values) != sorted(set(values)):
            # ascending values keep the inverse CDF monotone in the uniform
            raise ValueError(f"values must rise, got {shown(values)}")

    def _check_reach(self) -> None:
        """Refuse draws that could overflow, and truncations that leave almost no probability."""
        centre, below, above = self.location()
        ends = (centre - _FARTHEST_Z * below, centre + _FARTHEST_Z * above)
        log = self.dist == "lognormal"
        if max(map(abs, ends)) > (math.log(_LARGEST_DRAW) if log else _LARGEST_DRAW):
            raise ValueError(f"is too wide, got {self.describe()}; allowed: draws below 1e100")
        if min(below, above) <= 0.0:
            raise ValueError(f"is too narrow, got {self.describe()}; allowed: a plain value")
        low = 0.0 if self.min is None else 0.5 * math.erfc(-self.z_of(self.min) / math.sqrt(2.0))
        high = 1.0 if self.max is None else 0.5 * math.erfc(-self.z_of(self.max) / math.sqrt(2.0))
        if high - low < _LEAST_MASS:
            raise ValueError(
                f"min and max leave a share of {high - low:.1e} of the draws, "
                f"got {self.describe()}; allowed: at least {_LEAST_MASS:g}"
            )

    @property
    def factor(self) -> float:
        """Factor from the stated unit to the field's."""
        return self._factor

    def in_unit(self, unit: str, factor: float) -> Quantity:
        """A copy that converts by ``factor``; ``unit`` is its unit if none is stated."""
        changed = self.model_copy(update={"unit": self.unit or unit})
        changed._factor = factor
        return changed

    def raised(self, ratio: float, most: float) -> Quantity:
        """A copy of which each value, once drawn, is multiplied by ``ratio``, up to ``most``."""
        changed = self.model_copy()
        changed._ratio, changed._most = self._ratio * ratio, min(self._most, most)
        return changed

    @property
    def ratio(self) -> float:
        """Factor on each value once it is drawn; 1 unless the quantity is `raised`."""
        return self._ratio

    @property
    def most(self) -> float:
        """The largest value that `ratio` may lead to, in the field's unit."""
        return self._most

    @property
    def uncertain(self) -> bool:
        """Whether the parameter is drawn anew in each realization."""
        return self.dist is not None

    def location(self) -> tuple[float, float, float]:
        """Median, scale below it and scale above it: of a normal, or of a lognormal's logarithm."""
        log = math.log if self.dist == "lognormal" else float
        if self.mean is not None and self.sd is not None:
            return self.mean, self.sd, self.sd
        if self.median is not None and self.sigma is not None:
            return math.log(self.median), self.sigma, self.sigma
        assert self.p10 is not None and self.p90 is not None
        low, high = log(self.p10), log(self.p90)
        middle = 0.5 * (low + high) if self.p50 is None else log(self.p50)
        return middle, (middle - low) / Z90, (high - middle) / Z90

    def z_of(self, bound: float) -> float:
        """Standard normal score at which a normal or lognormal quantity equals ``bound``."""
        if self.dist == "lognormal" and bound <= 0.0:
            return -math.inf
        centre, below, above = self.location()
        offset = (math.log(bound) if self.dist == "lognormal" else bound) - centre
        return offset / (below if offset < 0.0 else above)

    def support(self) -> tuple[float, float]:
        """Lowest and highest value that can be drawn, in the field's unit."""
        low, high = self.raw_support()
        return low * self.factor, high * self.factor

    def raw_support(self) -> tuple[float, float]:
        """Lowest and highest value that can be drawn, in the stated unit."""
        if self.value is not None:
            return self.value, self.value
        if self.dist in TRUNCATED:
            floor = 0.0 if self.dist == "lognormal" else -math.inf
            low = floor if self.min is None else max(floor, self.min)
            return low, math.inf if self.max is None else self.max
        if self.dist == "discrete":
            assert self.values is not None
            return min(self.values), max(self.values)
        low = 0.0 if self.low is None else self.low
        return low, 1.0 if self.high is None else self.high

    def describe(self) -> str:
        """The value or distribution in short, in the stated unit."""
        more = "" if self._ratio == 1.0 else f" x {self._ratio:g}"
        if self.value is not None:
            return f"{self.value:g}{more}"
        if self.ref is not None:
            return f"= {self.ref}{more}"
        keys = [key for key in (*SHAPE_KEYS, "min", "max") if getattr(self, key) is not None]
        shape = ", ".join(f"{key} {_show(getattr(self, key))}" for key in keys)
        return f"{self.dist}({shape}){more}"


def _show(item: Any) -> str:
    return " ".join(f"{i:g}" for i in item) if isinstance(item, tuple) else f"{item:g}"
