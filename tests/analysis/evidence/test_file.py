"""Figures that nothing published can have are refused, each in one line."""

from pathlib import Path

import pytest

from tests.analysis.conditioning.worlds import HEADER
from yieldsim.analysis.evidence.file import Published, read_published
from yieldsim.errors import ModelError


def read(folder: Path, central: str, spread: str = "") -> Published:
    path = folder / "mine.csv"
    row = f"x,2025,,{central},,chips,s,usable_chips,product=a,check,{spread},"
    path.write_text(f"{HEADER}{row}\n", encoding="utf-8")
    return read_published(path)[0]


@pytest.mark.parametrize(
    ("central", "spread", "message"),
    [
        ("-5", "", "central: must be a number, got '-5'; allowed: 0 to 1e+15"),
        ("1e16", "", "central: must be a number, got '1e16'; allowed: 0 to 1e+15"),
        ("5", "-1", "spread: must be a number, got '-1'; allowed: above 0, at most 1e+15"),
        ("5", "2000%", "spread: must be a number, got '2000'; allowed: above 0, at most 1000%"),
    ],
)
def test_an_impossible_figure_is_one_line(tmp_path: Path, central, spread, message) -> None:
    with pytest.raises(ModelError) as error:
        read(tmp_path, central, spread)
    assert f"mine.csv line 2 (x 2025): {message}" in str(error.value)


def test_a_spread_is_a_standard_deviation(tmp_path: Path) -> None:
    assert read(tmp_path, "0", "3").standard_deviation == 3.0
    assert read(tmp_path, "5", "1000%").standard_deviation == 50.0
