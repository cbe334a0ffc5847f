"""The only writer and reader of Zarr: layout, write, finalize, read, provenance."""

from .finish import finalize
from .layout import BlockSource, Plan, bytes_per_realization, default_block_size, scenario_names
from .place import Folder, Memory, Place
from .provenance import Stored, check_same, read_stored
from .read import open_ensemble, open_place
from .write import Writer, create, damaged_chunks, marked_blocks, unmark

__all__ = [
    "BlockSource",
    "Folder",
    "Memory",
    "Place",
    "Plan",
    "Stored",
    "Writer",
    "bytes_per_realization",
    "check_same",
    "create",
    "damaged_chunks",
    "default_block_size",
    "finalize",
    "marked_blocks",
    "open_ensemble",
    "open_place",
    "read_stored",
    "scenario_names",
    "unmark",
]
