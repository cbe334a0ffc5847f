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
        (f"{SMALL} --field 26,33", 616, 88, 24),
        (f"{SMALL} --field 26,33 --offset 0,0", 612, 89, 24),
        (f"{SMALL} --no-partial-fields", 552, 92, 0),
        (f"{SMALL} --dies-per-field 1,1", 616, 616, 0),
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
    assert (got["dies_per_field"], got["search"]) == (1, "half-pitches")
    assert "field_width_mm" not in got
    got = figures(f"{SMALL} --diameter 200 --flat --field 25,32 --dies-per-field 2,1 --offset 0,0")
    assert got["notch"] == "flat"
    assert got["flat_distance_mm"] == pytest.approx(95.778, abs=1e-3)
    assert (got["field_width_mm"], got["field_height_mm"]) == (25.0, 32.0)
    assert (got["field_columns"], got["field_rows"], got["dies_per_field"]) == (2, 1, 2)
    assert got["search"] == "given"
    assert figures(f"{DIE} --optimize")["search"] == "all-offsets"
    assert figures(f"{THIN} --optimize")["search"] == "grid-of-8450-offsets"


def test_an_optimized_offset_of_fields_gives_the_same_when_typed_in() -> None:
    line = "--width 8 --height 16 --notch --field 26,33"
    best = figures(f"{line} --optimize")
    offset = f"--offset {best['offset_x_pitch']},{best['offset_y_pitch']}"
    again = figures(f"{line} {offset}")
    assert again["gross_die"] == best["gross_die"] > figures(line)["gross_die"]
    assert again["fields_partial"] == best["fields_partial"]
    printed = dict(text.split() for text in call(f"{line} --optimize").stdout.splitlines())
    assert printed["gross_die"] == str(best["gross_die"])


def test_the_map_shows_every_die_once() -> None:
    got = figures(f"{SMALL} --field 26,33 --map")
    assert len(got["map"]) == 28
    assert {len(line) for line in got["map"]} == {2 * 28}  # two characters a square die
    assert sum(len(line) - line.count(".") for line in got["map"]) == 2 * 616
    top = "....................####====####====...................."
    assert got["map"][0] == top
    # No die has the mark of a neighbouring field: fields are two dies wide.
    assert all("#####" not in line and "=====" not in line for line in got["map"])
    text = call(f"{SMALL} --field 26,33 --map").stdout
    assert text.split("\n\n")[1].splitlines() == got["map"]


def test_the_map_has_the_notch_at_the_bottom() -> None:
    line = "--width 8 --height 8 --scribe 0 --offset 0,0 --notch --notch-keep-out 20 --map"
    picture = figures(line)["map"]
    middle = len(picture[0]) // 2
    assert picture[0][middle] != "."
    assert picture[-1][middle] == "."
    assert figures("--width 200 --height 200 --offset 0.5,0.5 --map").get("map") is None


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
        ("--width 0.05 --height 0.05 --scribe 0 --map", "--map", "27142894"),
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
