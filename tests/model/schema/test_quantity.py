"""Quantities: how they describe themselves and what they can draw."""

import math
from typing import Any

import pytest
from pydantic import ValidationError

from yieldsim.model import Quantity

INF = math.inf


def quantity(**keys: Any) -> Quantity:
    return Quantity(source="s", grade="assumed", **keys)


CASES: list[tuple[dict[str, Any], str, tuple[float, float]]] = [
    ({"value": 21.32}, "21.32", (21.32, 21.32)),
    ({"dist": "normal", "mean": 1, "sd": 0.2}, "normal(mean 1, sd 0.2)", (-INF, INF)),
    (
        {"dist": "normal", "mean": 1, "sd": 0.2, "min": 0, "max": 2},
        "normal(mean 1, sd 0.2, min 0, max 2)",
        (0, 2),
    ),
    ({"dist": "normal", "p10": 1, "p90": 3}, "normal(p10 1, p90 3)", (-INF, INF)),
    ({"dist": "lognormal", "median": 2, "sigma": 0.3}, "lognormal(median 2, sigma 0.3)", (0, INF)),
    (
        {"dist": "lognormal", "p10": 1, "p50": 2, "p90": 9, "max": 20},
        "lognormal(p10 1, p50 2, p90 9, max 20)",
        (0, 20),
    ),
    (
        {"dist": "lognormal", "median": 2, "sigma": 0.3, "min": -1},
        "lognormal(median 2, sigma 0.3, min -1)",
        (0, INF),
    ),
    ({"dist": "uniform", "low": -1, "high": 2}, "uniform(low -1, high 2)", (-1, 2)),
    ({"dist": "loguniform", "low": 0.1, "high": 2}, "loguniform(low 0.1, high 2)", (0.1, 2)),
    (
        {"dist": "triangular", "low": 1, "mode": 1, "high": 2},
        "triangular(low 1, mode 1, high 2)",
        (1, 2),
    ),
    ({"dist": "pert", "low": 1, "mode": 2, "high": 2}, "pert(low 1, mode 2, high 2)", (1, 2)),
    ({"dist": "beta", "a": 2, "b": 3}, "beta(a 2, b 3)", (0, 1)),
    (
        {"dist": "beta", "a": 2, "b": 3, "low": 4, "high": 6},
        "beta(low 4, high 6, a 2, b 3)",
        (4, 6),
    ),
    (
        {"dist": "discrete", "values": [0, 1, 5], "weights": [0, 1, 1]},
        "discrete(values 0 1 5, weights 0 1 1)",
        (0, 5),
    ),
]


@pytest.mark.parametrize(("keys", "text", "support"), CASES)
def test_describe_and_support(
    keys: dict[str, Any], text: str, support: tuple[float, float]
) -> None:
    made = quantity(**keys)
    assert made.describe() == text
    assert made.support() == support
    assert made.uncertain == ("dist" in keys)


def test_a_reference_is_described_by_its_name() -> None:
    assert quantity(ref="delay").describe() == "= delay"
    assert not quantity(ref="delay").uncertain


def test_location_of_quantiles() -> None:
    centre, below, above = quantity(dist="normal", p10=1, p50=2, p90=5).location()
    # the scale on each side of the median gives the stated 10th and 90th percentile
    assert centre == 2.0
    assert (below * 1.2815515655446004, above * 1.2815515655446004) == pytest.approx((1.0, 3.0))
    assert quantity(dist="lognormal", p10=1, p90=100).location()[0] == pytest.approx(math.log(10))


@pytest.mark.parametrize("keys", [{"value": True}, {"value": "3"}, {"value": [3]}, {"values": 3}])
def test_only_numbers_are_numbers(keys: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        quantity(**keys)


def test_the_factor_is_not_a_key_of_a_file() -> None:
    with pytest.raises(ValidationError, match="factor"):
        quantity(value=1, factor=2.0)
    with pytest.raises(ValidationError, match="_factor"):
        quantity(value=1, _factor=2.0)


def test_a_copy_in_another_unit_leaves_the_first_as_it_was() -> None:
    stated = quantity(value=2)
    changed = stated.in_unit("cm", 10.0)
    assert (changed.support(), changed.unit) == ((20.0, 20.0), "cm")
    assert (stated.support(), stated.unit) == ((2.0, 2.0), None)
    assert changed != stated
