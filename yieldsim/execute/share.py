"""Which blocks a task of a job array computes."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import NamedTuple

from yieldsim.errors import UsageError


class ArrayVariables(NamedTuple):
    """The environment variables in which a scheduler tells a task its place in a job array."""

    scheduler: str
    number: str
    first: str | None  # None: numbers start at `lowest`
    last: str | None  # None: the scheduler does not tell how many tasks there are
    step: str | None
    lowest: int


SCHEDULERS = (
    ArrayVariables(
        "Slurm",
        "SLURM_ARRAY_TASK_ID",
        "SLURM_ARRAY_TASK_MIN",
        "SLURM_ARRAY_TASK_MAX",
        "SLURM_ARRAY_TASK_STEP",
        0,
    ),
    ArrayVariables("PBS", "PBS_ARRAY_INDEX", None, None, None, 0),
    ArrayVariables("PBS", "PBS_ARRAYID", None, None, None, 0),
    ArrayVariables("SGE", "SGE_TASK_ID", "SGE_TASK_FIRST", "SGE_TASK_LAST", "SGE_TASK_STEPSIZE", 1),
    ArrayVariables("LSF", "LSB_JOBINDEX", None, "LSB_JOBINDEX_END", "LSB_JOBINDEX_STEP", 1),
)
_SLURM_COUNT = "SLURM_ARRAY_TASK_COUNT"
_HOW = "--task I --tasks N with I from 0 to N - 1, or --blocks A-B"


def chosen_blocks(
    blocks: int,
    *,
    task: int | None = None,
    tasks: int | None = None,
    span: str | None = None,
    environ: Mapping[str, str] = os.environ,
) -> range:
    """Return the blocks of a task: those of ``span`` ("A-B", both included), or its share.

    What is not given is read from the variables of the scheduler. Raises UsageError.
    """
    if span is not None:
        if task is not None or tasks is not None:
            raise UsageError("--blocks", "is given beside --task or --tasks", allowed=_HOW)
        return _blocks_of_span(blocks, span)
    task, tasks = task_of(task, tasks, environ)
    return share(blocks, task, tasks)


def share(blocks: int, task: int, tasks: int) -> range:
    """Return the blocks of a task: consecutive ones, and every task has as many, or one more."""
    return range(task * blocks // tasks, (task + 1) * blocks // tasks)


def task_of(
    task: int | None, tasks: int | None, environ: Mapping[str, str] = os.environ
) -> tuple[int, int]:
    """Return the number of a task, from 0, and how many there are. Raises UsageError."""
    if task is None:
        task, counted, source = _task_of_environment(tasks, environ)
        tasks = counted if tasks is None else tasks
    else:
        source = "--task"
    if tasks is None:
        raise UsageError("--tasks", f"is missing, and {source} does not tell it", allowed=_HOW)
    if tasks < 1 or not 0 <= task < tasks:
        raise UsageError(source, "out of range", got=task, allowed=f"0 to {tasks - 1}")
    return task, tasks


def _task_of_environment(
    tasks: int | None, environ: Mapping[str, str]
) -> tuple[int, int | None, str]:
    """(Task from 0, number of tasks if it is known, name of the variable)."""
    for names in SCHEDULERS:
        number = _number(environ, names.number)
        if number is None or number < names.lowest:  # SGE: "undefined", LSF: 0 outside an array
            continue
        first = _number(environ, names.first)
        first = names.lowest if first is None else first
        step = _number(environ, names.step) or 1
        last = _number(environ, names.last)
        counted = None if last is None else (last - first) // step + 1
        if names.scheduler == "Slurm" and counted != (_number(environ, _SLURM_COUNT) or counted):
            counted = None  # a list such as 1,3,7
        if tasks not in (None, counted):  # a part of the array, such as a task that is run again
            return number - names.lowest, tasks, names.number
        return (number - first) // step, counted, names.number
    known = ", ".join(names.number for names in SCHEDULERS)
    raise UsageError("--task", f"is missing, and none of {known} is set", allowed=_HOW)


def _number(environ: Mapping[str, str], name: str | None) -> int | None:
    text = environ.get(name, "") if name else ""
    return int(text) if text.isdecimal() else None


def _blocks_of_span(blocks: int, span: str) -> range:
    match = re.fullmatch(r"(\d{1,12})(?:-(\d{1,12}))?", span)
    first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, -1)
    if not match or last < first or last >= blocks:
        allowed = f"A-B or A, both from 0 to {blocks - 1}"
        raise UsageError("--blocks", "out of range", got=span, allowed=allowed)
    return range(first, last + 1)
