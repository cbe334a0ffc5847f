"""``yieldsim verify`` and ``status`` say what is damaged, missing and hidden."""

import json
import os
import shutil
from pathlib import Path

import pytest

from tests.ensemble.fake import FakeSimulator, flip_bit, make_store
from yieldsim.cli.main import main
from yieldsim.ensemble import Folder


@pytest.fixture(autouse=True)
def simulator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("yieldsim.supply.simulate.Simulator", FakeSimulator)


@pytest.fixture
def path(finished_once: Path, tmp_path: Path) -> Path:
    """A finished store of four blocks."""
    return Path(shutil.copytree(finished_once, tmp_path / "x.zarr"))


def test_verify_prints_each_damaged_key_and_mends(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", str(path)]) == 0
    assert capsys.readouterr().out == f"{path}: sound (4 blocks)\n"
    os.truncate(path / "binding" / "c.0.2.0.0", 9)
    for block in range(30):
        (path / "usable_chips" / f"c.0.{block}.0.0").unlink(missing_ok=True)
    assert main(["verify", str(path)]) == 4
    lines = capsys.readouterr().out.splitlines()
    assert "binding/c.0.2.0.0 has 9 bytes in place of" in "\n".join(lines)
    assert lines[-1].startswith(f"{path}: 5 damaged (4 blocks); `yieldsim verify")
    assert main(["verify", str(path), "--repair", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert (record["sound"], record["format"], record["blocks"]) == (True, 2, 4)
    assert record["damaged"] == {}
    assert len(record["repaired"]) == 5
    assert main(["verify", str(path), "--json"]) == 0
    capsys.readouterr()


def test_verify_prints_at_most_20_keys(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for chunk in path.glob("*/c.0.[123].*"):
        chunk.unlink()
    assert main(["verify", str(path)]) == 4
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 22
    assert lines[20].endswith("more")
    assert main(["verify", str(path), "--json"]) == 4
    record = json.loads(capsys.readouterr().out)
    assert len(record["damaged"]) > 20
    assert record["damaged"]["binding/c.0.1.0.0"] == "is missing"
    assert not record["sound"]


def test_verify_names_what_a_lost_part_of_the_ledger_hides(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (path / "block_done" / "record.0.2").unlink()
    (path / "block_done" / "seal").write_bytes(b"")
    for key in ("usable_chips/c.0.2.0.0", "product/c.0"):  # behind the record and the seal
        (path / key).write_bytes(flip_bit((path / key).read_bytes(), 77))
    assert main(["verify", str(path)]) == 4
    lines = capsys.readouterr().out.splitlines()
    hidden = {
        "block_done/seal": "the metadata of arrays, the coordinates and the summaries",
        "block_done/record.0.2": "the results of block 2 (baseline, late)",
    }
    for key, what in hidden.items():
        assert f"{key} vouches for {what}, not judged without it" in lines
    assert main(["verify", str(path), "--json"]) == 4
    record = json.loads(capsys.readouterr().out)
    assert record["unjudged"] == hidden
    assert set(record["damaged"]) == set(hidden)
    assert main(["verify", str(path), "--repair", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["unjudged"] == {}
    assert main(["verify", str(path)]) == 0


def test_status_counts_blocks_without_reading_chunks(
    path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def status(store: Path) -> dict[str, object]:
        assert main(["status", str(store), "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    for number in range(4):
        os.utime(path / "block_done" / f"record.0.{number}", (100 + 8 * number,) * 2)
    state = status(path)
    assert state == {
        "complete": True,
        "blocks": 4,
        "done": 4,
        "missing": 0,
        "damaged": 0,
        "realizations": 50,
        "realizations_per_second": pytest.approx((16 + 16 + 2) / 24),
    }
    (path / "block_done" / "c.0").unlink()
    (path / "block_done" / "c.1").write_bytes(b"half")
    (path / "block_done" / "record.0.2").unlink()
    state = status(path)
    assert [state[k] for k in ("complete", "done", "missing", "damaged")] == [False, 1, 1, 2]
    assert state["realizations_per_second"] is None
    begun = tmp_path / "begun.zarr"
    make_store(Folder(begun), blocks=2)
    assert (status(begun)["done"], status(begun)["missing"]) == (2, 2)
    assert main(["status", str(begun)]) == 0
    assert "not complete, 2 of 4 blocks done, 2 missing" in capsys.readouterr().out
