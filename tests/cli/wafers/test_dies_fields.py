"""`yieldsim dies` with a notch, a flat, a reticle and the map."""

import json
import math
from typing import Any

import pytest
from click.testing import CliRunner, Result

from yieldsim.cli.wafers.dies import dies
from yieldsim.errors import UsageError

DIE = "--width 26 --height 33"
SMALL = "--width 10 --height 10"
THIN = "--width 0.05 --height 30 --scribe 0 --diameter 150"
# Dies of 6 mm, one centred on a wafer of 150 mm, edge exclusion 3 mm, by brute force.
ROUND_150 = sum(
    math.hypot(6 * abs(i) + 3, 6 * abs(j) + 3) <= 72 for i in range(-12, 13) for j in range(-12, 13)
)


def call(line: str) -> Result:
    return CliRunner().invoke(dies, line.split())


def figures(line: str) -> dict[str, Any]:
    result = call(f"{line} --json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.mark.parametrize(
    ("line", "gross_die", "whole", "partial"),
    [
        (DIE, 64, 64, 0),
        (f"{DIE} --notch", 64, 64, 0),
        (f"{DIE} --field 26,33", 64, 64, 0),
        (f"{DIE} --no-partial-fields", 64, 64, 0),
        # 2 x 3 dies in a field: 88 x 6 + 88 = 616, as without a reticle.
        (f"{SMALL} --field 26,33 --offset half", 616, 88, 24),
        (f"{SMALL} --field 26,33 --offset 0,0", 612, 89, 24),
        (f"{SMALL} --no-partial-fields --offset half", 552, 92, 0),
        (f"{SMALL} --dies-per-field 1,1 --offset half", 616, 616, 0),
        # The web calculator's case with 5 mm kept out at the notch: 698 dies without it.
        ("--width 9.2 --height 9.6 --offset 0,0.5", 698, 698, 0),
        ("--width 9.2 --height 9.6 --offset 0,0.5 --notch --notch-keep-out 5", 697, 697, 0),
        # The lowest row, of 5 dies, reaches down to 69 mm, the flat less 3 mm lies at 66.27 mm.
        ("--width 6 --height 6 --scribe 0 --diameter 150 --offset 0,0", ROUND_150, ROUND_150, 0),
        (
            "--width 6 --height 6 --scribe 0 --diameter 150 --offset 0,0 --flat",
            ROUND_150 - 5,
            ROUND_150 - 5,
            0,
        ),
    ],
)
def test_dies_and_fields(line: str, gross_die: int, whole: int, partial: int) -> None:
    got = figures(line)
    counts = (got["gross_die"], got["fields_whole"], got["fields_partial"])
    assert counts == (gross_die, whole, partial)


def test_the_figures_say_what_was_counted() -> None:
    got = figures(f"{SMALL} --notch")
    assert (got["notch"], got["notch_keep_out_mm"]) == ("notch", 4.25)
    assert (got["dies_per_field"], got["search"]) == (1, "all-offsets")
    assert figures(f"{SMALL} --offset half")["search"] == "half-pitches"
    assert "field_width_mm" not in got
    got = figures(f"{SMALL} --diameter 200 --flat --field 25,32 --dies-per-field 2,1 --offset 0,0")
    assert got["notch"] == "flat"
    assert got["flat_distance_mm"] == pytest.approx(95.778, abs=1e-3)
    assert (got["field_width_mm"], got["field_height_mm"]) == (25.0, 32.0)
    assert (got["field_columns"], got["field_rows"], got["dies_per_field"]) == (2, 1, 2)
    assert got["search"] == "given"
    assert figures(THIN)["search"] == "grid-of-8450-offsets"


def test_a_best_offset_of_fields_gives_the_same_when_typed_in() -> None:
    line = "--width 8 --height 16 --notch --field 26,33"
    best = figures(line)
    offset = f"--offset {best['offset_x_pitch']},{best['offset_y_pitch']}"
    again = figures(f"{line} {offset}")
    assert again["gross_die"] == best["gross_die"] > figures(f"{line} --offset half")["gross_die"]
    assert again["fields_partial"] == best["fields_partial"]
    printed = dict(text.split() for text in call(line).stdout.splitlines())
    assert printed["gross_die"] == str(best["gross_die"])


def test_the_map_shows_every_die_once() -> None:
    got = figures(f"{SMALL} --field 26,33 --offset half --map")
    assert len(got["map"]) == 28
    assert {len(line) for line in got["map"]} == {2 * 28}  # two characters a square die
    assert sum(len(line) - line.count(".") for line in got["map"]) == 2 * 616
    top = "....................####====####====...................."
    assert got["map"][0] == top
    # No die has the mark of a neighbouring field: fields are two dies wide.
    assert all("#####" not in line and "=====" not in line for line in got["map"])
    text = call(f"{SMALL} --field 26,33 --offset half --map").stdout
    assert text.split("\n\n")[1].splitlines() == got["map"]


def test_the_map_has_the_notch_at_the_bottom() -> None:
    line = "--width 8 --height 8 --scribe 0 --offset 0,0 --notch --notch-keep-out 20 --map"
    picture = figures(line)["map"]
    middle = len(picture[0]) // 2
    assert picture[0][middle] != "."
    assert picture[-1][middle] == "."
    assert figures("--width 200 --height 200 --offset 0.5,0.5 --map").get("map") is None


def columns(picture: list[str]) -> list[str]:
    """The picture of square dies on its side, two characters a die kept."""
    return ["".join(2 * line[i] for line in picture) for i in range(0, len(picture[0]), 2)]


@pytest.mark.parametrize("kind", ["notch", "flat --flat-length 120"])
def test_a_notch_or_flat_at_another_side_turns_the_wafer(kind: str) -> None:
    line = "--width 8 --height 8 --scribe 0"
    place, left, above = ("--offset 0.1,0.3", "--offset 0.3,-0.1", "--offset -0.1,-0.3")
    size, _, more = kind.partition(" ")
    below, on_left, on_top = (
        [row.replace("=", "#") for row in figures(f"{line} {more} {where} --map")["map"]]
        for where in (f"{place} --{size}", f"{left} --{size} left", f"{above} --{size} top")
    )
    assert on_top == [row[::-1] for row in below[::-1]]
    # the left column of the turned wafer is the bottom row, read downwards
    assert columns(on_left) == below[::-1]
    assert figures(f"{line} {more} --{size} left")["notch_side"] == "left"
    best = {
        figures(f"--width 9 --height 9 --{size} {side} {more}")["gross_die"]
        for side in ("bottom", "left", "right", "top")
    }
    assert len(best) == 1


def test_an_oblong_die_and_its_field_turn_with_the_notch() -> None:
    line = "--width 8 --height 16 --notch {} --notch-keep-out 30 --field 26,33"
    turned = "--width 16 --height 8 --notch {} --notch-keep-out 30 --field 33,26"
    got, other = figures(line.format("right")), figures(turned.format("bottom"))
    for name in ("gross_die", "fields_whole", "fields_partial"):
        assert got[name] == other[name]
    assert (got["die_width_mm"], got["pitch_x_mm"]) == (8.0, 8.1)
    assert (got["field_columns"], got["field_rows"]) == (3, 2)
    again = figures(
        f"{line.format('right')} --offset {got['offset_x_pitch']},{got['offset_y_pitch']}"
    )
    assert again["gross_die"] == got["gross_die"]


@pytest.mark.parametrize("flat", ["", "--flat --flat-length 70"])
def test_dies_that_the_edge_costs(flat: str) -> None:
    """Against points strewn over each die: all on the wafer, some, or none."""
    line = f"--width 7 --height 9 --scribe 0.2 --diameter 150 --offset 0.1,0.2 --edge 4 {flat}"
    got = figures(f"{line} --partial")
    y_flat = -math.sqrt(75.0**2 - 35.0**2) if flat else -math.inf
    steps = [i / 60 - 0.5 for i in range(61)]
    whole = cut = 0
    for i in range(-15, 16):
        for j in range(-15, 16):
            x, y = (i + 0.1) * 7.2, (j + 0.2) * 9.2
            inside = [
                math.hypot(x + 7 * a, y + 9 * b) <= 75.0 and y + 9 * b >= y_flat
                for a in steps
                for b in steps
            ]
            whole, cut = whole + all(inside), cut + (any(inside) and not all(inside))
    assert got["gross_die"] + got["edge_die"] == whole
    assert got["partial_die"] == cut
    assert "partial_die" not in figures(line)


def test_a_panel_holds_whole_rows_and_columns() -> None:
    got = figures(f"{DIE} --panel 510,515")
    # 510 - 2 * 3 + 0.1 = 504.1 mm hold 19 pitches of 26.1; 509.1 mm hold 15 of 33.1
    assert (got["gross_die"], got["columns"], got["rows"]) == (285, 19, 15)
    assert got["area_use"] == pytest.approx(285 * 858 / (510 * 515))
    got = figures("--width 10 --height 10 --scribe 0 --edge 0 --panel 600,600")
    assert got["gross_die"] == 3600


@pytest.mark.parametrize(
    ("line", "where", "got"),
    [
        (f"{DIE} --notch --flat", "--notch", None),
        (f"{DIE} --flat", "--flat", "'flat on 300 mm'"),
        (f"{DIE} --notch-keep-out 5", "--notch-keep-out", "5.0"),
        (f"{DIE} --notch --notch-keep-out nan", "--notch-keep-out", "nan"),
        (f"{DIE} --notch --notch-keep-out 0", "--notch-keep-out", "0"),
        (f"{DIE} --flat-length 60", "--flat-length", "60.0"),
        (f"{DIE} --flat --flat-length -1", "--flat-length", "-1"),
        (f"{DIE} --field 25,33", "--width, --height", "'26 x 33 mm'"),
        (f"{DIE} --field 26", "--field", "'26'"),
        (f"{DIE} --field a,b", "--field", "'a,b'"),
        (f"{DIE} --field 0,33", "--field", "0"),
        (f"{DIE} --field 26,nan", "--field", "nan"),
        (f"{DIE} --field 26,-33", "--field", "-33"),
        (f"{DIE} --dies-per-field 2,1", "--dies-per-field", "'2 x 1'"),
        (f"{DIE} --dies-per-field 0,1", "--dies-per-field", "0"),
        (f"{DIE} --dies-per-field 1.5,1", "--dies-per-field", "'1.5,1'"),
        ("--width 27 --height 33 --no-partial-fields", "--width, --height", "'27 x 33 mm'"),
        ("--width 0.5 --height 0.5 --map", "--map", "489"),
        ("--width 0.05 --height 0.05 --scribe 0 --offset half --map", "--map", "27142894"),
    ],
)
def test_bad_input_is_one_line(line: str, where: str, got: str | None) -> None:
    error = call(line).exception
    assert isinstance(error, UsageError), repr(error)
    message = str(error)
    assert message.startswith(f"{where}: ")
    assert "; allowed: " in message
    assert "\n" not in message
    assert (f", got {got};" in message) if got is not None else (", got " not in message)
