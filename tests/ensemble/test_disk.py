"""A run whose results cannot fit on the disk is refused before it starts."""

from pathlib import Path

import pytest

from tests.ensemble.fake import FakeSimulator, analyst_file
from yieldsim.ensemble import Folder, Memory, RunPlan, bytes_per_realization, check_space, disk
from yieldsim.errors import StoreError
from yieldsim.execute import execute

NAMES = ("baseline", "late")
FILE = analyst_file()
SOURCE = FakeSimulator(FILE, NAMES, seed=3)
PLAN = RunPlan(FILE, NAMES, 3, 1000, 16)
NEEDED = int(disk.LEAST_COMPRESSED * bytes_per_realization(SOURCE) * len(NAMES))  # a realization


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch):
    def install(free_bytes: int | None) -> None:
        monkeypatch.setattr(disk, "_free_bytes", lambda path: free_bytes)

    return install


def test_the_refusal_names_the_bytes_and_what_would_fit(tmp_path: Path, free) -> None:
    free(1000 * NEEDED - 1)
    with pytest.raises(StoreError) as caught:
        check_space(Folder(tmp_path / "x.zarr"), SOURCE, PLAN, 1000)
    message = str(caught.value)
    assert f"{1000 * NEEDED:,} bytes" in message
    assert f"{1000 * NEEDED - 1:,} are free" in message
    assert "--realizations 999" in message


@pytest.mark.parametrize(("free_bytes", "left"), [(NEEDED - 1, 1000), (500 * NEEDED, 900)])
def test_it_advises_no_number_that_would_be_refused(
    tmp_path: Path, free, free_bytes: int, left: int
) -> None:
    free(free_bytes)
    with pytest.raises(StoreError, match=r"; allowed: a larger disk$"):
        check_space(Folder(tmp_path / "x.zarr"), SOURCE, PLAN, left)


def test_what_may_fit_is_begun(tmp_path: Path, free) -> None:
    free(1000 * NEEDED)
    check_space(Folder(tmp_path / "x.zarr"), SOURCE, PLAN, 1000)


@pytest.mark.parametrize("place", [Folder("x.zarr"), Memory()])
def test_a_place_without_a_known_limit_is_not_refused(place, free) -> None:
    free(None if isinstance(place, Folder) else 0)
    check_space(place, SOURCE, PLAN, 2**32)


def test_the_disk_is_that_of_the_nearest_folder(tmp_path: Path) -> None:
    free_bytes = disk._free_bytes(tmp_path / "no" / "such" / "x.zarr")
    assert free_bytes is not None
    assert free_bytes > 0


def test_a_run_is_refused_before_it_writes(tmp_path: Path, free, monkeypatch) -> None:
    monkeypatch.setattr("yieldsim.supply.simulate.Simulator", FakeSimulator)
    free(0)
    with pytest.raises(StoreError, match="the disk cannot hold 4,294,967,296 realizations"):
        execute(FILE, realizations=2**32, out=tmp_path / "x.zarr")
    assert list(tmp_path.iterdir()) == []
