"""Wafer maps as NumPy arrays: die, offset, rows, cols; label, wafer, lot, pitch_mm where known.

Further arrays, where known: ``first``, ``notch`` (``WaferMaps`` says what they are), and
``hard_bin`` and ``soft_bin`` uint16[cell] with ``hard_bin_names`` and ``soft_bin_names``.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yieldsim.errors import ModelError
from yieldsim.wafer.maps.bins import MOST_BINS, Bins
from yieldsim.wafer.maps.formats.written_codes import Note, silent
from yieldsim.wafer.maps.options import ReadOptions
from yieldsim.wafer.maps.wafer_maps import CODES, FAIL, NONE, PASS, WaferMaps

__all__ = ["arrays_of", "load", "npz_bytes", "recognizes", "save"]

_MOST_BYTES = 2**33
_NEEDED = ("die", "offset", "rows", "cols")


def recognizes(head: bytes) -> bool:
    """Whether a file that begins so may be an archive of NumPy arrays."""
    return head.startswith(b"PK")


def load(path: Path, options: ReadOptions) -> WaferMaps:
    """Read a ``.npz`` of concatenated row-major maps. Raises ModelError and OSError."""
    arrays = arrays_of(path)
    for key in _NEEDED:
        if key not in arrays:
            allowed = ", ".join(_NEEDED)
            raise ModelError(
                str(path), f"has no array {key!r}", got=", ".join(arrays), allowed=allowed
            )
        if arrays[key].ndim != 1 or arrays[key].dtype.kind not in "iu":
            got = f"{arrays[key].dtype} of shape {arrays[key].shape}"
            raise ModelError(f"{path}: {key}", "wrong array", got=got, allowed="integers, one axis")
    die, wafers = arrays["die"], len(arrays["rows"])
    for key, size in (("cols", wafers), ("offset", wafers + 1)):
        if len(arrays[key]) != size:
            length = len(arrays[key])
            raise ModelError(f"{path}: {key}", "wrong length", got=length, allowed=str(size))
    if die.size and (int(die.max()) > 255 or int(die.min()) < 0):
        code = int(die.max()) if int(die.max()) > 255 else int(die.min())
        raise ModelError(f"{path}: die", "unknown code", got=code, allowed=CODES)
    maps = WaferMaps(
        die=die.astype(np.uint8),
        offset=arrays["offset"].astype(np.int64),
        rows=arrays["rows"].astype(np.int64),
        cols=arrays["cols"].astype(np.int64),
        label=_texts(path, arrays, "label", wafers, [""] * wafers),
        name=_texts(path, arrays, "wafer", wafers, [str(i) for i in range(wafers)]),
        lot=_texts(path, arrays, "lot", wafers, [""] * wafers),
        pitch_mm=_pitches(path, arrays, wafers),
        first=_integers(path, arrays, "first", (wafers, 2)),
        notch=_integers(path, arrays, "notch", (wafers,)),
        hard=_bins(path, arrays, "hard_bin"),
        soft=_bins(path, arrays, "soft_bin"),
    )
    return _chosen(str(path), maps, options).check(str(path))


def _chosen(where: str, maps: WaferMaps, options: ReadOptions) -> WaferMaps:
    """Return the maps with the dies that pass by the options' bins."""
    if options.pass_bins is None:
        return maps
    bins = maps.soft if options.bins == "soft" else maps.hard
    if bins is None:
        options.refuse_bins(where)
    assert bins is not None
    passes = np.array([bool(name and options.passes(name)) for name in bins.names])
    result = np.where(passes[bins.cell], PASS, FAIL)
    return replace(maps, die=np.where(maps.die > NONE, result, NONE).astype(np.uint8))


def arrays_of(path: Path) -> dict[str, NDArray[Any]]:
    """Return the arrays of a ``.npz``. Raises ModelError for no archive of arrays, and OSError."""
    with path.open("rb") as stream:  # an OSError of our own keeps the file's name
        try:
            with np.load(stream, allow_pickle=False) as archive:
                _check_size(path, archive)
                return {key: archive[key] for key in archive.files}
        except (ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error, AttributeError):
            raise ModelError(
                str(path), "cannot be read: cut short, or no NumPy archive", allowed="a whole .npz"
            ) from None


def _check_size(path: Path, archive: Any) -> None:
    """Raise ModelError for arrays that unpack to more than any set of maps."""
    size = sum(member.file_size for member in archive.zip.infolist())
    if size > _MOST_BYTES:
        allowed = f"{_MOST_BYTES} bytes, unpacked"
        raise ModelError(str(path), "arrays too large", got=size, allowed=allowed)


def _texts(
    path: Path, arrays: dict[str, NDArray[Any]], key: str, wafers: int, default: list[str]
) -> NDArray[np.str_]:
    if key not in arrays:
        return np.array(default, dtype=np.str_)
    if arrays[key].shape != (wafers,):
        got = arrays[key].shape
        raise ModelError(f"{path}: {key}", "wrong length", got=got, allowed=f"({wafers},)")
    return arrays[key].astype(np.str_)


def _pitches(path: Path, arrays: dict[str, NDArray[Any]], wafers: int) -> NDArray[np.float64]:
    pitch = arrays.get("pitch_mm", np.full((wafers, 2), np.nan))
    if pitch.shape != (wafers, 2) or pitch.dtype.kind not in "fiu":
        got = f"{pitch.dtype} of shape {pitch.shape}"
        raise ModelError(f"{path}: pitch_mm", "wrong array", got=got, allowed=f"({wafers}, 2)")
    return pitch.astype(np.float64)


def _integers(
    path: Path, arrays: dict[str, NDArray[Any]], key: str, shape: tuple[int, ...]
) -> NDArray[np.int64] | None:
    found = arrays.get(key)
    if found is None:
        return None
    if found.shape != shape or found.dtype.kind not in "iu":
        got = f"{found.dtype} of shape {found.shape}"
        raise ModelError(f"{path}: {key}", "wrong array", got=got, allowed=str(shape))
    return found.astype(np.int64)


def _bins(path: Path, arrays: dict[str, NDArray[Any]], key: str) -> Bins | None:
    cell = _integers(path, arrays, key, arrays["die"].shape)
    if cell is None:
        return None
    names = arrays.get(f"{key}_names", np.array([])).astype(np.str_).ravel().tolist()
    if cell.size and not 0 <= int(cell.min()) <= int(cell.max()) < min(len(names), MOST_BINS):
        got, allowed = f"{cell.min()} to {cell.max()}", f"0 to {len(names) - 1}, as {key}_names has"
        raise ModelError(f"{path}: {key}", "unknown bin", got=got, allowed=allowed)
    return Bins(cell.astype(np.uint16), tuple(names))


def columns_of(maps: WaferMaps) -> dict[str, NDArray[Any]]:
    """The arrays that every archive of maps holds."""
    return {
        "die": maps.die,
        "offset": maps.offset,
        "rows": maps.rows,
        "cols": maps.cols,
        "label": maps.label,
        "wafer": maps.name,
        "lot": maps.lot,
        "pitch_mm": maps.pitch_mm,
    }


def save(path: Path, maps: WaferMaps, note: Note = silent) -> None:
    """Write the arrays that :func:`load` reads."""
    arrays = columns_of(maps)
    if maps.first is not None:
        arrays["first"] = maps.first
    if maps.notch is not None:
        arrays["notch"] = maps.notch
    for key, bins in (("hard_bin", maps.hard), ("soft_bin", maps.soft)):
        if bins is not None:
            arrays |= {key: bins.cell, f"{key}_names": np.array(bins.names)}
    path.write_bytes(npz_bytes(arrays))


def npz_bytes(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Return an npz file of some arrays, with the name of this package as its comment.

    By that name a command knows a file that it may overwrite.
    """
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)  # type: ignore[arg-type]
    with zipfile.ZipFile(stream, "a") as archive:
        archive.comment = b"yieldsim"
    return stream.getvalue()
