"""``yieldsim fit``: figures, JSON, picture, and one line for what is wrong."""

import json
import math

import numpy as np
import pytest

from tests.examples import thinned
from tests.wafer.fake_maps import draw_maps
from yieldsim.cli.main import main
from yieldsim.wafer.maps.files import save_maps
from yieldsim.wafer.maps.wafer_maps import FAIL, maps_from_grids

SEED = 31


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """Maps of two labels, and a third without a fail, which cannot be fitted.

    The better wafers are one lot, and the others another.
    """
    rng = np.random.default_rng(SEED)
    size = {"shape": (14, 14)}
    parts = [
        draw_maps(rng, 60, alpha_wafer=2.0, label="loose", **size),
        draw_maps(rng, 60, alpha_region=1.0, block=2, label="tight", **size),
        draw_maps(rng, 3, label="rare", density=lambda r: 0.0 * r, **size),
    ]
    grids = [part.grid(w) for part in parts for w in range(len(part))]
    maps = maps_from_grids(
        grids,
        [label for part in parts for label in part.label],
        lots=["good" if (grid == FAIL).mean() < 0.1 else "bad" for grid in grids],
    )
    path = tmp_path_factory.mktemp("maps") / "maps.npz"
    save_maps(path, maps)
    return path


def run(capsys, *arguments):
    code = main(["fit", *map(str, arguments)])
    out, err = capsys.readouterr()
    return code, out, err


def test_json_has_every_group_and_figure(capsys, file):
    code, out, err = run(capsys, file, "--json", "--confidence", "0.9", "--seed", "5")
    assert code == 0
    assert "left out: rare: no die failed" in err
    for label in ("all", "loose", "tight"):
        assert f"note: {label}: the 2 lots differ" in err
    whole = json.loads(out)
    assert whole["wafers"] == 123
    assert whole["confidence"] == 0.9
    assert whole["seed"] == 5
    assert "sandwich" in whole["intervals"]
    assert list(whole["groups"]) == ["all", "loose", "tight"]
    group = whole["groups"]["loose"]
    for name in (
        "mean_yield",
        "d0_per_die",
        "faults_per_die",
        "alpha_wafer",
        "alpha_region",
        "block_dies",
    ):
        low, value, high = (float(group[name][key]) for key in ("low", "value", "high"))
        assert low <= value <= high, name
    assert group["d0"] == group["d0_per_die"]
    assert float(group["alpha_wafer"]["low"]) <= 2.0 <= float(group["alpha_wafer"]["high"])
    assert len(group["profile"]["rho"]) == len(group["profile"]["ratio"])
    assert set(group["signatures"]) == {"edge_ring", "centre", "donut", "scratch"}
    assert group["signatures"]["scratch"]["rho"] is None  # JSON has no nan
    assert {"amplitude", "power", "chi2", "degrees", "p", "fits"} == set(group["profile_form"])
    refit = {row["name"]: row for row in group["refit"]}
    for name in ("mean yield", "sd between wafers", "neighbour-fail ratio"):
        assert abs(refit[name]["z"]) < 4.0, name
    assert math.isclose(sum(part["share"] for part in group["components"]), 1.0)


def test_the_same_seed_gives_the_same_bytes(capsys, file):
    arguments = (file, "--json", "--label", "tight")
    first, again, other = (
        run(capsys, *arguments, "--seed", seed)[1].replace(f'"seed": {seed}', "")
        for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


def test_table_and_picture(capsys, file, tmp_path):
    image = tmp_path / "fit.png"
    code, out, err = run(capsys, file, "--label", "tight", "--label", "all", "--png", image)
    assert code == 0
    assert image.read_bytes().startswith(b"\x89PNG")
    assert f"picture: {image}" in err
    assert "tight: 60 wafers" in out
    assert "all: 123 wafers" in out
    assert "loose" not in out
    lines = out.splitlines()
    refit = [line.split() for line in lines if line.strip().startswith("neighbour-fail ratio")]
    assert len(refit) == 2
    assert len(refit[0]) == 5


@pytest.mark.parametrize("ending", thinned(["csv", "xml"], 2))
def test_other_formats_give_the_same_fit(capsys, file, tmp_path, ending):
    from yieldsim.wafer.maps.files import load_maps

    maps = load_maps(file)
    same = tmp_path / f"maps.{ending}"
    save_maps(same, maps)
    wanted = json.loads(run(capsys, file, "--label", "loose", "--json")[1])["groups"]
    assert json.loads(run(capsys, same, "--label", "loose", "--json")[1])["groups"] == wanted


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--label", "nil"], 2, ["--label", "got 'nil'", "all, loose, rare, tight"]),
        (["--label", "rare"], 1, ["rare", "no die failed", "at most"]),
        (["--confidence", "1"], 2, ["--confidence", "got 1.0", "0 < C < 1"]),
        (["--png", "x.bmp"], 2, ["--png", "unknown image format", "png"]),
        (["--seed", "-1"], 2, ["--seed", "-1"]),
    ],
)
def test_wrong_options(capsys, file, arguments, code, words):
    got, out, err = run(capsys, file, *arguments)
    assert (got, out) == (code, "")
    assert_one_line(err, words)


@pytest.mark.parametrize(
    ("grid", "words"),
    [
        (np.ones((9, 9), int), ["all", "no die failed", "cannot be estimated"]),
        (np.full((9, 9), 2), ["all", "no die passed", "nothing can be estimated"]),
        (np.array([[1, 2], [2, 1]]), ["all", "too small", "3 or more"]),
    ],
)
def test_maps_that_say_nothing(capsys, tmp_path, grid, words):
    path = tmp_path / "maps.npz"
    save_maps(path, maps_from_grids([grid] * 12))
    code, out, err = run(capsys, path)
    assert (code, out) == (1, "")
    assert_one_line(err, words)


def test_broken_files(capsys, tmp_path):
    path = tmp_path / "maps.npz"
    path.write_bytes(b"PK\x03\x04 cut")
    code, _, err = run(capsys, path)
    assert code == 1
    assert_one_line(err, ["maps.npz", "cut short"])
    code, _, err = run(capsys, tmp_path / "none.npz")
    assert code == 1
    assert_one_line(err, ["none.npz", "No such file"])
    (tmp_path / "maps.tiff").write_bytes(b"II*")
    code, _, err = run(capsys, tmp_path / "maps.tiff")
    assert code == 2
    assert_one_line(err, ["unknown format", ".csv"])


def assert_one_line(err, words):
    assert err.count("\n") == 1, err
    assert err.startswith("yieldsim: error: ")
    for word in words:
        assert word in err, err
