"""Calendar quarters."""

import pytest

from yieldsim.model.schema.calendar import quarter_index, quarter_name, quarter_range


def test_indices_count_quarters() -> None:
    assert quarter_index("2026Q1") - quarter_index("2024Q4") == 5
    assert quarter_range("2024Q4", "2025Q2") == ["2024Q4", "2025Q1", "2025Q2"]
    assert [quarter_name(quarter_index(q)) for q in ("1000Q1", "2999Q4")] == ["1000Q1", "2999Q4"]


@pytest.mark.parametrize(
    "text",
    ["2025Q5", "2025Q0", "-2025Q1", "2025-Q1", "2025-07", "0999Q4", "2025Q1\n", "２０２５Q1", ""],
)
def test_other_texts_are_not_quarters(text: str) -> None:
    with pytest.raises(ValueError, match="must be a quarter, got "):
        quarter_index(text)
