"""Labels of a design: each shows where a tenth more of its constraint would add most dies."""

import pytest

from tests.supply.kernels.records_by_hand import FORMS, form_of
from yieldsim.outputs import ACCIDENT, ALLOCATION, DEFECTS, RELEASE, TOOL_GROUP, WAFER_PLAN
from yieldsim.supply.kernels import dies


@pytest.mark.parametrize("form", FORMS)
def test_a_tenth_more_of_what_holds_the_starts(form: str) -> None:
    gain = form_of(dies.starts_gain, form)
    assert gain(100.0, 100.0, 100.0, WAFER_PLAN) == pytest.approx(0.1)
    assert gain(100.0, 50.0, 50.0, TOOL_GROUP) == pytest.approx(0.1)
    # 10 % more tools would pass the plan
    assert gain(104.0, 100.0, 100.0, TOOL_GROUP) == pytest.approx(0.04)
    # wafers that only fill the buffer are no gain
    assert gain(104.0, 104.0, 100.0, TOOL_GROUP) == pytest.approx(0.04)
    assert gain(90.0, 100.0, 100.0, RELEASE) == 0.0


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("good", "cleaner", "held_by", "more", "others", "label"),
    [
        (0.40, 0.43, WAFER_PLAN, 0.10, 0.0, WAFER_PLAN),  # +7.5 % by 10 % fewer defects
        (0.20, 0.23, WAFER_PLAN, 0.10, 0.0, DEFECTS),  # +15 %
        (0.20, 0.23, WAFER_PLAN, 0.10, 2.0, ALLOCATION),  # a tenth of the others' wafers: +20 %
        (0.40, 0.43, WAFER_PLAN, 0.10, 1.0, WAFER_PLAN),  # of equal gains the starts
        (0.40, 0.43, ACCIDENT, 0.08, 0.0, ACCIDENT),
        (0.40, 0.43, TOOL_GROUP + 3, 0.10, 0.5, TOOL_GROUP + 3),
        (0.40, 0.43, TOOL_GROUP + 3, 0.04, 0.5, DEFECTS),
        (0.40, 0.41, RELEASE, 0.04, 0.5, ALLOCATION),
        (0.90, 0.91, RELEASE, 0.02, 0.0, RELEASE),
        (0.00, 0.00, WAFER_PLAN, 0.10, 9.0, DEFECTS),
    ],
)
def test_each_label_shows_where_it_adds_most(
    form: str,
    good: float,
    cleaner: float,
    held_by: float,
    more: float,
    others: float,
    label: float,
) -> None:
    assert form_of(dies.dies_limit, form)(good, cleaner, held_by, more, others) == label
