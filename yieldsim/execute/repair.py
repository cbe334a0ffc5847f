"""Mending a store: what is damaged is made again from the model, and nothing else is touched."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from yieldsim.ensemble import Damage, Place, RunPlan, Stored, Writer, examine, trusted
from yieldsim.ensemble.finish import finished_root, summary_keys
from yieldsim.ensemble.layout import DONE
from yieldsim.ensemble.ledger import ORIGIN, SEAL, Seal, metadata_digest, sealed
from yieldsim.ensemble.provenance import check_arithmetic, no_store, plain_attrs
from yieldsim.ensemble.storage import ROOT_METADATA, reason
from yieldsim.ensemble.verify import (
    FOREIGN,
    check_root,
    damaged_blocks,
    damaged_metadata,
    seal_of_store,
)
from yieldsim.ensemble.write import blank_keys, seal_of
from yieldsim.errors import StoreError, VerificationError
from yieldsim.execute.job import simulator
from yieldsim.execute.local import run_blocks
from yieldsim.execute.progress import progress_of
from yieldsim.version import VERSION

if TYPE_CHECKING:
    from yieldsim.ensemble import BlockSource


def repair(place: Place, *, threads: int, progress: bool = False) -> tuple[Damage, Damage]:
    """Find all damage of a store and mend it.

    Returns what was damaged, and what still is. Raises StoreError where there is no store, and
    VerificationError where it cannot be mended, with what to do.
    """
    stored = existing(place)
    damage = examine(stored)
    left = mend(stored, damage, threads=threads, progress=progress) if damage else damage
    return damage, left


def existing(place: Place) -> Stored:
    """Return the store at a place. Raises StoreError if there is none."""
    stored = trusted(place)
    if stored is None:
        raise no_store(place)
    return stored


def mend(stored: Stored, damage: Damage, *, threads: int, progress: bool = False) -> Damage:
    """Make again what is damaged, and return what still is. It may be killed and called again.

    Metadata, coordinates and the ledger follow from the store's attributes, blocks from its model,
    seed and realizations, summaries from the blocks. Raises VerificationError where the store is of
    the first format or of another version of yieldsim.
    """
    _check_can_be_mended(stored, damage)
    plan, place = stored.plan, stored.place
    source = simulator(plan.file, plan.scenarios, plan.seed, plan.design)
    try:
        if stored.complete:  # into any other store processes may be writing
            place.sweep()
        blank = blank_keys(source, plan, plain_attrs(stored), place.compressed)
        seal = _mend_metadata(stored, damage, blank)
        _mend_blocks(Writer.of(place, source, plan), source, damage, threads, progress)
        _mend_end(stored, damage, seal, blank)
    except OSError as error:
        problem = f"{reason(error)} while it was mended; the same command continues"
        raise StoreError(str(place), problem) from None
    left = Damage(damaged_blocks(place, plan, damage.blocks))
    left.metadata = damaged_metadata(place, seal_of_store(stored))
    return left


def _check_can_be_mended(stored: Stored, damage: Damage) -> None:
    place, made_by = str(stored.place), stored.attrs["versions"].get("yieldsim")
    if not stored.has_ledger:
        problem = "is damaged and of an older store format, so it cannot be mended"
        raise VerificationError(place, problem, allowed="the same run again into another --out")
    if made_by != VERSION:
        problem = "is damaged and was made by another version of yieldsim"
        raise VerificationError(
            place, problem, got=VERSION, allowed=f"`verify --repair` of {made_by}"
        )
    if {ORIGIN, SEAL} <= set(damage.metadata) and FOREIGN in damage.keys.values():
        problem = "disagrees with the records of blocks, and both of its checks are lost"
        allowed = f"copies of {ORIGIN} or {SEAL}, or the same run again into another --out"
        raise VerificationError(f"{place}/{ROOT_METADATA}", problem, allowed=allowed)
    if damage.blocks:
        check_arithmetic(stored)


def _mend_metadata(stored: Stored, damage: Damage, blank: Mapping[str, bytes]) -> Seal | None:
    """Put damaged metadata and coordinates, and return the seal, None where it is damaged.

    A root of a complete store has not yet its consolidated metadata after this.
    """
    place, seal = stored.place, seal_of_store(stored)
    wrong = set(damage.metadata) if seal else _different(place, blank)
    for key in sorted(wrong & set(blank) - {SEAL}):
        array = key.rpartition("/")[0]
        if array:
            place.new_array(array)
        place.put(key, blank[key])
        if seal:
            own = seal_of({key: blank[key]})
            seal.metadata |= own.metadata
            seal.files |= own.files
            seal.root = own.root or seal.root
    if ORIGIN in damage.metadata:
        place.new_array(DONE)
        place.put(ORIGIN, sealed(plain_attrs(stored)))
    return seal


def _different(place: Place, keys: Mapping[str, bytes]) -> set[str]:
    """Return the keys whose content is not that of the place."""
    return {key for key, data in keys.items() if not _same(key, place.get(key), data)}


def _same(key: str, data: bytes | None, expected: bytes) -> bool:
    if data is None or not key.endswith(ROOT_METADATA):
        return data == expected
    try:
        return metadata_digest(data) == metadata_digest(expected)
    except (ValueError, RecursionError):
        return False


def _mend_blocks(
    writer: Writer, source: BlockSource, damage: Damage, threads: int, progress: bool
) -> None:
    """Compute damaged blocks again and write the damaged files."""
    plan = writer.plan
    for spec in writer.specs:
        writer.place.new_array(spec.name)

    def work(block: int) -> int:
        keys = damage.blocks[block]
        rows = _rows_of(keys, plan, block)
        first, count = plan.span(block)
        names = [name for row in rows for name in plan.row(row)]
        arrays = source.block(first, count, names) if rows else {}
        writer.write(block, arrays, rows=rows, only=keys)
        return count

    blocks = sorted(damage.blocks)
    total = sum(plan.span(block)[1] for block in blocks)
    with progress_of(total, 0, bar=progress and bool(blocks)) as shown:
        run_blocks(work, blocks, threads, shown.stored, shown.stopping)


def _rows_of(keys: Mapping[str, str], plan: RunPlan, block: int) -> list[int]:
    """Return the rows of scenarios to which some keys of a block belong."""
    marker = f"{DONE}/c.{block}"
    rows = {int(key.rpartition("/")[2].split(".")[1]) for key in keys if key != marker}
    return sorted(rows & set(range(plan.rows)))


def _mend_end(
    stored: Stored, damage: Damage, seal: Seal | None, blank: Mapping[str, bytes]
) -> None:
    """Mend the summaries, the root of a complete store and last the seal."""
    place = stored.place
    sealed_before = seal is not None
    if seal is None:
        seal = seal_of({key: data for key, data in blank.items() if key != SEAL})
    if stored.complete:
        arrays = {key.rpartition("/")[0] for key in blank}
        others = {key for key in damage.metadata if key.rpartition("/")[0] not in arrays}
        if not sealed_before or others:
            summaries = summary_keys(stored)
            added = seal_of(summaries)
            for key in sorted(set(summaries) & (others if sealed_before else set(summaries))):
                if not _same(key, place.get(key), summaries[key]):
                    place.new_array(key.rpartition("/")[0])
                    place.put(key, summaries[key])
            seal.metadata |= added.metadata
            seal.files |= added.files
        if not sealed_before or ROOT_METADATA in damage.metadata:
            attrs = plain_attrs(stored)
            root = finished_root(place, blank[ROOT_METADATA], attrs, seal.metadata)
            seal.root = [metadata_digest(root)]
            if check_root(place, seal):
                place.put(ROOT_METADATA, root)
    data = seal.as_bytes()
    if damage.metadata and place.get(SEAL) != data:
        place.put(SEAL, data)
