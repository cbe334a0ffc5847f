"""Ensemble stores: the only package that writes and reads Zarr."""

from yieldsim.ensemble.disk import check_space
from yieldsim.ensemble.extend import add_block, enlarge
from yieldsim.ensemble.finish import finalize
from yieldsim.ensemble.layout import (
    BlockSource,
    RunPlan,
    bytes_per_realization,
    default_block_size,
)
from yieldsim.ensemble.places import place_of
from yieldsim.ensemble.provenance import Stored, check_same, read_stored
from yieldsim.ensemble.read import open_ensemble, open_place, open_plain
from yieldsim.ensemble.storage import Folder, Memory, Place
from yieldsim.ensemble.verify import Damage, damaged_blocks, damaged_metadata, examine, trusted
from yieldsim.ensemble.write import Writer, create, marked_blocks, unmark

__all__ = [
    "BlockSource",
    "Damage",
    "Folder",
    "Memory",
    "Place",
    "RunPlan",
    "Stored",
    "Writer",
    "add_block",
    "bytes_per_realization",
    "check_same",
    "check_space",
    "create",
    "damaged_blocks",
    "damaged_metadata",
    "default_block_size",
    "enlarge",
    "examine",
    "finalize",
    "marked_blocks",
    "open_ensemble",
    "open_place",
    "open_plain",
    "place_of",
    "read_stored",
    "trusted",
    "unmark",
]
