"""Stores under URLs (fsspec's memory:// here) and in zip files."""

import shutil
import subprocess
import sys
import uuid
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import xarray as xr

from tests.ensemble.fake import flip_bit, make_store, one_line
from yieldsim.ensemble import finalize, marked_blocks, open_ensemble, place_of, read_stored
from yieldsim.errors import IncompleteError, RetryError, StoreError, VerificationError

fsspec = pytest.importorskip("fsspec")


@pytest.fixture
def url() -> Iterator[str]:
    name = f"/{uuid.uuid4().hex}"
    yield f"memory:/{name}/x.zarr"
    with_files = fsspec.filesystem("memory")
    if with_files.exists(name):
        with_files.rm(name, recursive=True)


@pytest.fixture
def expected(finished_once: Path) -> xr.Dataset:
    return open_ensemble(finished_once).load()


@pytest.fixture
def zipped(finished_once: Path, tmp_path: Path) -> Path:
    """A finished store, the folder itself in the file."""
    parent = finished_once.parent
    return Path(shutil.make_archive(str(tmp_path / "x.zarr"), "zip", parent, finished_once.name))


def same_figures(ds: xr.Dataset, expected: xr.Dataset) -> None:
    xr.testing.assert_equal(ds.load(), expected)


def test_a_store_under_a_url_is_that_of_a_folder(url: str, expected: xr.Dataset) -> None:
    place = place_of(url)
    assert read_stored(place) is None
    writer, source = make_store(place, blocks=2)
    assert marked_blocks(place) == {0, 1}
    with pytest.raises(IncompleteError) as error:
        open_ensemble(url)
    one_line(error, "2 of 4 blocks are missing")
    for block in (2, 3):
        writer.write(block, source.block(*writer.plan.span(block)))
    finalize(place)
    same_figures(open_ensemble(url), expected)


def test_bytes_under_a_url_are_those_of_a_folder(url: str, begun_once: Path) -> None:
    place = place_of(url)
    make_store(place)
    for path in begun_once.rglob("*"):
        key = str(path.relative_to(begun_once))
        if path.is_file() and key not in ("zarr.json", "block_done/seal", "block_done/origin"):
            assert place.get(key) == path.read_bytes(), key


def test_a_creation_under_a_url_that_was_killed_is_done_again(url: str) -> None:
    place = place_of(url)
    place.put(".creating", b"someone")
    place.put("usable_chips/zarr.json", b"{}")
    assert read_stored(place) is None
    make_store(place, blocks=0)
    assert read_stored(place) is not None
    assert ".creating" not in place.sizes("")


def test_two_creations_under_a_url_do_not_mix(url: str) -> None:
    place = place_of(url)
    creating = place.creating()
    creating.__enter__().put("zarr.json", b"mine")
    make_store(place, blocks=1)
    before = place.get("zarr.json")
    with pytest.raises(RetryError) as error:
        creating.__exit__(None, None, None)
    one_line(error, url, "another process created it meanwhile")
    assert place.get("zarr.json") == before


def test_damage_under_a_url_is_an_error(url: str) -> None:
    place = place_of(url)
    make_store(place)
    finalize(place)
    key = "usable_chips/c.0.2.0.0"
    place.put(key, flip_bit(place.get(key) or b"", 77))
    with pytest.raises(VerificationError) as error:
        open_ensemble(url).load()
    one_line(error, url, "chunk c.0.2.0.0 of usable_chips does not match its checksum")


def test_an_unknown_protocol_is_refused_with_a_line() -> None:
    with pytest.raises(StoreError) as error:
        place_of("ftpx://host/x.zarr")
    one_line(error, "ftpx://host/x.zarr", "ftpx", "allowed: a folder, or a URL of fsspec")


def test_a_plain_install_says_which_extra_a_url_needs() -> None:
    code = (
        "import sys; sys.modules['fsspec'] = None\n"
        "from yieldsim.cli.main import main\n"
        "sys.exit(main(['summary', 's3://bucket/x.zarr']))"
    )
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert "yieldsim: error: s3://bucket/x.zarr: " in result.stderr
    assert "pip install 'yieldsim[s3]'" in result.stderr


@pytest.mark.parametrize("inside", ["the folder", "its content"])
def test_a_zipped_store_is_read(
    zipped: Path, finished_once: Path, expected: xr.Dataset, tmp_path: Path, inside: str
) -> None:
    path = zipped
    if inside == "its content":
        path = Path(shutil.make_archive(str(tmp_path / "content"), "zip", finished_once))
    same_figures(open_ensemble(path), expected)


def test_a_zipped_store_is_not_written(zipped: Path, tmp_path: Path) -> None:
    place = place_of(zipped)
    with pytest.raises(StoreError) as error:
        place.put("zarr.json", b"")
    one_line(error, "x.zarr.zip", "can only be read", "unzip it to change it")
    with pytest.raises(StoreError):
        make_store(place_of(tmp_path / "new.zip"))
    assert not (tmp_path / "new.zip").exists()


def test_a_damaged_zip_file_is_refused_with_a_line(zipped: Path) -> None:
    whole = zipped.read_bytes()
    zipped.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(StoreError) as error:
        open_ensemble(zipped)
    one_line(error, "x.zarr.zip", "is not a sound zip file")
    zipped.write_bytes(whole)
    with zipfile.ZipFile(zipped) as archive:
        start = archive.getinfo("x.zarr/usable_chips/c.0.2.0.0").header_offset
    zipped.write_bytes(flip_bit(whole, 8 * (start + 90)))  # beyond its header and name
    with pytest.raises((StoreError, VerificationError)) as either:
        open_ensemble(zipped).load()
    one_line(either, "x.zarr.zip")
