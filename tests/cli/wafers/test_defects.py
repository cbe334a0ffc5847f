"""``yieldsim defects``, and the files that ``yieldsim wafer`` gives it."""

import json

import pytest

from yieldsim.cli.main import main

MODEL = """
name = "die"
[die]
width_mm = 20
height_mm = 20
[process]
d0_per_cm2 = 0.3
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("defects")
    (folder / "die.toml").write_text(MODEL)
    common = ["wafer", str(folder / "die.toml"), "--wafers", "4", "--seed", "3", "--json"]
    for version in ("1.2", "1.8"):
        file = str(folder / f"v{version}.klarf")
        assert main([*common, "--klarf", file, "--klarf-version", version]) == 0
    assert main([*common, "--map", str(folder / "test.e142")]) == 0
    return folder


def run(capsys, *arguments):
    code = main(["defects", *map(str, arguments)])
    out, err = capsys.readouterr()
    return code, out, err


@pytest.mark.parametrize("version", ["1.2", "1.8"])
def test_figures_and_kill_ratio(capsys, files, version):
    file = files / f"v{version}.klarf"
    code, out, err = run(capsys, file, "--maps", files / "test.e142", "--json")
    assert (code, err) == (0, "")
    got = json.loads(out)
    assert [row["wafer"] for row in got["wafers"]] == ["0", "1", "2", "3"]
    density = got["defects_per_cm2"]
    assert density["low"] < 0.3 < density["high"]
    assert density["value"] == sum(w["defects"] for w in got["wafers"]) / sum(
        w["area_cm2"] for w in got["wafers"]
    )
    every = got["kill_ratios"][0]
    assert (every["ratio"], every["failed"]) == (1.0, every["dies"])  # each defect kills its die
    assert every["dies"] == sum(w["dies_hit"] for w in got["wafers"])


def test_table_and_picture(capsys, files, tmp_path):
    image = tmp_path / "d.png"
    both = (files / "v1.2.klarf", files / "v1.8.klarf")
    code, out, _ = run(capsys, *both, "--png", image, "--cluster", "0.5in")
    assert code == 0
    assert image.read_bytes().startswith(b"\x89PNG")
    assert "repeaters: " in out
    assert len([line for line in out.splitlines() if line.startswith("0 ")]) == 8
    assert "nan" not in out


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["none.klarf"], 1, ["none.klarf", "No such file"]),
        (["FILE", "--field", "2"], 2, ["--field", "'2'", "2,3"]),
        (["FILE", "--field", f"{10**20},1"], 2, ["--field", f"'{10**20},1'", "1 to 1000"]),
        (["FILE", "--cluster", "0"], 2, ["--cluster", "got 0.0"]),
        (["FILE", "--png", "x.bmp"], 2, ["--png", "unknown image format"]),
        (["FILE", "--maps", "none.csv"], 1, ["none.csv", "No such file"]),
    ],
)
def test_bad_input_is_one_line(capsys, files, arguments, code, words):
    given = [files / "v1.2.klarf" if a == "FILE" else a for a in arguments]
    got, out, err = run(capsys, *given)
    assert (got, out) == (code, "")
    assert err.count("\n") == 1
    for word in words:
        assert word in err


def test_a_file_without_the_dies_inspected(capsys, files, tmp_path):
    text = (files / "v1.2.klarf").read_text()
    head, *plans = text.split("SampleTestPlan")
    bare = tmp_path / "bare.klarf"
    parts = [part.split(";\n", 1)[1].split(";\n", 1)[1] for part in plans]  # the area too
    bare.write_text(head + "".join(parts))
    code, out, _ = run(capsys, bare, "--json", "--png", tmp_path / "x.png")
    assert code == 0
    got = json.loads(out)
    assert (got["defects_per_cm2"]["value"], got["wafers"][0]["dies"]) == (None, 0)
    code, _, err = run(capsys, bare, "--maps", files / "test.e142")
    assert code == 1
    assert "does not list the dies inspected" in err
    assert main(["fit", str(bare)]) == 1
    assert "does not list the dies inspected" in capsys.readouterr().err


def test_klarf_needs_the_defects(capsys, files):
    line = ["wafer", str(files / "die.toml"), "--fidelity", "dies", "--klarf", "x.klarf"]
    assert main(line) == 2
    assert "--klarf: needs the defects, got 'dies'" in capsys.readouterr().err
