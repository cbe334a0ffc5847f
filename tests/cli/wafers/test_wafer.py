"""`yieldsim wafer`: figures that agree with one another in every form they are given in."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from yieldsim.cli.main import main
from yieldsim.wafer.maps.files import load_maps
from yieldsim.wafer.maps.wafer_maps import FAIL, PASS

MODEL = """
name = "small"
[die]
width_mm = 26
height_mm = 33
[die.blocks.core]
kind = "core"
count = 32
area_mm2 = 12
[bins.full]
min_good_cores = 32
[bins.cut]
min_good_cores = 28
[process]
d0_per_cm2 = 0.15
alpha_wafer = 2
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "small.toml"
    path.write_text(MODEL)
    return path


def record(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict:
    assert main(["wafer", *map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("fidelity", ["points", "dies"])
def test_dies_are_conserved_and_the_yield_is_theirs(file: Path, capsys, fidelity: str) -> None:
    got = record(capsys, file, "--wafers", 6, "--seed", 5, "--fidelity", fidelity)
    assert got["gross_die"] == 64  # cases.md: 26 x 33 mm at the best half-pitch offset
    shipped = [sum(wafer["good"].values()) for wafer in got["wafers"]]
    assert [n + w["scrap"] for n, w in zip(shipped, got["wafers"], strict=True)] == [64] * 6
    assert got["yield"] == pytest.approx(sum(shipped) / (6 * 64), rel=1e-12)


def test_a_wafer_is_the_same_whichever_others_are_drawn(file: Path, capsys) -> None:
    many = record(capsys, file, "--wafers", 4, "--seed", 5)["wafers"]
    one = record(capsys, file, "--first", 2, "--seed", 5)["wafers"]
    assert one == [many[2]]
    assert many[0] != {**many[1], "wafer": 0}


def test_every_form_shows_the_same_dies(file: Path, tmp_path: Path, capsys) -> None:
    npz, csv, g85 = (str(tmp_path / name) for name in ("w.npz", "w.csv", "w.xml"))
    options = ["--wafers", "3", "--seed", "5"]
    got = record(capsys, file, *options, "--npz", npz, "--map", csv)
    assert main(["wafer", str(file), *options, "--map", g85]) == 0
    lines = capsys.readouterr().out.splitlines()
    shipped = [sum(wafer["good"].values()) for wafer in got["wafers"]]
    for path in (npz, csv, g85):
        maps = load_maps(path)
        grids = [maps.grid(number) for number in range(3)]
        assert [int((grid == PASS).sum()) for grid in grids] == shipped
        assert [int((grid == FAIL).sum()) for grid in grids] == [64 - n for n in shipped]
    for number, wafer in enumerate(got["wafers"]):
        rows = re.findall(r"<Row>(.*)</Row>", Path(g85).read_text().split("<Map ")[number + 1])
        assert ["".join(rows).count(code) for code in "12F"] == [
            wafer["good"]["full"],
            wafer["good"]["cut"],
            wafer["scrap"],
        ]
        listed = [line for line in Path(csv).read_text().splitlines() if line[:2] == f"{number},"]
        assert sum(line.endswith(",full") for line in listed) == wafer["good"]["full"]
        assert sum(line.endswith(",cut") for line in listed) == wafer["good"]["cut"]
    pictures = "".join(lines[:-1])
    full = sum(wafer["good"]["full"] for wafer in got["wafers"])
    assert sum(line.split().count("1") for line in lines[:-1]) == full
    assert pictures.count(".") == 3 * 64 - sum(shipped)
    with np.load(npz) as arrays:
        assert arrays["bin"].shape == arrays["density_per_cm2"].shape == (3, 64)
        assert [int((row < 2).sum()) for row in arrays["bin"]] == shipped


@pytest.mark.parametrize("wafers", [1, 3])
def test_a_picture_is_drawn(file: Path, tmp_path: Path, wafers: int, capsys) -> None:
    path = tmp_path / "w.png"
    assert main(["wafer", str(file), "--wafers", str(wafers), "--png", str(path)]) == 0
    assert path.read_bytes().startswith(b"\x89PNG")
    assert capsys.readouterr().err == f"picture: {path}\n"


def test_a_product_of_a_supply_model(capsys) -> None:
    no_escapes = ["--set", "dies.ascend_910.test_escape=0"]
    got = record(capsys, "baseline", "--product", "ascend_910b", "--d0", 0, *no_escapes)
    assert list(got["wafers"][0]["good"]) == ["full", "cut"]
    assert got["d0_per_cm2"] == 0.0
    # without defects all that is lost are systematic and parametric losses, the same in any bin
    assert got["wafers"][0]["good"]["cut"] == 0
    assert 0.5 < got["yield"] < 1.0


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["none.toml"], 1, "none.toml"),
        (["baseline"], 2, "--product: a supply model needs --product"),
        (["baseline", "--product", "x"], 2, "--product: is not in the model, got 'x'; allowed: "),
        (
            ["baseline", "--product", "ascend_910b", "--process", "x"],
            2,
            "--process: is not in the model, got 'x'; allowed: ",
        ),
        (["FILE", "--process", "n2"], 2, "--process: needs --product, got 'n2'"),
        (["FILE", "--set", "a=1"], 2, "--set: needs --product"),
        (["FILE", "--scenario", "x"], 2, "--scenario: needs --product, got 'x'"),
        (["FILE", "--d0", "-1"], 2, "--d0: out of range, got -1; allowed: a finite number >= 0"),
        (["FILE", "--d0", "nan"], 2, "--d0: "),
        (["FILE", "--wafers", "0"], 2, "Invalid value for '--wafers'"),
        (["FILE", "--fidelity", "x"], 2, "Invalid value for '--fidelity'"),
        (["FILE", "--png", "x.bmp"], 2, "--png: unknown image format, got 'x.bmp'"),
        (["FILE", "--npz", "x.txt"], 2, "--npz: unknown format, got 'x.txt'"),
        (["FILE", "--map", "x.txt"], 2, "x.txt: unknown format of wafer maps, got '.txt'"),
        (["FILE", "--map", "none/x.csv"], 2, "--map: no such folder, got 'none'"),
        (["FILE", "--npz", "none/x.npz"], 2, "--npz: no such folder, got 'none'"),
    ],
)
def test_bad_input_is_one_line(
    file: Path, capsys, arguments: list[str], code: int, message: str
) -> None:
    given = [str(file) if argument == "FILE" else argument for argument in arguments]
    assert main(["wafer", *given]) == code
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1
