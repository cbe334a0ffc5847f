"""Creating a store: whole or not at all, and never into the store of another run."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.ensemble.fake import FakeSimulator, analyst_file, make_store, one_line
from yieldsim import open_ensemble
from yieldsim.ensemble import (
    Folder,
    RunPlan,
    check_same,
    create,
    finalize,
    read_stored,
)
from yieldsim.errors import RetryError, StoreError


def plan_of(**changed: object) -> RunPlan:
    values = {
        "file": analyst_file(),
        "scenarios": ("baseline", "late"),
        "seed": 3,
        "realizations": 50,
        "block_size": 16,
    }
    return RunPlan(**{**values, **changed})


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({"seed": 4}, "seed"),
        ({"scenarios": ("baseline",)}, "scenarios"),
        ({"scenarios": ("late", "baseline")}, "scenarios"),
        ({"realizations": 51}, "realizations"),
        ({"block_size": 17}, "block size"),
        ({"file": analyst_file().with_changes(["processes.n2.alpha=3"])}, "model"),
        ({"file": analyst_file(late={"changes": {"dies": {}}})}, "model"),
    ],
)
def test_another_run_is_refused(begun: Path, changed: dict[str, object], name: str) -> None:
    stored = read_stored(Folder(begun))
    assert stored is not None
    check_same(stored, plan_of())
    with pytest.raises(StoreError) as error:
        check_same(stored, plan_of(**changed))
    one_line(error, str(begun), f"{name} differs", "got", "allowed")


def test_another_version_does_not_continue_what_this_one_began(begun: Path) -> None:
    file = begun / "zarr.json"
    stored = read_stored(Folder(begun))
    mine = stored.attrs["versions"]["yieldsim"]
    file.write_text(file.read_text().replace(f'"yieldsim\\": \\"{mine}', '"yieldsim\\": \\"0.0.1'))
    with pytest.raises(StoreError, match=r"another version of yieldsim.*allowed: yieldsim 0\.0\.1"):
        check_same(read_stored(Folder(begun)), plan_of())


def test_a_disk_too_small_for_the_metadata_holds_nothing(small_disk: Path) -> None:
    (small_disk / "filler").write_bytes(bytes(4000 * 1024))
    with pytest.raises(StoreError) as error:
        make_store(Folder(small_disk / "x.zarr"))
    one_line(error, "x.zarr", "the disk is full")
    assert [path.name for path in small_disk.iterdir()] == ["filler"]


def test_a_place_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError) as error:
        make_store(Folder(tmp_path / "file" / "x.zarr"))
    one_line(error, "x.zarr", "cannot be written")


def test_a_store_appears_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*args: object) -> None:
        assert not (tmp_path / "x.zarr").exists()
        raise KeyboardInterrupt

    monkeypatch.setattr("yieldsim.ensemble.write.fill", killed)
    with pytest.raises(KeyboardInterrupt):
        make_store(Folder(tmp_path / "x.zarr"))
    assert list(tmp_path.iterdir()) == []


def test_two_creations_at_once_leave_the_first(tmp_path: Path) -> None:
    place, plan = Folder(tmp_path / "x.zarr"), plan_of()
    source = FakeSimulator(plan.file, plan.scenarios, plan.seed)
    with pytest.raises(RetryError, match="another process created it"), place.creating():
        create(place, source, plan, "the first")
    assert "the first" in read_stored(place).attrs["history"]
    assert [path.name for path in tmp_path.iterdir()] == ["x.zarr"]


def test_what_a_killed_creation_left_is_swept_when_it_is_old(tmp_path: Path) -> None:
    old, young = tmp_path / ".x.zarr.aa.creating", tmp_path / ".x.zarr.bb.creating"
    for folder in (old, young):
        folder.mkdir()
    os.utime(old, (0, 0))
    make_store(Folder(tmp_path / "x.zarr"))
    assert not old.exists()
    assert young.exists()  # its process may be alive


def test_what_a_creation_left_is_swept_when_its_process_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    place = Folder(tmp_path / "x.zarr")
    killed, alive, later = (place.creating() for _ in range(3))
    with monkeypatch.context() as patch:
        patch.setattr(os, "getpid", lambda: ended.pid)
        left = killed.__enter__().path
    mine = alive.__enter__().path
    elsewhere = tmp_path / f".x.zarr.ab-{ended.pid}-cd.creating"  # on another machine
    elsewhere.mkdir()
    later.__enter__()
    assert [path.exists() for path in (left, mine, elsewhere)] == [False, True, True]
    left.mkdir()  # by a process that lost against another
    Folder(tmp_path / "y.zarr").sweep()
    assert left.exists()
    place.sweep()
    assert [path.exists() for path in (left, mine, elsewhere)] == [False, True, True]


def test_an_empty_folder_becomes_the_store(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "x.zarr").symlink_to(tmp_path / "real")
    make_store(Folder(tmp_path / "x.zarr"))
    finalize(Folder(tmp_path / "x.zarr"))
    assert open_ensemble(tmp_path / "real").sizes["realization"] == 50
