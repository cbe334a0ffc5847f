"""Extending a finished store: what it holds already is not computed again."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from yieldsim.ensemble import (
    BlockSource,
    Damage,
    RunPlan,
    Stored,
    damaged_metadata,
    enlarge,
    finalize,
    marked_blocks,
    place_of,
    trusted,
)
from yieldsim.ensemble.layout import MAX_FILES
from yieldsim.ensemble.provenance import check_arithmetic
from yieldsim.ensemble.read import unfinished
from yieldsim.ensemble.verify import seal_of_store
from yieldsim.errors import IncompleteError, StoreError, UsageError
from yieldsim.execute.cores import available_cores
from yieldsim.execute.ensemble_run import RunResult
from yieldsim.execute.estimate import files_of
from yieldsim.execute.job import MAX_REALIZATIONS, Job, check_number, compute, simulator
from yieldsim.execute.progress import note, several
from yieldsim.execute.repair import existing, mend
from yieldsim.sampling import check_rows
from yieldsim.version import VERSION

_OWN_DIMS = ("scenario", "parameter")  # those in which scenarios of a store may differ


def extend_store(
    store: str | Path,
    *,
    realizations: int | None = None,
    scenarios: Sequence[str] = (),
    threads: int | None = None,
    progress: bool = False,
    log: bool = False,
) -> RunResult:
    """Add realizations up to a number, or scenarios of the stored model, to a finished store.

    The figures are those of a run that had them from the start, bit for bit; only new ones are
    computed. If it is interrupted the store is incomplete, and the same call continues.

    Raises UsageError for fewer realizations or unknown scenarios, StoreError where a scenario has
    other products, fabs, parameters, ... than the store, IncompleteError where the store is of an
    unfinished run or the work is interrupted.
    """
    start = time.perf_counter()
    threads = available_cores() if threads is None else threads
    place = place_of(store)
    stored = existing(place)
    plan = _larger_plan(stored, realizations, scenarios)
    if plan != stored.plan and not stored.complete:
        raise unfinished(stored)
    check_version(stored)
    check_coordinates(stored.plan, plan.scenarios)
    source = simulator(plan.file, plan.scenarios, plan.seed, plan.design)
    damage = Damage(metadata=damaged_metadata(place, seal_of_store(stored)))
    if damage:
        mend(stored, damage, threads=threads)
    if plan != stored.plan:
        _note_files(Job(place, source, plan, stored))
        enlarge(stored, source, plan, f"extended to {_words(plan)}")
        stored = trusted(place) or stored
    job = Job(place, source, plan, stored)
    try:
        computed = compute(job, range(plan.blocks), threads, bar=progress, log=log)
        finalize(place, checked=range(plan.blocks))
    except KeyboardInterrupt:
        done = len(marked_blocks(place))
        problem = f"interrupted with {done} of {plan.blocks} blocks done"
        raise IncompleteError(str(place), f"{problem}; the same command continues") from None
    seconds = time.perf_counter() - start
    return RunResult(place, plan, range(plan.blocks), threads, computed, seconds)


def _note_files(job: Job) -> None:
    """Say so if a store becomes one of more files than a new run would have."""
    files, size = files_of(job), job.plan.block_size
    if files > MAX_FILES:
        note(
            f"{job.place}: will hold {files:,} files, beyond the {MAX_FILES:,} of a new run, as "
            f"its blocks stay at {size:,} realizations; a new run into another --out has fewer"
        )


def _words(plan: RunPlan) -> str:
    of = several(len(plan.scenarios), "scenario")
    return f"{several(plan.realizations, 'realization')} of {of}"


def _larger_plan(stored: Stored, realizations: int | None, scenarios: Sequence[str]) -> RunPlan:
    """Return the plan of the extended store."""
    plan = stored.plan
    count = plan.realizations if realizations is None else realizations
    check_number("realizations", count, 1, MAX_REALIZATIONS)
    if count < plan.realizations:
        allowed = f"{plan.realizations} (as in the store) or more"
        raise UsageError("realizations", "would be fewer than before", got=count, allowed=allowed)
    asked = plan.file.scenario_names(scenarios) if scenarios else ()
    names = tuple(dict.fromkeys([*plan.scenarios, *asked]))
    check_rows(plan.design, count)
    # `per_file` is written out: it stays when scenarios are added
    return replace(plan, scenarios=names, realizations=count, per_file=plan.row_size)


def check_version(stored: Stored) -> None:
    """Refuse a store of an older format, another version or another machine's rounding.

    Raises StoreError.
    """
    if not stored.has_ledger:
        problem = "is of an older store format, so it can only be read"
        raise StoreError(str(stored.place), problem, allowed="a new run")
    made_by = stored.attrs["versions"].get("yieldsim")
    if made_by != VERSION:
        problem = "was made by another version of yieldsim, whose figures may differ"
        raise StoreError(str(stored.place), problem, got=VERSION, allowed=f"yieldsim {made_by}")
    check_arithmetic(stored)


def check_coordinates(plan: RunPlan, scenarios: Sequence[str]) -> None:
    """Refuse scenarios whose products, fabs, parameters, ... are not those of a store.

    Raises StoreError that names the scenario, the coordinate and what differs.
    """
    added = [name for name in scenarios if name not in plan.scenarios]
    if added:
        held = simulator(plan.file, plan.scenarios, plan.seed)
        for name in added:
            own = simulator(plan.file, [name], plan.seed)
            # what a scenario lacks is 0 in it, as in a run that had it from the start
            check_same_axes(held, own, f"scenario {name!r}", may_lack=True)


def check_same_axes(
    held: BlockSource, source: BlockSource, where: str, *, may_lack: bool = False
) -> None:
    """Refuse a simulation with labels that another has not. Raises StoreError with the names.

    It may lack parameters, and with ``may_lack`` other labels but outputs too.
    """
    axes, own = _axes(held), _axes(source)
    for axis, labels in axes.items():
        others = [label for label in own[axis] if label not in labels]
        lost = [label for label in labels if label not in own[axis]]
        if axis == "parameter" or (may_lack and axis != "output"):
            lost = []
        if others or lost:
            words = ([f"has {', '.join(others)}"] if others else []) + (
                [f"lacks {', '.join(lost)}"] if lost else []
            )
            problem = f"cannot be added: its {axis} axis {' and '.join(words)}"
            raise StoreError(where, problem, allowed="the labels of the store, or another --out")
        if axis not in _OWN_DIMS and [name for name in labels if name in own[axis]] != own[axis]:
            problem = f"cannot be added: its {axis} axis has another order"
            raise StoreError(where, problem, allowed="the labels of the store, or another --out")


def _axes(source: BlockSource) -> Mapping[str, Sequence[str]]:
    axes = {dim: list(labels) for dim, labels in source.coords.items() if dim != "scenario"}
    axes["output"] = [variable.name for variable in source.outputs]
    return axes
