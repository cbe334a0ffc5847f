"""Whether the disk can hold a run, before the run starts."""

from __future__ import annotations

import os
from pathlib import Path

from yieldsim.ensemble.layout import BlockSource, RunPlan, bytes_per_realization
from yieldsim.ensemble.storage import Folder, Place
from yieldsim.errors import StoreError

# The least share of its bytes that a compressed ensemble is assumed to keep. The baseline keeps
# 57 % (1,024 realizations, blocks of 128), models with many constant figures keep fewer.
LEAST_COMPRESSED = 0.25


def check_space(place: Place, source: BlockSource, plan: RunPlan, realizations: int) -> None:
    """Refuse a run whose results cannot fit on the disk even if they compress unusually well.

    ``realizations`` of the plan remain to be stored. Raises StoreError with the bytes needed and
    the bytes free.
    """
    if not isinstance(place, Folder):
        return
    each = bytes_per_realization(source) * len(plan.scenarios)
    needed, free = int(LEAST_COMPRESSED * each) * realizations, _free_bytes(place.path)
    if free is not None and needed > free:
        problem = (
            f"the disk cannot hold {realizations:,} realizations: they need at least "
            f"{needed:,} bytes (compressed to {LEAST_COMPRESSED:.0%}), and {free:,} are free"
        )
        fits = free // max(1, needed // realizations)
        # a store that was begun keeps its number of realizations
        fewer = f"--realizations {fits}, or " if fits and realizations == plan.realizations else ""
        allowed = f"{fewer}a larger disk"
        raise StoreError(str(place), problem, allowed=allowed)


def _free_bytes(path: Path) -> int | None:
    """The bytes that a user may still write at a path; None if the filesystem does not know."""
    there = Path(os.path.abspath(path))
    while not there.exists() and there != there.parent:
        there = there.parent
    try:
        status = os.statvfs(there)
    except OSError:
        return None
    return status.f_bavail * status.f_frsize if status.f_blocks else None
