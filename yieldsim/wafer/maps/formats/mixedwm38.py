"""The archive of MixedWM38: maps of 52 x 52 cells, ``arr_0``, and flags of 8 defects, ``arr_1``.

J. Wang, C. Xu, Z. Yang, J. Zhang, X. Li, "Deformable convolutional networks for efficient
mixed-type wafer defect pattern recognition", IEEE Trans. Semicond. Manuf. 33 (2020) 587-596,
doi:10.1109/TSM.2020.3020985. A cell is 0 no die, 1 pass, 2 fail. Cells of 3, which the authors do
not describe, are read as no die, with a note.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from yieldsim.errors import ModelError
from yieldsim.wafer.maps.formats.npz import arrays_of, npz_bytes
from yieldsim.wafer.maps.formats.written_codes import Note, silent
from yieldsim.wafer.maps.options import ReadOptions
from yieldsim.wafer.maps.wafer_maps import CODES, FAIL, NONE, UNKNOWN_PITCH, WaferMaps

__all__ = ["load", "recognizes", "save"]

_KINDS = ("Center", "Donut", "Edge-Loc", "Edge-Ring", "Loc", "Near-full", "Scratch", "Random")
_UNEXPLAINED = 3


def recognizes(head: bytes) -> bool:
    """Whether a file that begins so may be such an archive."""
    return head.startswith(b"PK") and b"arr_0.npy" in head[:100]


def load(path: Path, options: ReadOptions) -> WaferMaps:
    """Read the maps; a map's label joins its defects by ``+``. Raises ModelError and OSError."""
    options.refuse_bins(str(path))
    arrays = arrays_of(path)
    grids, flags = arrays.get("arr_0"), arrays.get("arr_1")
    if grids is None or grids.ndim != 3 or grids.dtype.kind not in "iu" or not grids.size:
        got = "none" if grids is None else f"{grids.dtype} of shape {grids.shape}"
        raise ModelError(f"{path}: arr_0", "wrong array", got=got, allowed="integers, three axes")
    wafers, rows, cols = grids.shape
    low, high = int(grids.min()), int(grids.max())
    if low < NONE or high > _UNEXPLAINED:
        code = low if low < NONE else high
        raise ModelError(f"{path}: arr_0", "unknown code", got=code, allowed=CODES)
    strange = grids == _UNEXPLAINED
    if strange.any():
        maps = int(strange.any(axis=(1, 2)).sum())
        options.note(f"{path}: {int(strange.sum())} cells of {maps} maps are 3: read as no die")
    die = np.where(strange, NONE, grids).astype(np.uint8)
    labels = [""] * wafers
    if flags is not None:
        if flags.shape != (wafers, len(_KINDS)):
            allowed = f"({wafers}, {len(_KINDS)})"
            raise ModelError(f"{path}: arr_1", "wrong shape", got=flags.shape, allowed=allowed)
        labels = [_label(row) for row in (flags != 0).tolist()]
    whole = WaferMaps(
        die=die.ravel(),
        offset=np.arange(wafers + 1, dtype=np.int64) * (rows * cols),
        rows=np.full(wafers, rows, np.int64),
        cols=np.full(wafers, cols, np.int64),
        label=np.array(labels, np.str_),
        name=np.arange(wafers).astype(np.str_),
        lot=np.full(wafers, "", np.str_),
        pitch_mm=np.full((wafers, 2), UNKNOWN_PITCH),
    )
    return whole.check(str(path))


def _label(flags: list[bool]) -> str:
    return "+".join(kind for kind, flag in zip(_KINDS, flags, strict=True) if flag) or "Normal"


def save(path: Path, maps: WaferMaps, note: Note = silent) -> None:
    """Write the archive. Raises ModelError unless all maps have one grid."""
    shapes = {(int(r), int(c)) for r, c in zip(maps.rows, maps.cols, strict=True)}
    if len(shapes) > 1:
        got = ", ".join(f"{r} x {c}" for r, c in sorted(shapes)[:3])
        raise ModelError(str(path), "maps of several grids", got=got, allowed="one grid for all")
    ((rows, cols),) = shapes
    known = [set(str(label).split("+")) for label in maps.label]
    flags = np.array([[kind in found for kind in _KINDS] for found in known], np.int32)
    grids = np.minimum(maps.die, FAIL).reshape(len(maps), rows, cols).astype(np.int32)
    path.write_bytes(npz_bytes({"arr_0": grids, "arr_1": flags}))
