"""The ledger of a store: what every block and all metadata must hold, and a second copy of them.

It stands beside the markers, as keys of the array `block_done` that Zarr does not look at:

- ``record.ROW.BLOCK``: the files of a block in a row of scenarios with their digests and the run;
- ``seal``: the digests of all metadata, coordinates and summaries;
- ``origin``: the root's attributes as they were created, from which all metadata follow;
- ``samples`` and ``samples.copy``: the samples that a run was given, if any.

The first three are a line of JSON and, in a second line, the digest of the first.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from yieldsim.ensemble.layout import DONE
from yieldsim.ensemble.shards import FileRecord, digest
from yieldsim.ensemble.storage import Place

SEAL, ORIGIN = f"{DONE}/seal", f"{DONE}/origin"
SAMPLES = (f"{DONE}/samples", f"{DONE}/samples.copy")
_CONSOLIDATED = "consolidated_metadata"


def sealed(content: Any) -> bytes:
    """Return some content as a line of JSON and a line with its digest."""
    line = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    return line + b"\n" + digest(line).encode() + b"\n"


def unsealed(data: bytes | None) -> Any | None:
    """Return the content of what `sealed` wrote, None where it is missing or damaged."""
    line, _, check = (data or b"").partition(b"\n")
    if not line or check != digest(line).encode() + b"\n":
        return None
    return json.loads(line)


def record_key(row: int, block: int) -> str:
    """Return the key of the record of a block in a row of scenarios."""
    return f"{DONE}/record.{row}.{block}"


@dataclass(frozen=True)
class BlockRecord:
    """What a block holds in a row of scenarios: the run, the realizations, and every file."""

    run: str
    block: int
    count: int
    scenarios: tuple[str, ...]
    files: Mapping[str, FileRecord]  # by key

    def as_bytes(self) -> bytes:
        """Return the bytes of the record's key."""
        files = {key: file.as_json() for key, file in self.files.items()}
        return sealed([self.run, self.block, self.count, list(self.scenarios), files])

    @classmethod
    def read(cls, place: Place, row: int, block: int) -> BlockRecord | None:
        """Return the record of a block, None where it is missing or damaged."""
        try:
            content: Any = unsealed(place.get(record_key(row, block)))
            run, number, count, scenarios, files = content
            parts = {key: FileRecord.from_json(file) for key, file in files.items()}
            return cls(str(run), int(number), int(count), tuple(scenarios), parts)
        except (ValueError, TypeError, AttributeError):
            return None


@dataclass
class Seal:
    """The digests of metadata documents, by array ("" is the root), and of other files by key.

    The root has two digests while it is replaced.
    """

    metadata: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    root: list[str] = field(default_factory=list)

    def without(self, arrays: Collection[str]) -> Seal:
        """Return the seal without some arrays."""
        metadata = {name: item for name, item in self.metadata.items() if name not in arrays}
        files = {
            key: item for key, item in self.files.items() if key.rpartition("/")[0] not in arrays
        }
        return Seal(metadata, files, list(self.root))

    def as_bytes(self) -> bytes:
        """Return the bytes of the seal's key."""
        return sealed([self.metadata, self.files, self.root])

    @classmethod
    def read(cls, place: Place) -> Seal | None:
        """Return the seal of a store, None where it is missing or damaged."""
        try:
            content: Any = unsealed(place.get(SEAL))
            metadata, files, root = content
            return cls(dict(metadata), dict(files), list(root))
        except (ValueError, TypeError):
            return None


def metadata_digest(document: bytes | Mapping[str, Any]) -> str:
    """Return the digest of a metadata document, whatever its spaces, its order and consolidation.

    Raises ValueError for bytes that are not JSON.
    """
    content = json.loads(document) if isinstance(document, bytes) else document
    if not isinstance(content, Mapping):
        raise ValueError("not a JSON object")
    kept = {key: value for key, value in content.items() if key != _CONSOLIDATED}
    return digest(json.dumps(kept, sort_keys=True, ensure_ascii=False).encode())


def consolidated(document: bytes | Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the metadata documents that a root document carries, by array.

    None where that part is damaged. Raises ValueError for bytes that are not JSON.
    """
    content = json.loads(document) if isinstance(document, bytes) else document
    part = content.get(_CONSOLIDATED)
    if part is None:
        return {}
    if not isinstance(part, dict) or not isinstance(part.get("metadata"), dict):
        return None
    known = {"kind": "inline", "must_understand": False}
    sound = all(part.get(key) == value for key, value in known.items())
    return part["metadata"] if sound and set(part) == {*known, "metadata"} else None
