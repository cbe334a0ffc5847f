"""Checking every byte of a store against its ledger."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

import numpy as np

from yieldsim.ensemble.chunks import damage
from yieldsim.ensemble.layout import ArraySpec, RunPlan
from yieldsim.ensemble.ledger import (
    ORIGIN,
    SEAL,
    BlockRecord,
    Seal,
    consolidated,
    metadata_digest,
    unsealed,
)
from yieldsim.ensemble.shards import digest, problem_of
from yieldsim.ensemble.storage import ROOT_METADATA, Place
from yieldsim.ensemble.write import missing_rows


@dataclass
class Damage:
    """What is wrong with a store.

    ``blocks`` has the keys of each damaged block with what is wrong with them; ``metadata`` the
    keys of metadata, coordinates, summaries and the ledger itself.
    """

    blocks: dict[int, dict[str, str]] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.blocks or self.metadata)

    def lines(self) -> list[str]:
        """Return one line for each damaged key."""
        blocks = [f"{key} {text}" for keys in self.blocks.values() for key, text in keys.items()]
        return [*(f"{key} {text}" for key, text in self.metadata.items()), *blocks]


def damaged_blocks(
    place: Place, plan: RunPlan, specs: Iterable[ArraySpec], blocks: Iterable[int]
) -> dict[int, dict[str, str]]:
    """Return what is wrong with the files of some blocks, by block and key. Reads every byte."""
    wanted = [spec for spec in specs if 0 not in spec.shape]
    problems: dict[int, dict[str, str]] = {}
    for block in sorted(blocks):
        own: dict[str, str] = {}
        bad_rows = missing_rows(place, plan, block)
        for row in range(plan.rows):
            record = BlockRecord.read(place, row, block)
            for spec in wanted:
                key = spec.key(row, block)
                data = place.get(key)
                if row in bad_rows or record is None or key not in record.files:
                    problem = "has no sound record"
                else:
                    problem = problem_of(data, record.files[key]) or ""
                if problem:
                    own[key] = problem
        if own:
            problems[block] = own
    return problems


def damaged_chunks(
    place: Place, specs: Iterable[ArraySpec], blocks: Iterable[int]
) -> dict[int, dict[str, str]]:
    """`damaged_blocks` of a store of the first format, whose chunks have only their checksums."""
    problems: dict[int, dict[str, str]] = {}
    for spec in specs:
        if 0 in spec.shape:
            continue
        for block in sorted(blocks):
            for scenario in range(spec.shape[0]):
                key = spec.key(scenario, block)
                data = place.get(key)
                problem = damage(None if data is None else np.frombuffer(data, dtype="uint8"))
                if problem:
                    problems.setdefault(block, {})[key] = problem
    return problems


def damaged_metadata(place: Place, seal: Seal | None) -> dict[str, str]:
    """Return what is wrong with metadata, coordinates, summaries and the ledger, by key."""
    problems: dict[str, str] = {}
    if unsealed(place.get(ORIGIN)) is None:
        problems[ORIGIN] = "is missing or damaged"
    if seal is None:
        return {**problems, SEAL: "is missing or damaged"}
    root = place.get(ROOT_METADATA)
    problems |= _root_problems(root, seal)
    for array, expected in seal.metadata.items():
        key = f"{array}/{ROOT_METADATA}"
        text = _document_problem(place.get(key), [expected])
        if text:
            problems[key] = text
    for key, expected in seal.files.items():
        data = place.get(key)
        if data is None:
            problems[key] = "is missing"
        elif digest(data) != expected:
            problems[key] = "does not match its checksum"
    return problems


def check_root(place: Place, seal: Seal | None) -> dict[str, str]:
    """Return what is wrong with the root document, from which everything is opened."""
    if seal is None:
        return {SEAL: "is missing or damaged"}
    return _root_problems(place.get(ROOT_METADATA), seal)


def _root_problems(data: bytes | None, seal: Seal) -> dict[str, str]:
    problem = _document_problem(data, seal.root)
    if problem or data is None:
        return {ROOT_METADATA: problem or "is missing"}
    documents = consolidated(data)
    if documents is None:
        return {ROOT_METADATA: "has damaged consolidated metadata"}
    for array, document in documents.items():
        if array in seal.metadata and metadata_digest(document) != seal.metadata[array]:
            return {ROOT_METADATA: f"does not match its checksum (metadata of {array})"}
    if documents and set(seal.metadata) - set(documents):
        lost = ", ".join(sorted(set(seal.metadata) - set(documents)))
        return {ROOT_METADATA: f"has lost the metadata of {lost}"}
    return {}


def _document_problem(data: bytes | None, expected: Collection[str]) -> str:
    if data is None:
        return "is missing"
    try:
        return "" if metadata_digest(data) in expected else "does not match its checksum"
    except (ValueError, RecursionError):
        return "is damaged"
