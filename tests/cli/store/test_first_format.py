"""A store of format 1, which has no ledger: it is read and verified, and never written.

`first_format.zip` was made by the last revision that wrote this format (6f67f48): the small model
`benchmarks/analyst.toml`, four realizations in blocks of two, seed 5.
"""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from tests.cli.outcome import outcome
from tests.ensemble.fake import MODEL, flip_bit
from tests.paths import TESTS
from yieldsim import open_ensemble

ZIPPED = TESTS / "cli" / "store" / "first_format.zip"
RUN = ["--realizations", "4", "--block-size", "2", "--seed", "5"]
CHUNK = "usable_chips/c.0.1.0.0"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with zipfile.ZipFile(ZIPPED) as archive:
        archive.extractall(tmp_path / "x.zarr")
    return tmp_path / "x.zarr"


def files(path: Path) -> dict[Path, tuple[bytes, int]]:
    found = (file for file in path.rglob("*") if file.is_file())
    return {file: (file.read_bytes(), file.stat().st_mtime_ns) for file in found}


def test_it_opens_with_the_figures_that_it_holds(path: Path) -> None:
    ds = open_ensemble(path)
    assert ds.attrs["yieldsim_store"] == 1
    assert dict(ds.sizes) | {"scenario": 1, "realization": 4, "product": 1} == dict(ds.sizes)
    with xr.open_zarr(path) as plain:
        for name in ("usable_chips", "wafer_starts", "parameter_value"):
            np.testing.assert_array_equal(ds[name].values, plain[name].values)
    assert (ds["usable_chips"].values[:, :, -1] > 0.0).all()


def test_its_summary_is_that_of_its_figures(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = outcome(capsys, "summary", path, "--json")
    assert (code, err) == (0, "")
    yearly = json.loads(out)["yearly"]
    found = {r["year"]: r["p50"] for r in yearly if r["product"] == "accelerator"}
    chips = open_ensemble(path)["usable_chips"].astype(float)
    wanted = chips.groupby("quarter.year").sum().median("realization").squeeze()
    expected = dict(zip(map(str, wanted["year"].values), wanted.values.tolist(), strict=True))
    assert found == pytest.approx(expected)
    assert outcome(capsys, "summary", ZIPPED, "--json")[1] == out.replace(str(path), str(ZIPPED))


def test_its_chunks_are_verified(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for place in (path, ZIPPED):
        code, out, _ = outcome(capsys, "verify", place)
        assert code == 0
        assert out == (
            f"{place}: sound (2 blocks; format 1: only the checksums of chunks could be checked)\n"
        )
    (path / CHUNK).write_bytes(flip_bit((path / CHUNK).read_bytes(), 100))
    (path / "parameter_value" / "c.0.0.0").unlink()
    code, out, _ = outcome(capsys, "verify", path)
    first, second, last = sorted(out.splitlines()[:2]) + out.splitlines()[2:]
    assert code == 4
    assert (first, second) == (
        "parameter_value/c.0.0.0 is missing",
        f"{CHUNK} does not match its checksum",
    )
    assert last.endswith("; the same run again into another --out replaces it")
    before = files(path)
    for command in (["verify", path, "--repair"], ["finalize", path]):
        code, out, err = outcome(capsys, *command)
        assert (code, out, err.count("\n")) == (4, "", 1), command
        assert "the same run again into another --out" in err
    code, out, err = outcome(capsys, "summary", path)
    assert (code, out, err.count("\n")) == (4, "", 1)
    assert files(path) == before


def test_it_is_counted_and_complete(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = json.loads(outcome(capsys, "status", path, "--json")[1])
    assert (state["complete"], state["done"], state["damaged"]) == (True, 2, 0)
    assert outcome(capsys, "finalize", path)[0] == 0


@pytest.mark.parametrize(
    "command",
    [
        ["run", MODEL, "--out", "STORE", *RUN],
        ["work", "STORE", "--blocks", "0"],
        ["extend", "STORE", "--realizations", "8"],
        ["merge", "STORE", "--out", "other.zarr"],
        ["init", MODEL, "--out", "STORE", *RUN],
    ],
)
def test_it_is_not_written(
    path: Path, capsys: pytest.CaptureFixture[str], command: list[object]
) -> None:
    before = files(path)
    given = [path if word == "STORE" else word for word in command]
    code, out, err = outcome(capsys, *given)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert f"{path}: is of an older store format, so it can only be read; allowed: a" in err
    assert files(path) == before
