"""``yieldsim maps``: figures by lot, conversion, pictures; and the pages of the other commands."""

import json

import numpy as np
import pytest

from yieldsim.cli.main import main
from yieldsim.wafer.maps.files import load_maps, save_maps
from yieldsim.wafer.maps.wafer_maps import maps_from_grids


@pytest.fixture
def file(tmp_path):
    rng = np.random.default_rng(4)
    grids = [rng.integers(1, 3, (6, 5)) for _ in range(6)]
    names, lots = ["1", "2", "3"] * 2, ["A"] * 3 + ["B"] * 3
    path = tmp_path / "m.npz"
    save_maps(path, maps_from_grids(grids, names=names, lots=lots))
    return path


def run(capsys, *arguments):
    code = main(["maps", *map(str, arguments)])
    out, err = capsys.readouterr()
    return code, out, err


def test_figures_by_lot_and_wafer(capsys, file):
    maps = load_maps(file)
    code, out, _ = run(capsys, file, "--json")
    assert code == 0
    got = json.loads(out)
    assert [lot["lot"] for lot in got["lots"]] == ["A", "B"]
    assert got["lots"][0]["yield"] == float((maps.die[:90] == 1).mean())
    assert [wafer["yield"] for wafer in got["wafers"]] == [
        float((maps.grid(w) == 1).mean()) for w in range(6)
    ]
    lines = run(capsys, file)[1].splitlines()
    assert lines[0].startswith("6 wafers, 2 lots: yield ")
    assert len(lines) == 3 + 2 + 6


@pytest.mark.parametrize(
    ("name", "lost"),
    [
        ("x.csv", ""),
        ("x.g85", ""),
        ("x.e142.xml", ""),
        ("x.sinf", ""),
        ("x.mixedwm38.npz", "note: OUT: this format does not hold lots, names of wafers\n"),
    ],
)
def test_maps_are_written_in_another_format(capsys, file, tmp_path, name, lost):
    out = tmp_path / name
    code, _, err = run(capsys, file, "--out", out)
    assert (code, err) == (0, lost.replace("OUT", str(out)) + f"maps: {out}\n")
    again = load_maps(tmp_path / name)
    np.testing.assert_array_equal(again.die, load_maps(file).die)


def test_picture_and_page(capsys, file, tmp_path):
    png, html = tmp_path / "m.png", tmp_path / "m.html"
    assert run(capsys, file, "--png", png, "--html", html)[0] == 0
    assert png.read_bytes().startswith(b"\x89PNG")
    page = html.read_text()
    assert page.count("<svg") == 1
    assert "lot A" in page
    assert "http://" not in page.replace("http://www.w3.org", "").replace(
        "http://purl.org", ""
    ).replace("http://creativecommons.org", "")  # names of XML, nothing that is loaded
    assert run(capsys, file, "--html", html)[0] == 0  # a page of its own is overwritten


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["FILE", "--out", "x.klarf"], 2, ["x.klarf", "unknown format", ".sinf"]),
        (["FILE", "--html", "x.pdf"], 2, ["--html", "'x.pdf'", ".html"]),
        (["FILE", "--pass-bins", ","], 2, ["--pass-bins", "names no bin"]),
        (["none.xml"], 1, ["none.xml", "No such file"]),
        ([], 2, ["MAPS"]),
    ],
)
def test_bad_input_is_one_line(capsys, file, arguments, code, words):
    got, out, err = run(capsys, *(file if a == "FILE" else a for a in arguments))
    assert (got, out) == (code, "")
    assert err.count("\n") == 1
    for word in words:
        assert word in err


def test_a_wafer_as_a_page(capsys, tmp_path):
    model, page = tmp_path / "d.toml", tmp_path / "w.html"
    model.write_text("[die]\nwidth_mm = 30\nheight_mm = 30\n[process]\nd0_per_cm2 = 0.1\n")
    assert main(["wafer", str(model), "--html", str(page)]) == 0
    out = capsys.readouterr().out
    assert out.strip().splitlines()[-1] in page.read_text()


def test_pass_bins_that_no_die_has_are_noted(capsys, tmp_path):
    path = tmp_path / "m.csv"
    path.write_text("x,y,hard_bin\n0,0,1\n1,0,7\n")
    code, _, err = run(capsys, path, "--pass-bins", "98,99")
    assert (code, err) == (0, "note: no die has a bin that passes (98,99), so all dies fail\n")


def test_pass_bins_of_a_table_without_bins_are_refused(capsys, file, tmp_path):
    path = tmp_path / "m.csv"
    run(capsys, file, "--out", path)
    code, _, err = run(capsys, path, "--pass-bins", "98,99")
    assert (code, err.count("\n")) == (2, 1)
    assert "has no bins" in err
    assert run(capsys, path, "--pass-bins", "pass")[2] == ""
