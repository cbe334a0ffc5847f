"""`yieldsim yield --die` and `--monte-carlo`: figures, JSON and errors of one line."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from yieldsim.cli.wafers.yield_ import yield_
from yieldsim.errors import YieldsimError

DIE = "--width 26 --height 33 --d0 0.1"
FILE = """
[die]
width_mm = 26
height_mm = 33
[die.blocks.core]
kind = "core"
area_mm2 = 12
count = 32
[bins.full]
min_good_cores = 32
[bins.cut]
min_good_cores = 28
[process]
d0_per_cm2 = 0.1
alpha_wafer = 2
"""


def call(line: str) -> Result:
    return CliRunner().invoke(yield_, line.split())


def figures(line: str) -> dict[str, Any]:
    result = call(f"{line} --json")
    assert result.exit_code == 0, result.exception
    assert "NaN" not in result.stdout
    assert "Infinity" not in result.stdout
    return json.loads(result.stdout)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "die.toml"
    path.write_text(FILE, encoding="utf-8")
    return path


# Exact values of the reference cases: mean yield and SD of good dies of 64 on a wafer.
@pytest.mark.statistical
@pytest.mark.parametrize("fidelity", ["points", "dies", "expected"])
@pytest.mark.parametrize(
    ("options", "exact", "sd"),
    [("", 0.424009253371, 3.953533), ("--alpha 2", 0.489706132247, 14.732070)],
)
def test_reference_wafer(fidelity: str, options: str, exact: float, sd: float) -> None:
    line = f"{DIE} {options} --monte-carlo 4000 --fidelity {fidelity} --seed 5"
    found = figures(line)
    assert found["yield"] == pytest.approx(exact, rel=1e-11)
    assert found["method"] == "closed form"
    drawn = found["monte_carlo"]
    assert set(drawn) >= {"yield", "se", "wafers", "sd_good_per_wafer"}
    assert drawn["wafers"] == 4000
    # the table's error beside 4 standard errors: `expected` has none where nothing is drawn
    assert abs(drawn["yield"] - exact) < 4.0 * drawn["se"] + 1e-7
    # An SD of n wafers has a relative standard error of sqrt((kurtosis - 1) / 4 n), about
    # sqrt(1 / 2 n) = 1.1 % for a normal law; 5 % is more than 4 of it.
    assert drawn["sd_good_per_wafer"] == pytest.approx(sd, rel=0.05)


def test_several_fidelities_are_keyed(file: Path) -> None:
    line = f"--die {file} --monte-carlo 50 --fidelity points --fidelity expected"
    found = figures(line)["monte_carlo"]
    assert list(found) == ["points", "expected"]
    assert found["points"]["wafers"] == 50
    assert list(found["expected"]["bins"]) == ["full", "cut"]


def test_floorplan_file(file: Path) -> None:
    found = figures(f"--die {file}")
    # the same floorplan as plain options, whose harvest form is the oracle
    line = "--area 858 --d0 0.1 --alpha 2 --cores 32 --core-area 12 --min-good 32 --min-good 28"
    plain = figures(line)
    assert found["yield"] == pytest.approx(plain["yield"], rel=1e-12)
    assert list(found["bins"].values()) == pytest.approx(plain["bins"], rel=1e-12)
    assert figures(f"--die {file} --d0 0")["yield"] == pytest.approx(1.0, abs=1e-15)


def test_the_seed_decides(file: Path) -> None:
    lines = [f"--die {file} --monte-carlo 20 --seed {seed}" for seed in (1, 1, 2)]
    first, again, other = (figures(line)["monte_carlo"] for line in lines)
    assert first == again
    assert first["yield"] != other["yield"]


def test_harvest_options_are_simulated() -> None:
    line = "--d0 0.1 --cores 32 --core-area 12 --fatal-area 281 --min-good 30 --alpha 2"
    found = figures(f"{line} --monte-carlo 2000 --clusters die --fidelity dies")
    drawn = found["monte_carlo"]
    assert abs(drawn["yield"] - 0.76121436654564829) < 4.0 * drawn["se"]
    assert "monte_carlo" in call(f"{line} --monte-carlo 20").stdout


@pytest.mark.parametrize("fidelity", ["points", "expected"])
def test_one_wafer_or_lot_has_no_spread(file: Path, fidelity: str) -> None:
    line = f"--die {file} --fidelity {fidelity} --monte-carlo"
    one = figures(f"{line} 1")["monte_carlo"]
    assert one["se"] is None
    assert one["sd_good_per_wafer"] is None
    assert set(one["sd_by_bin"].values()) == {None}
    assert figures(f"{line} 2")["monte_carlo"]["sd_good_per_wafer"] > 0.0
    assert "sd_good_per_wafer - " in " ".join(call(f"{line} 1").stdout.split()) + " "
    # of a lot of 25 wafers that share its density
    text = FILE.replace("alpha_wafer", "alpha_lot")
    file.write_text(text, encoding="utf-8")
    lot = figures(f"{line} 25")["monte_carlo"]
    assert lot["se"] is None
    assert lot["sd_good_per_wafer"] is None
    assert figures(f"{line} 26")["monte_carlo"]["sd_good_per_wafer"] > 0.0


def test_errors_are_the_descriptions(file: Path) -> None:
    for old, new, words in (
        ("alpha_wafer = 2", "alpha_wafer = 1e-4", "process.alpha_wafer: must be a number >= 0.001"),
        ("[bins.full]", "[bins]\nfull = 24\n[bins.good]", "bins.full: must be a table, got 24"),
    ):
        file.write_text(FILE.replace(old, new), encoding="utf-8")
        for command in (f"--die {file}", f"--die {file} --monte-carlo 3 --fidelity dies"):
            error = call(command).exception
            assert isinstance(error, YieldsimError), repr(error)
            assert str(error).startswith(f"{file.name}: {words}")


def test_a_die_that_fits_nowhere_is_one_line(file: Path) -> None:
    text = FILE.replace("width_mm = 26", "width_mm = 200\noffset = [0.5, 0.5]")
    file.write_text(text.replace("height_mm = 33", "height_mm = 200"), encoding="utf-8")
    error = call(f"--die {file}").exception
    assert isinstance(error, YieldsimError), repr(error)
    assert str(error).startswith("die: no whole die on the wafer, got '200 x 200 mm'")


@pytest.mark.parametrize(
    ("line", "where", "got"),
    [
        ("--die FILE --area 3", "--area", "3.0"),
        ("--die FILE --width 3", "--width", "3.0"),
        ("--die FILE --min-good 3", "--min-good", "3"),
        ("--die FILE --d0 -1", "--d0", "-1"),
        ("--die FILE --monte-carlo 0", "--monte-carlo", "0"),
        ("--die FILE --monte-carlo 4000000000", "--monte-carlo", "4000000000"),
        ("--die missing.toml", "missing.toml", None),
        (f"{DIE} --seed 2", "--seed", "2"),
        (f"{DIE} --fidelity dies", "--fidelity", "'dies'"),
        (f"{DIE} --clusters die", "--clusters", "'die'"),
        (f"{DIE} --model murphy --monte-carlo 5", "--model", "'murphy'"),
        (f"{DIE} --area 800 --monte-carlo 5", "--area", "'800'"),
        ("--area 9e5 --d0 0.1 --monte-carlo 5", "die_width_mm, die_height_mm", None),
        ("--area 0 --d0 0.1 --monte-carlo 5", "--area", "0.0"),
        ("--area 9 --width -3 --d0 0.1 --monte-carlo 5", "--width", "-3"),
    ],
)
def test_bad_input_is_one_line(file: Path, line: str, where: str, got: str | None) -> None:
    error = call(line.replace("FILE", str(file))).exception
    assert isinstance(error, YieldsimError), repr(error)
    assert str(error).startswith(f"{where}: ")
    assert "\n" not in str(error)
    assert got is None or f", got {got};" in str(error)
