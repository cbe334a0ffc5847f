"""The value of a schedule: two series, a position, a scale, and the series that multiply it."""

import numpy as np
import pytest

from tests.supply.kernels.records_by_hand import FORMS, column, form_of, table
from yieldsim.supply.kernels import curves

FIELDS = ("position", "scale", "factor")
LOW = np.array([[10.0, 20.0], [1.0, 0.5], [2.0, 4.0]])
HIGH = np.array([[30.0, 60.0], [1.0, 1.5], [2.0, 4.0]])


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("chain", "expected"),
    [
        ((-1, -1, -1), (40.0, 80.0)),  # halfway, times two
        ((1, -1, -1), (40.0, 60.0)),  # a factor of 1, then a quarter of the way from 0.5 to 1.5
        ((1, 2, -1), (80.0, 240.0)),  # and another of 2, then 4
        ((2, -1, -1), (80.0, 320.0)),
    ],
)
def test_factors_multiply_a_series(form: str, chain: tuple[int, ...], expected) -> None:
    drawn = table(
        FIELDS,
        3,
        position=column([0.5, 0.25, 0.7]),
        scale=column([2.0, 1.0, 1.0]),
        factor=column(chain),
    )
    value = form_of(curves.curve_value, form)
    got = [value(LOW, HIGH, drawn, 0, step, 3) for step in (0, 1)]
    assert got == pytest.approx(expected, rel=1e-15)
