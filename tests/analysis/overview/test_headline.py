import numpy as np
import pytest

from yieldsim.analysis.overview.fans import COLUMNS, Fan
from yieldsim.analysis.overview.headline import headline, headline_years, words_of


def fan(quarters: tuple[int, ...] = (4, 4, 4, 2)) -> Fan:
    """The total over 2026 to 2029: P10, P50 and P90 of year y are 1, 2 and 3 times y - 2025."""
    values = np.zeros((1, 1, len(quarters), len(COLUMNS)))
    for year in range(len(quarters)):
        for times, name in enumerate(("p10", "p50", "p90"), 1):
            values[0, 0, year, COLUMNS.index(name)] = 400_000.0 * times * (year + 1)
    years = [str(2026 + year) for year in range(len(quarters))]
    return Fan(["baseline"], ["total"], years, list(quarters), values)


def binding(year: str, constraint: str, share: float, product: str = "total") -> dict:
    own = {"scenario": "baseline", "product": product, "year": year}
    return own | {"constraint": constraint, "share": share}


def test_the_years_are_the_last_whole_ones_before_the_outlook() -> None:
    assert headline_years(fan(), None) == ["2027", "2028"]
    assert headline_years(fan(), "2028Q1") == ["2026", "2027"]
    assert headline_years(fan(), "2026Q1") == ["2027", "2028"]  # all is an outlook
    assert headline_years(fan((2,)), None) == ["2026"]  # no year is whole


def test_the_answer_is_two_lines() -> None:
    shares = [
        binding("2027", "memory", 0.9, "ascend_910c"),
        *(binding("2027", "memory", 0.54), binding("2027", "packaging", 0.2)),
        binding("2028", "packaging", 0.4),
    ]
    index = {"parameter": "a.b", "kind": "first", "period": "2028", "significant": True}
    drivers = {"indices": [index | {"index": 0.25}]}
    gain = {"base": "baseline", "product": "total", "year": "2028", "input": "stack_yield"}
    gains = [gain | {"chips": 120_000.0, "chips_base": 2.4e6}]
    lines = headline(fan(), ["2027", "2028"], shares, drivers, gains, {"a.b": "yield of b"})
    assert lines == [
        "2027: 1.6 million usable AI chips (median), with 80 % probability 800,000 to 2.4 million; "
        "2028: 2.4 million (1.2 million to 3.6 million).",
        "What holds them down most often: memory (54 % in 2027) and packaging (40 % in 2028); "
        "10 % more of stack yield adds 5.0 % in 2028; "
        "“yield of b” alone explains 25 % of the variance of 2028.",
    ]


def test_what_is_not_known_is_left_out() -> None:
    assert headline(fan(), ["2027"], [], {"indices": []}, [], {})[1] == (
        "no single input stands out in the spread of 2027."
    )
    assert headline(fan(), ["2027"], [], None, [], {})[1] == "What holds them down is not known."


@pytest.mark.parametrize(
    ("chips", "words"),
    [(984_424.0, "984,000"), (999_499.0, "999,000"), (999_500.0, "1 million"), (0.0, "0")],
)
def test_chips_are_told_in_three_digits(chips: float, words: str) -> None:
    assert words_of(chips) == words
