"""How likely realizations make a published figure, and which rows have a say."""

from pathlib import Path

import numpy as np
import pytest

from tests.analysis.conditioning.worlds import HEADER, evidence, row, world
from tests.ensemble.fake import one_line
from yieldsim.analysis.conditioning.likelihood import log_ratios, pieces_of, votes
from yieldsim.errors import ModelError

RAMP = world(np.repeat(np.arange(0.0, 101.0)[:, None], 4, axis=1))  # totals of 0, 4, ... 400
TOTALS = 4.0 * np.arange(101.0)


@pytest.mark.parametrize(
    ("figure", "spread", "low", "high", "sd"),
    [
        ({"central": 200}, "50", 200, 200, 50.0),
        ({"central": 200}, "20%", 200, 200, 40.0),
        ({"low": 100, "central": 200, "high": 300}, "20 %", 200, 200, 40.0),
        ({"low": 100, "high": 300}, "20%", 100, 300, 40.0),  # of the middle
        ({"high": 300}, "10%", 0, 300, 30.0),
        ({"low": 100}, "1e1", 100, 1e9, 10.0),
    ],
)
def test_the_error_is_normal_around_the_figure_or_outside_its_range(
    figure: dict, spread: str, low: float, high: float, sd: float, tmp_path: Path
) -> None:
    (piece,) = pieces_of(RAMP, evidence(tmp_path, row(**figure, spread=spread)))
    away = np.clip(low - TOTALS, 0.0, None) + np.clip(TOTALS - high, 0.0, None)
    np.testing.assert_allclose(piece.log_likelihood(), -0.5 * (away / sd) ** 2, rtol=1e-12)


def test_rows_of_one_group_share_a_vote(tmp_path: Path) -> None:
    several = [row(central=c, group="one") for c in (100, 200, 300)]
    pieces = pieces_of(RAMP, evidence(tmp_path, *several, row(central=50), row(central=60)))
    assert votes(pieces) == [1 / 3, 1 / 3, 1 / 3, 1.0, 1.0]
    alone = [piece.log_likelihood() for piece in pieces]
    expected = sum(alone[:3]) / 3 + alone[3] + alone[4]
    np.testing.assert_allclose(log_ratios(pieces), expected, rtol=1e-12)


def test_a_row_three_times_in_a_group_says_what_it_says_once(tmp_path: Path) -> None:
    once = log_ratios(pieces_of(RAMP, evidence(tmp_path, row(central=100))))
    thrice = evidence(tmp_path, *[row(central=100, group="copied")] * 3)
    np.testing.assert_allclose(log_ratios(pieces_of(RAMP, thrice)), once, rtol=1e-12)


def test_a_wider_spread_is_that_of_the_row(tmp_path: Path) -> None:
    pieces = pieces_of(RAMP, evidence(tmp_path, row(central=100, spread="10"), row(central=300)))
    wider = pieces_of(RAMP, evidence(tmp_path, row(central=100, spread="30"), row(central=300)))
    widened = {pieces[0].row.place: 3.0}
    np.testing.assert_allclose(log_ratios(pieces, widened), log_ratios(wider), rtol=1e-12)


def test_inputs_forecasts_and_what_is_not_compared_have_no_say(tmp_path: Path) -> None:
    header = HEADER.replace("role,", "role,sets,")
    rows = [
        "all,2024,,100,,chips,s,usable_chips,,check,,20%,g",
        "all,2024,,100,,chips,s,usable_chips,,input,a.b,,g",
        "all,2024,,100,,chips,s,usable_chips,,forecast,,,g",
        "all,2024,,100,,USD,s,,,check,,,g",
        "all,2031,,100,,chips,s,usable_chips,,check,,,g",
    ]
    pieces = pieces_of(RAMP, evidence(tmp_path, *rows, header=header))
    assert votes(pieces) == [1.0, 0.0, 0.0, 0.0, 0.0]
    assert "an input rests on it: a.b" in pieces[1].reason
    assert "forecast" in pieces[2].reason
    assert pieces[3].reason == "the row names no variable"
    assert "2031 is not there" in pieces[4].reason


@pytest.mark.parametrize(
    ("rows", "parts"),
    [
        ([row(central=1, spread="0")], ("line 2", "spread", "'0'", "above 0")),
        ([row(central=1, spread="0%")], ("line 2", "spread", "'0'", "above 0")),
        ([row(central=1, spread="-5")], ("line 2", "spread", "above 0")),
        ([row(central=1, spread="wide")], ("line 2", "spread", "must be a number")),
        ([row(central=1, spread="nan")], ("line 2", "spread")),
        ([row(central=1), row(central=1, spread="")], ("line 3", "spread", "is missing")),
        ([row(central=1, role="forecast")], ("no row that can weigh", "a forecast, not a count")),
        ([row("2031", central=1)], ("no figure that the ensemble can be compared with",)),
    ],
)
def test_evidence_that_cannot_weigh_is_refused(
    rows: list[str], parts: tuple[str, ...], tmp_path: Path
) -> None:
    with pytest.raises(ModelError) as error:
        pieces_of(RAMP, evidence(tmp_path, *rows))
    one_line(error, "evidence.csv", *parts)


def test_a_file_without_the_column_of_spreads_is_refused(tmp_path: Path) -> None:
    header = HEADER.replace(",spread,independence_group", "")
    path = evidence(tmp_path, "all,2024,,1,,chips,s,usable_chips,,check", header=header)
    with pytest.raises(ModelError) as error:
        pieces_of(RAMP, path)
    one_line(error, "evidence.csv line 2", "spread: is missing", "20%")
