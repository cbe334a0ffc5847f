"""Units convert within their dimension, there and back, and to no other dimension."""

import itertools

import pytest

from yieldsim.model import Quantity
from yieldsim.model.schema.fields import Spec, check_quantity
from yieldsim.units import DAYS_PER_QUARTER, UNITS, conversion_factor

PAIRS = list(itertools.product(UNITS, UNITS))
SAME = [(a, b) for a, b in PAIRS if UNITS[a][0] == UNITS[b][0]]
OTHER = [(a, b) for a, b in PAIRS if UNITS[a][0] != UNITS[b][0]]
# one rounding of each factor and one of their quotient or product
ROUNDING = 4 * 2.0**-53


@pytest.mark.parametrize(
    ("got", "wanted", "factor"),
    [
        ("%", "1", 0.01),
        ("1/mm2", "1/cm2", 100.0),
        ("cm", "mm", 10.0),
        ("um", "nm", 1000.0),
        ("mm", "nm", 1e6),
        ("day", "hour", 24.0),
        ("week", "day", 7.0),
        ("quarter", "day", DAYS_PER_QUARTER),
        ("quarter", "month", 3.0),
        ("wafer/quarter", "wafer/month", 1 / 3),
        ("wafer/week", "wafer/month", 365.25 / 12 / 7),
        ("kwafer", "wafer", 1000.0),
        ("stack/month", "stack/quarter", 3.0),
        ("PFLOPS", "TFLOPS", 1000.0),
        ("GB/s", "TB/s", 0.001),
    ],
)
def test_known_conversions(got: str, wanted: str, factor: float) -> None:
    assert conversion_factor(got, wanted) == pytest.approx(factor, rel=ROUNDING)


def test_there_and_back_is_one() -> None:
    assert len(SAME) > len(UNITS)
    for got, wanted in SAME:
        there_and_back = conversion_factor(got, wanted) * conversion_factor(wanted, got)
        assert there_and_back == pytest.approx(1.0, rel=ROUNDING)


def test_other_dimensions_are_refused_with_what_is_allowed() -> None:
    assert OTHER
    for got, wanted in [*OTHER, ("furlong", "mm"), ("", "mm")]:
        with pytest.raises(ValueError, match="wrong unit, got ") as caught:
            conversion_factor(got, wanted)
        allowed = str(caught.value).partition("; allowed: ")[2].split(", ")
        assert wanted in allowed
        assert got not in allowed


def test_a_quantity_converts_its_range_and_keeps_its_description() -> None:
    stated = Quantity(dist="uniform", low=80, high=95, unit="%", source="s", grade="assumed")
    made = check_quantity(stated, Spec("1", maximum=1.0))
    assert made.support() == (80 * 0.01, 95 * 0.01)
    assert made.describe() == "uniform(low 80, high 95)"
    assert made.unit == "%"
    assert stated.factor == 1.0  # unchanged


def test_a_quantity_without_a_unit_takes_that_of_its_field() -> None:
    made = check_quantity(Quantity(value=3, source="s", grade="assumed"), Spec("mm"))
    assert (made.unit, made.factor, made.support()) == ("mm", 1.0, (3.0, 3.0))
