"""How far a store is, without reading its chunks."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from yieldsim.ensemble import Place, RunPlan, Stored, marked_blocks
from yieldsim.ensemble.layout import DONE, chunk_name
from yieldsim.ensemble.ledger import record_key
from yieldsim.ensemble.write import missing_rows
from yieldsim.execute.repair import existing

_LATEST = 64  # blocks whose times give the rate: it follows the number of tasks at work


@dataclass(frozen=True)
class Status:
    """The blocks of a store that are stored, missing and damaged.

    ``damaged`` are those whose record or marker is unsound. ``realizations_per_second`` is that of
    the blocks stored last, None where there are fewer than two or the storage keeps no times.
    """

    complete: bool
    blocks: int
    done: int
    missing: int
    damaged: int
    realizations: int
    realizations_per_second: float | None

    def as_json(self) -> dict[str, object]:
        """Return it as JSON."""
        return asdict(self)


def status_of(place: Place) -> Status:
    """Return how far a store is. Raises StoreError if there is none."""
    stored = existing(place)
    plan = stored.plan
    marked = {block for block in marked_blocks(place) if block < plan.blocks}
    unsound = _unsound(stored, plan, marked)
    done = marked - unsound
    return Status(
        complete=stored.complete and len(done) == plan.blocks,
        blocks=plan.blocks,
        done=len(done),
        missing=plan.blocks - len(done) - len(unsound),
        damaged=len(unsound),
        realizations=plan.realizations,
        realizations_per_second=_rate(place, plan, done),
    )


def _unsound(stored: Stored, plan: RunPlan, marked: set[int]) -> set[int]:
    """Return the blocks whose marker or record is damaged."""
    place = stored.place
    names = place.sizes(DONE)
    unsound = {b for b in range(plan.blocks) if b not in marked and chunk_name(b) in names}
    if stored.has_ledger:
        unsound |= {block for block in marked if missing_rows(place, plan, block)}
    return unsound


def _rate(place: Place, plan: RunPlan, done: set[int]) -> float | None:
    times = place.times(DONE)
    last_row = plan.rows - 1
    stored = [(times.get(record_key(last_row, b).rpartition("/")[2]), b) for b in done]
    latest = sorted((time, b) for time, b in stored if time is not None)[-_LATEST:]
    if len(latest) < 2 or latest[-1][0] <= latest[0][0]:
        return None
    count = sum(plan.span(block)[1] for _, block in latest[1:])
    return count / (latest[-1][0] - latest[0][0])
