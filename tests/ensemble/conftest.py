"""Stores to spoil, begun (all blocks, not finalized) and finished, and a small disk."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ensemble.fake import make_store
from yieldsim.ensemble import Folder


@pytest.fixture(scope="session")
def begun_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("begun") / "x.zarr"
    make_store(Folder(path))
    return path


@pytest.fixture
def path(finished_once: Path, tmp_path: Path) -> Path:
    """A finished store of four blocks."""
    return Path(shutil.copytree(finished_once, tmp_path / "x.zarr"))


@pytest.fixture
def begun(begun_once: Path, tmp_path: Path) -> Path:
    """A store with all four blocks, not finalized."""
    return Path(shutil.copytree(begun_once, tmp_path / "x.zarr"))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MiB."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("this machine does not let tests mount a file system")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)
