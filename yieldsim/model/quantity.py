"""A scalar of a model: a number or a distribution, with its unit, source and grade.

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

`min` and `max` truncate normal and lognormal distributions (the luck is rescaled, not clipped).
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, model_validator

Grade = Literal["measured", "reported", "estimated", "assumed"]
Distribution = Literal[
    "normal", "lognormal", "uniform", "loguniform", "triangular", "pert", "beta", "discrete"
]

# the sets of keys that define each distribution
FORMS: dict[str, tuple[frozenset[str], ...]] = {
    "normal": (
        frozenset({"mean", "sd"}),
        frozenset({"p10", "p90"}),
        frozenset({"p10", "p50", "p90"}),
    ),
    "lognormal": (
        frozenset({"median", "sigma"}),
        frozenset({"p10", "p90"}),
        frozenset({"p10", "p50", "p90"}),
    ),
    "uniform": (frozenset({"low", "high"}),),
    "loguniform": (frozenset({"low", "high"}),),
    "triangular": (frozenset({"low", "mode", "high"}),),
    "pert": (frozenset({"low", "mode", "high"}),),
    "beta": (frozenset({"a", "b"}), frozenset({"a", "b", "low", "high"})),
    "discrete": (frozenset({"values", "weights"}),),
}
SHAPE_KEYS = frozenset().union(*(form for forms in FORMS.values() for form in forms))
TRUNCATED = ("normal", "lognormal")


class Quantity(BaseModel):
    """One scalar parameter. ``factor`` converts from the stated unit to the field's own."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, strict=False)

    value: float | None = None
    ref: str | None = None
    dist: Distribution | None = None
    mean: float | None = None
    sd: float | None = None
    median: float | None = None
    sigma: float | None = None
    p10: float | None = None
    p50: float | None = None
    p90: float | None = None
    low: float | None = None
    mode: float | None = None
    high: float | None = None
    a: float | None = None
    b: float | None = None
    values: tuple[float, ...] | None = None
    weights: tuple[float, ...] | None = None
    min: float | None = None
    max: float | None = None
    unit: str | None = None
    source: str
    grade: Grade
    note: str = ""
    factor: float = 1.0

    @model_validator(mode="before")
    @classmethod
    def _no_flags(cls, data: Any) -> Any:
        # pydantic would read true as 1.0: a switch where a number belongs is a slip of the pen
        for key, item in data.items() if isinstance(data, dict) else ():
            if isinstance(item, bool):
                raise ValueError(f"'{key}' must be a number, got {str(item).lower()}")
        return data

    @model_validator(mode="after")
    def _one_form(self) -> Quantity:
        given = [key for key in ("value", "ref", "dist") if getattr(self, key) is not None]
        if len(given) != 1:
            raise ValueError(
                f"needs exactly one of value, dist, ref, got {' and '.join(given) or 'none'}"
            )
        shape = {key for key in SHAPE_KEYS if getattr(self, key) is not None}
        if self.dist is None:
            extra = shape | {key for key in ("min", "max") if getattr(self, key) is not None}
            if extra:
                raise ValueError(f"{', '.join(sorted(extra))} needs a dist; allowed: {_names()}")
            return self
        if frozenset(shape) not in FORMS[self.dist]:
            forms = " or ".join("{" + ", ".join(sorted(f)) + "}" for f in FORMS[self.dist])
            raise ValueError(
                f"dist '{self.dist}' got {{{', '.join(sorted(shape))}}}; allowed: {forms}"
            )
        if self.dist not in TRUNCATED and (self.min is not None or self.max is not None):
            raise ValueError(f"min and max go with {' and '.join(TRUNCATED)}, got '{self.dist}'")
        self._check_order()
        return self

    def _check_order(self) -> None:
        for chain in (("low", "mode", "high"), ("p10", "p50", "p90"), ("min", "max")):
            known = [(k, getattr(self, k)) for k in chain if getattr(self, k) is not None]
            for (name, lower), (other, upper) in pairwise(known):
                if lower > upper or (
                    lower == upper
                    and (name, other) != ("low", "mode")
                    and (name, other) != ("mode", "high")
                ):
                    raise ValueError(f"needs {name} < {other}, got {lower:g} and {upper:g}")
        for key in ("sd", "sigma", "a", "b"):
            number = getattr(self, key)
            if number is not None and number <= 0:
                raise ValueError(f"{key} must be > 0, got {number:g}")
        positive = {"lognormal": ("median", "p10"), "loguniform": ("low",)}
        for key in positive.get(self.dist or "", ()):
            number = getattr(self, key)
            if number is not None and number <= 0:
                raise ValueError(f"dist '{self.dist}' needs {key} > 0, got {number:g}")
        if self.dist in ("triangular", "pert") and self.low == self.high:
            raise ValueError(f"needs low < high, got {self.low:g} twice")
        if self.dist == "discrete":
            self._check_weights()

    def _check_weights(self) -> None:
        assert self.values is not None and self.weights is not None
        if not self.values or len(self.values) != len(self.weights):
            raise ValueError(
                f"needs as many weights as values, got {len(self.weights)} and {len(self.values)}"
            )
        if min(self.weights) < 0 or sum(self.weights) <= 0:
            raise ValueError(f"weights must be >= 0 with a sum > 0, got {list(self.weights)}")
        if list(self.values) != sorted(set(self.values)):
            # rising values keep the inverse CDF monotone: more luck never means a lower value
            raise ValueError(f"values must rise, got {list(self.values)}")

    @property
    def uncertain(self) -> bool:
        """Whether the parameter is drawn anew in each realization."""
        return self.dist is not None

    def support(self) -> tuple[float, float]:
        """Lowest and highest value that can be drawn, in the field's unit."""
        low, high = self._raw_support()
        return low * self.factor, high * self.factor

    def _raw_support(self) -> tuple[float, float]:
        if self.value is not None:
            return self.value, self.value
        if self.dist in ("normal", "lognormal"):
            floor = 0.0 if self.dist == "lognormal" else -math.inf
            low = floor if self.min is None else self.min
            return low, math.inf if self.max is None else self.max
        if self.dist == "discrete":
            assert self.values is not None
            return min(self.values), max(self.values)
        low = 0.0 if self.low is None else self.low
        return low, 1.0 if self.high is None else self.high

    def describe(self) -> str:
        """The value or distribution as one short text, in the stated unit."""
        if self.value is not None:
            return f"{self.value:g}"
        if self.ref is not None:
            return f"= {self.ref}"
        keys = [k for k in (*_ORDER, "min", "max") if getattr(self, k) is not None]
        shown = ", ".join(f"{k} {_show(getattr(self, k))}" for k in keys)
        return f"{self.dist}({shown})"


_ORDER = (
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


def _show(item: Any) -> str:
    return " ".join(f"{i:g}" for i in item) if isinstance(item, tuple) else f"{item:g}"


def _names() -> str:
    return ", ".join(FORMS)
