"""Files of wafer maps: read in one call whatever their formats, and written."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

from yieldsim.errors import ModelError
from yieldsim.model.files.allowed import check_ordinary
from yieldsim.wafer.maps.formats.registry import format_to_read, format_to_write
from yieldsim.wafer.maps.formats.written_codes import Note, silent
from yieldsim.wafer.maps.notch import with_one_notch
from yieldsim.wafer.maps.options import PLAIN, ReadOptions
from yieldsim.wafer.maps.retests import without_retests
from yieldsim.wafer.maps.wafer_maps import PASS, WaferMaps, joined

__all__ = ["check_format", "load_maps", "save_maps"]

_MOST_CELLS = 2_000_000_000


def load_maps(paths: str | Path | Sequence[str | Path], options: ReadOptions = PLAIN) -> WaferMaps:
    """Read wafer maps from a file, or from several as one set.

    Where several files are given, a file that names no lot takes its own name as the lot, so that
    wafer 1 of two files is not the same wafer. A wafer that occurs twice in one lot was probed
    twice and counts once. Where the files say that notches lie at several sides, maps are turned.

    Raises UsageError for an unknown format; ModelError for a pipe or a device, another format than
    the ending says, a truncated file, or maps that are empty, ragged, without dies or of unknown
    codes; OSError if a file cannot be read.
    """
    files = [Path(paths)] if isinstance(paths, str | Path) else [Path(path) for path in paths]
    parts, cells = [], 0
    for path in files:
        check_ordinary(path, str(path))
        with _uncollected():
            part: WaferMaps = format_to_read(path).module.load(path, options)
        cells += len(part.die)
        if cells > _MOST_CELLS:
            allowed = f"at most {_MOST_CELLS:,} cells in all"
            raise ModelError(str(path), "maps too large", got=cells, allowed=allowed)
        if len(files) > 1:
            part = _with_lot(part, path.stem)
        parts.append(part)
    maps = without_retests(with_one_notch(joined(parts), options), options)
    if options.pass_bins is not None and not (maps.die == PASS).any():
        bins = ",".join(sorted(options.pass_bins))
        options.note(f"no die has a bin that passes ({bins}), so all dies fail")
    return maps


@contextmanager
def _uncollected() -> Iterator[None]:
    """Pause Python's garbage collector, which takes 40 % of the time of reading XML."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _with_lot(maps: WaferMaps, stem: str) -> WaferMaps:
    """Return the maps with a lot for each wafer that has none."""
    return replace(maps, lot=np.where(maps.lot == "", stem, maps.lot).astype(np.str_))


def save_maps(
    path: str | Path, maps: WaferMaps, kind: str | None = None, note: Note = silent
) -> None:
    """Write wafer maps in the format of that name, or of the file's ending.

    ``note`` takes a line that names what the maps have and the format cannot hold.

    Raises UsageError for an unknown ending, ModelError for maps that the format cannot hold, and
    OSError.
    """
    row = format_to_write(path, kind)
    row.module.save(Path(path), maps, note)
    if lost := row.lost(maps):
        note(f"{path}: this format does not hold {', '.join(lost)}")


def check_format(path: str | Path, kind: str | None = None) -> None:
    """Raise UsageError unless maps can be written in the format of the file's ending."""
    format_to_write(path, kind)
