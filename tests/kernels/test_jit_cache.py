"""Compiled kernels between processes: no state of the cache may end or falsify a run."""

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from numba.core import config
from numba.core.dispatcher import Dispatcher

from tests.paths import ROOT
from yieldsim.kernels import jit_cache
from yieldsim.kernels.jit import jit
from yieldsim.kernels.jit_cache import KernelFiles, _folders

pytestmark = pytest.mark.skipif(config.DISABLE_JIT, reason="needs compiled kernels")


def new_kernel() -> Any:
    """The same kernel as another process would have it: nothing is compiled yet."""

    @jit
    def twice(x: float) -> float:
        return 2.0 * x

    assert isinstance(twice, Dispatcher)
    return twice


def hits_of(kernel: Any) -> int:
    """Calls a kernel, and returns how many compiled forms it took from the cache."""
    assert kernel(1.5) == 3.0
    return sum(kernel.stats.cache_hits.values())


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder for kernels; the tests' own state of the cache is forgotten."""
    forget = (_folders, jit_cache._is_writable, jit_cache._sweep)
    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path / "kernels"))
    monkeypatch.setattr(jit_cache, "_said", [])
    for function in forget:
        function.cache_clear()
    yield tmp_path / "kernels"
    for function in forget:
        function.cache_clear()


def stored(folder: Path) -> Path:
    (file,) = folder.glob("*/*.nbc")
    return file


def test_a_second_process_compiles_nothing(folder: Path) -> None:
    assert hits_of(new_kernel()) == 0
    assert hits_of(new_kernel()) == 1
    assert [path.suffix for path in stored(folder).parent.iterdir()] == [".nbc"]


@pytest.mark.parametrize(("option", "value"), [("BOUNDSCHECK", 1), ("OPT", 0)])
def test_kernels_of_other_options_are_not_used(
    folder: Path, monkeypatch: pytest.MonkeyPatch, option: str, value: int
) -> None:
    assert hits_of(new_kernel()) == 0
    with monkeypatch.context() as patch:
        patch.setattr(config, option, value)
        assert hits_of(new_kernel()) == 0
        assert hits_of(new_kernel()) == 1
    assert hits_of(new_kernel()) == 1


def test_a_folder_that_was_removed_meanwhile_is_made_again(folder: Path, capsys: Any) -> None:
    assert hits_of(new_kernel()) == 0
    shutil.rmtree(folder)
    assert [hits_of(new_kernel()) for _ in range(2)] == [0, 1]
    assert capsys.readouterr().err == ""


def flipped(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


DAMAGE = {
    "empty": lambda content: b"",
    "torn": lambda content: content[: len(content) // 2],
    "one bit": flipped,
    "text": lambda content: b"x" * len(content),
    "a pickle without its checksum": lambda content: content[32:],
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_costs_a_compilation(damage: str, folder: Path) -> None:
    hits_of(new_kernel())
    file = stored(folder)
    whole = file.read_bytes()
    file.write_bytes(DAMAGE[damage](whole))
    assert hits_of(new_kernel()) == 0
    assert hits_of(new_kernel()) == 1  # it was mended


def test_a_file_that_another_signature_wrote_is_not_used(folder: Path) -> None:
    files = KernelFiles(folder, "twice", "stamp")
    files.save("float64", "code for floats")
    content = stored(folder).read_bytes()
    files.save("int64", "code for integers")
    for path in folder.glob("*/*.nbc"):
        path.write_bytes(content)
    assert files.load("float64") == "code for floats"
    assert files.load("int64") is None


def test_a_folder_in_place_of_a_file_costs_a_note(folder: Path, capsys: Any) -> None:
    hits_of(new_kernel())
    file = stored(folder)
    file.unlink()
    file.mkdir()
    assert hits_of(new_kernel()) == 0
    assert "compiled kernels cannot be kept" in capsys.readouterr().err


def test_other_sources_are_swept_and_other_pythons_stay(folder: Path) -> None:
    KernelFiles(folder, "twice.py311", "an older text").save("float64", 1)
    place = stored(folder).parent
    (place / "twice.py311.nbi").write_bytes(b"Numba's own index")
    (place / "twice.py311.1.nbc").write_bytes(b"Numba's own file")
    (place / "twice.cpython-311.pyc").write_bytes(b"Python's")
    KernelFiles(folder, "twice.py313", "the text of now").save("float64", 2)
    KernelFiles(folder, "twice.py311", "the text of now").save("float64", 3)
    names = sorted(path.name.partition(".the")[0] for path in place.iterdir())
    assert names == ["twice.cpython-311.pyc", "twice.py311", "twice.py313"]


def test_kernels_of_a_folder_that_cannot_be_written_now_are_used(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    hits_of(new_kernel())
    _folders.cache_clear()
    # not by permissions: the superuser may write anyway
    monkeypatch.setattr(jit_cache, "_is_writable", lambda path: False)
    assert hits_of(new_kernel()) == 1
    assert capsys.readouterr().err == ""


def test_what_a_read_only_folder_lacks_goes_to_the_next(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = folder / "package"
    (source / "__pycache__").mkdir(parents=True)
    writable = jit_cache._is_writable
    monkeypatch.setattr(
        jit_cache, "_is_writable", lambda path: source not in path.parents and writable(path)
    )
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    beside, own = _folders(source, "", str(folder))
    assert (beside, own.parent) == (source / "__pycache__", folder / ".cache" / "numba")


def test_without_any_folder_there_is_one_note(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setattr(jit_cache, "_is_writable", lambda path: False)
    for _ in range(2):
        assert hits_of(new_kernel()) == 0
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "NUMBA_CACHE_DIR" in err


def test_a_full_disk_costs_a_note_and_leaves_no_partial_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    def half(path: Path, content: bytes) -> None:
        with path.open("wb") as stream:
            stream.write(content[: len(content) // 2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", half)
    assert hits_of(new_kernel()) == 0
    assert "No space left on device" in capsys.readouterr().err
    assert [path for path in folder.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("home", [None, "missing"])
def test_without_a_home_the_kernels_go_below_the_temporary_folder(
    home: str | None, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "package"
    source.mkdir()
    (source / "__pycache__").write_text("no folder can be made here", encoding="utf-8")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "missing"))
    if home is None:
        monkeypatch.delenv("HOME")
        monkeypatch.setattr(os.path, "expanduser", lambda path: path)  # a user without an entry
    (own,) = _folders(source, "", str(tmp_path))
    assert own.parent == tmp_path / f"yieldsim-{os.getuid()}"
    assert own.parent.stat().st_mode & 0o077 == 0


def test_a_temporary_folder_that_others_can_write_is_not_trusted(
    folder: Path, tmp_path: Path
) -> None:
    own = tmp_path / f"yieldsim-{os.getuid()}"
    assert jit_cache._is_ours(own)
    own.chmod(0o777)
    assert not jit_cache._is_ours(own)
    own.rename(tmp_path / "elsewhere")
    own.symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere").chmod(0o700)
    assert not jit_cache._is_ours(own)


def test_writers_and_readers_at_once_see_whole_files(folder: Path) -> None:
    """Two versions of the sources, each sweeping the other's files, and two signatures."""
    wrong: list[object] = []

    def work(stamp: str, key: str) -> None:
        for round_ in range(100):
            files = KernelFiles(folder, "twice", f"{stamp} of {round_ % 3}")
            expected = f"{files.stamp} {key}" * 1000
            files.save(key, expected)
            loaded = files.load(key)
            wrong.extend([] if loaded in (None, expected) else [loaded])

    threads = [
        threading.Thread(target=work, args=(stamp, key))
        for stamp in ("old", "new")
        for key in ("float64", "int64")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


PARTS_OF_THE_COMPILER = """
import sys
import numpy as np
from yieldsim.kernels.philox import column_uniforms
out = np.empty(3)
column_uniforms(np.uint64(1), np.uint64(2), np.uint32(3), np.uint64(4), out)
print(sum(column_uniforms.stats.cache_hits.values()), "numba.np.linalg" in sys.modules, *out)
"""


def test_a_kernel_from_the_cache_runs_without_the_compiler(tmp_path: Path) -> None:
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", PARTS_OF_THE_COMPILER]
    first, second = (
        subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    )
    assert first.split()[:2] == ["0", "True"]
    assert second.split() == ["1", "False", *first.split()[2:]]
