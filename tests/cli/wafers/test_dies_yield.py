"""The commands `dies` and `yield`: figures, JSON and errors of one line."""

import json
import math
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from yieldsim.cli.wafers.dies import dies
from yieldsim.cli.wafers.yield_ import yield_
from yieldsim.errors import UsageError

DIE = "--width 26 --height 33"
HARVEST = "--d0 0.1 --cores 32 --core-area 12"


def call(command: click.Command, line: str) -> Result:
    return CliRunner().invoke(command, line.split())


def figures(command: click.Command, line: str) -> dict[str, Any]:
    result = call(command, f"{line} --json")
    assert result.exit_code == 0, result.output
    assert "Infinity" not in result.stdout  # which JSON does not know
    return json.loads(result.stdout)


@pytest.mark.parametrize(
    ("line", "gross_die"),
    [
        (f"{DIE} --offset 0,0", 57),
        (f"{DIE} --offset 0,0.5", 56),
        (f"{DIE} --offset 0.5,0", 58),
        (f"{DIE} --offset 0.5,0.5", 64),
        (f"{DIE} --offset -0.5,0.5", 64),
        (DIE, 64),
        ("--width 10 --height 10 --scribe 0 --offset half", 621),
        ("--width 10 --height 10 --scribe 0", 626),
        ("--width 1cm --height 393.70078740157480mil --scribe 0", 626),
        ("--width 15 --height 15 --scribe 1 --edge 5 --notch --notch-keep-out 10", 229),
        ("--width 15 --height 15 --scribe 1 --edge 5 --notch left --notch-keep-out 1cm", 229),
        (
            "--width 15 --height 15 --scribe 1 --edge 5 --notch --notch-keep-out 10 --offset half",
            226,
        ),
        ("--width 100 --height 100 --diameter 150 --edge 3 --offset 0,0", 1),
        ("--width 100 --height 100 --diameter 150 --edge 3 --offset 0.5,0.5", 0),
    ],
)
def test_dies_counts(line: str, gross_die: int) -> None:
    assert figures(dies, line)["gross_die"] == gross_die


def test_inches_and_mils_are_millimetres() -> None:
    size = "--width 0.1in --height 200mil --diameter 3in --edge 1000um --flat"
    metric = "--width 2.54 --height 5.08 --diameter 76.2 --edge 1 --flat"
    assert figures(dies, size) == figures(dies, metric)


def test_dies_tells_what_it_counted() -> None:
    got = figures(dies, f"{DIE} --edge 5 --scribe 0.2")
    assert (got["pitch_x_mm"], got["pitch_y_mm"]) == (26.2, 33.2)
    assert got["usable_radius_mm"] == 145.0
    assert got["die_area_mm2"] == 858.0
    # Of the whole wafer, edge exclusion included.
    assert got["area_use"] == pytest.approx(got["gross_die"] * 858.0 / (math.pi * 150.0**2))


def test_the_best_offset_gives_the_same_count_when_typed_in() -> None:
    size = "--width 10 --height 10 --scribe 0"
    best = figures(dies, size)
    offset = f"{best['offset_x_pitch']},{best['offset_y_pitch']}"
    assert figures(dies, f"{size} --offset {offset}")["gross_die"] == best["gross_die"] == 626
    printed = dict(line.split() for line in call(dies, size).stdout.splitlines())
    offset = f"{printed['offset_x_pitch']},{printed['offset_y_pitch']}"
    assert figures(dies, f"{size} --offset {offset}")["gross_die"] == 626


def test_dies_prints_a_table() -> None:
    lines = call(dies, DIE).stdout.splitlines()
    assert lines[0].split() == ["gross_die", "64"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("--area 814 --d0 0.1", 0.44308218808216781),
        ("--area 814 --d0 0.1 --model murphy", 0.46809435799694824),
        ("--area 814 --d0 0.1 --model seeds", 0.55126791620727674),
        ("--area 814 --d0 0.1 --alpha 2", 0.50514005260528508),
        ("--area 814 --d0 0.1 --model negative-binomial --alpha 10", 0.45723171587703197),
        ("--area 814 --d0 0.1 --alpha inf", 0.44308218808216781),
        ("--area 814 --d0 0.1 --model bose-einstein --layers 25", 3.420329387716829e-7),
        ("--area 100 --d0 1 --model bose-einstein --layers 2.5", 2.0**-2.5),
        ("--area 8.14cm2 --d0 0.1", 0.44308218808216781),
        ("--width 22mm --height 37 --d0 0.1", 0.44308218808216781),
        ("--area 814 --width 22 --height 37 --d0 0.1", 0.44308218808216781),
        (f"{HARVEST} --fatal-area 281 --min-good 30 --alpha 2", 0.76121436654564829),
        (f"{HARVEST} --fatal-area 281 --min-good 30", 0.75011955384120537),
        (f"{HARVEST} --area 665 --min-good 25 --alpha inf", 0.75502833295903477),
        (f"{HARVEST} --area 700 --fatal-area 281 --min-good 32 --alpha 2", 0.56320378472943338),
    ],
)
def test_yield_figures(line: str, expected: float) -> None:
    assert figures(yield_, line)["yield"] == pytest.approx(expected, rel=1e-14)


def test_density_of_a_yield() -> None:
    got = figures(yield_, "--from-yield 0.8 --area 18")
    assert got["d0_per_cm2"] == pytest.approx(1.2396863961901165, rel=1e-14)
    assert got["yield"] == pytest.approx(0.8, rel=1e-14)
    harvest = "--cores 32 --core-area 12 --fatal-area 281 --min-good 30 --alpha 2"
    d0 = figures(yield_, f"{harvest} --from-yield 0.76121436654564829")["d0_per_cm2"]
    assert d0 == pytest.approx(0.1, rel=1e-9)


def test_yield_names_the_model_it_took() -> None:
    assert figures(yield_, "--area 1 --d0 0.1")["model"] == "poisson"
    got = figures(yield_, "--area 1 --d0 0.1 --alpha inf")
    assert (got["model"], got["alpha"]) == ("negative-binomial", "inf")


def test_several_bins_and_scrap_sum_to_one() -> None:
    got = figures(yield_, f"{HARVEST} --fatal-area 281 --min-good 32 --min-good 28 --alpha 2")
    assert got["yield"] == pytest.approx(0.76860161647672582, rel=1e-14)
    assert got["bins"][0] == pytest.approx(0.56320378472943338, rel=1e-14)
    assert sum(got["bins"]) + got["scrap"] == pytest.approx(1.0, abs=1e-15)
    assert got["min_good"] == [32, 28]


def test_yield_prints_a_table() -> None:
    lines = call(yield_, "--area 814 --d0 0.1 --alpha 2").stdout.splitlines()
    assert lines[0].split() == ["yield", "0.505140052605"]


@pytest.mark.parametrize(
    ("command", "line", "where", "got"),
    [
        (dies, "--width 260 --height 330", "--width, --height", "'260 x 330 mm'"),
        (dies, "--width nan --height 33", "--width", "nan"),
        (dies, "--width 26 --height inf", "--height", "inf"),
        (dies, "--width 0 --height 33", "--width", "0"),
        (dies, f"{DIE} --diameter 40", "--diameter", "40"),
        (dies, f"{DIE} --edge 150", "--edge", "150"),
        (dies, f"{DIE} --edge -1", "--edge", "-1"),
        (dies, f"{DIE} --scribe -0.1", "--scribe", "-0.1"),
        (dies, f"{DIE} --offset 0.5", "--offset", "'0.5'"),
        (dies, f"{DIE} --offset a,b", "--offset", "'a,b'"),
        (dies, f"{DIE} --offset 0.5,nan", "--offset", "'0.5,nan'"),
        (dies, f"{DIE} --offset 1e9,0", "--offset", "'1e9,0'"),
        (dies, f"{DIE} --offset best", "--offset", "'best'"),
        (dies, f"{DIE} --panel 510", "--panel", "'510'"),
        (dies, f"{DIE} --panel 20,20", "--width, --height", "'26 x 33 mm'"),
        (dies, f"{DIE} --panel -1,20", "--panel", "-1"),
        (dies, f"{DIE} --panel 510,515 --notch", "--notch", None),
        (dies, f"{DIE} --panel 510,515 --diameter 200", "--diameter", None),
        (yield_, "--d0 0.1", "--area", None),
        (yield_, "--area 814", "--d0", None),
        (yield_, "--area 800 --width 26 --height 33 --d0 0.1", "--area", "'800'"),
        (yield_, f"{HARVEST} --min-good 9 --area 700 --width 9 --height 9", "--area", "'700'"),
        (yield_, "--area 18 --from-yield 1.5", "--from-yield", "1.5"),
        (yield_, "--area 18 --from-yield 0", "--from-yield", "0"),
        (yield_, "--area 0 --from-yield 0.5", "--area", "0"),
        (yield_, "--area 18 --from-yield 0.5 --d0 1", "--d0", "1.0"),
        (yield_, "--area 18 --from-yield 0.5 --die x.toml", "--area", "18.0"),
        (yield_, "--area 814 --d0 -0.1", "--d0", "-0.1"),
        (yield_, "--area 814 --d0 nan", "--d0", "nan"),
        (yield_, "--area inf --d0 0.1", "--area", "inf"),
        (yield_, "--area 814 --d0 0.1 --alpha 0", "--alpha", "0"),
        (yield_, "--area 814 --d0 0.1 --alpha -2", "--alpha", "-2"),
        (yield_, "--area 814 --d0 0.1 --alpha nan", "--alpha", "nan"),
        (yield_, "--area 814 --d0 0.1 --model murphy --alpha 2", "--alpha", "2.0"),
        (yield_, "--area 814 --d0 0.1 --model negative-binomial", "--alpha", None),
        (yield_, "--area 814 --d0 0.1 --model bose-einstein", "--layers", None),
        (yield_, "--area 814 --d0 0.1 --model bose-einstein --layers 0", "--layers", "0"),
        (yield_, "--area 814 --d0 -1 --model bose-einstein --layers 2", "--d0", "-1"),
        (yield_, "--area 814 --d0 0.1 --layers 2", "--layers", "2.0"),
        (yield_, "--area 814 --d0 0.1 --min-good 2", "--min-good", "2"),
        (yield_, "--area 814 --d0 0.1 --core-area 2", "--core-area", "2.0"),
        (yield_, "--area 814 --d0 0.1 --fatal-area 2", "--fatal-area", "2.0"),
        (yield_, "--d0 0.1 --cores 32 --min-good 2 --fatal-area 1", "--core-area", None),
        (yield_, f"{HARVEST} --fatal-area 281", "--min-good", None),
        (yield_, f"{HARVEST} --min-good 30", "--fatal-area", None),
        (yield_, f"{HARVEST} --min-good 33 --fatal-area 281", "--min-good", "33"),
        (yield_, f"{HARVEST} --min-good 30 --fatal-area -1", "--fatal-area", "-1"),
        (yield_, f"{HARVEST} --min-good 30 --area 383", "--area", "383.0"),
        (yield_, f"{HARVEST} --min-good 30 --area 600 --fatal-area 281", "--area", "600.0"),
        (yield_, f"{HARVEST} --min-good 28 --min-good 30 --area 665", "--min-good", "[28, 30]"),
        (yield_, f"{HARVEST} --min-good 30 --area 665 --model seeds", "--model", "'seeds'"),
        (yield_, "--d0 0.1 --cores 0 --core-area 1 --min-good 0 --area 5", "--cores", "0"),
    ],
)
def test_bad_input_is_one_line(
    command: click.Command, line: str, where: str, got: str | None
) -> None:
    error = call(command, line).exception
    assert isinstance(error, UsageError), repr(error)
    assert error.exit_code == 2
    message = str(error)
    assert message.startswith(f"{where}: ")
    assert "; allowed: " in message
    assert "\n" not in message
    assert (f", got {got};" in message) if got is not None else (", got " not in message)


@pytest.mark.parametrize(
    ("command", "line"),
    [
        (dies, "--height 33"),
        (dies, "--width wide --height 33"),
        (dies, "--width 3parsec --height 33"),
        (dies, f"{DIE} --notch above"),
        (yield_, "--area 814 --d0 0.1 --model stapper"),
        (yield_, f"{HARVEST} --fatal-area 281 --min-good 2.5"),
    ],
)
def test_what_click_finds_is_a_usage_error_too(command: click.Command, line: str) -> None:
    assert call(command, line).exit_code == 2


def test_a_yield_of_one_has_no_defects() -> None:
    for model in ("poisson", "murphy", "seeds"):
        line = f"--from-yield 1 --area 18 --model {model}"
        assert call(yield_, line).stdout.splitlines()[-1].split() == ["d0_per_cm2", "0"]


def test_density_of_a_yield_of_a_floorplan(tmp_path: Path) -> None:
    path = tmp_path / "die.toml"
    path.write_text(
        "[die]\nwidth_mm = 10\nheight_mm = 10\n[process]\nd0_per_cm2 = 9\nalpha_wafer = 2\n"
    )
    got = figures(yield_, f"--die {path} --from-yield 0.64")
    # negative binomial on 1 cm2: alpha (Y^(-1/alpha) - 1)
    assert got["d0_per_cm2"] == pytest.approx(2.0 * (0.64**-0.5 - 1.0), rel=1e-9)
    assert got["yield"] == pytest.approx(0.64, rel=1e-9)
