"""The job script of a Slurm array that computes a store, and its submission."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from yieldsim.ensemble import place_of, read_stored
from yieldsim.ensemble.provenance import no_store
from yieldsim.errors import StoreError, UsageError

SIGNAL_SECONDS = 60  # before the time limit; Slurm may send it up to 60 s earlier
_SHORTEST_MINUTES = 3.0

_SCRIPT = r"""#!/bin/bash
{directives}

# Written by `yieldsim slurm`; `sbatch` takes it as it is. Each task computes its share of the
# blocks. The first one submits a last job, which waits for all tasks and finalizes the store.
store={store}
yieldsim=({command})

# Compiled kernels are kept on the node, for all of its tasks.
export NUMBA_CACHE_DIR="${{NUMBA_CACHE_DIR-${{TMPDIR:-/tmp}}/yieldsim-$(id -u)}}"

if [ "$SLURM_ARRAY_TASK_ID" = "$SLURM_ARRAY_TASK_MIN" ] && [ "${{SLURM_RESTART_COUNT:-0}}" = 0 ]
then
    sbatch --parsable --dependency="afterany:$SLURM_ARRAY_JOB_ID" {finalize} \
        --wrap {wrapped} || exit 1
fi

limit= cancelled=
# The signal before the time limit ends the task after the block under way. If that takes too long,
# a second signal drops the block, and a process that does not answer is killed.
near_limit() {{
    limit=1 woken=1
    kill -USR1 "$child"
    (sleep {patience}; kill -USR1 "$child"; sleep 5; kill -KILL "$child") 2>/dev/null &
}}
trap near_limit USR1
trap 'woken=1; [ "$limit" ] || cancelled=1; kill -TERM "$child"' TERM
"${{yieldsim[@]}}" work "$store" --task "$SLURM_ARRAY_TASK_ID" --tasks {tasks} &
child=$!
woken=1
while [ "$woken" ]; do woken=; wait "$child"; code=$?; done  # a trap ends the wait early

# Slurm runs a task again by its exit code only where its administrator says so. A signal (75) and a
# kill (128 and more) can pass; a kill that repeats, as for memory, cannot.
if [ "$code" = 75 ] || {{ [ "$code" -ge 128 ] && [ "${{SLURM_RESTART_COUNT:-0}}" -lt {kills} ]; }}
then
    [ "$cancelled" ] || scontrol requeue "$SLURM_JOB_ID"
fi
exit "$code"
"""
_MOST_KILLS = 10


@dataclass(frozen=True)
class ArrayOptions:
    """What the array asks of Slurm; ``others`` are further options of sbatch, such as --qos=low."""

    tasks: int
    at_once: int | None = None
    cpus: int = 1
    time: str | None = None
    mem: str | None = None
    partition: str | None = None
    account: str | None = None
    others: Sequence[str] = ()

    def check(self) -> None:
        """Raise UsageError for what would make a script that Slurm reads another way."""
        given = {"--time": self.time, "--mem": self.mem}
        given |= {"--partition": self.partition, "--account": self.account}
        for where, text in given.items():
            if text is not None and not re.fullmatch(r"[\w.,:@+-]+", text):
                raise UsageError(where, "is not a value that sbatch takes", got=text)
        for text in self.others:
            if not re.fullmatch(r"--[a-z][a-z-]*(=[^\s]+)?", text):
                allowed = "an option of sbatch such as --qos=low"
                raise UsageError("--option", "is not an option", got=text, allowed=allowed)
        minutes = None if self.time is None else _minutes(self.time)
        if minutes is not None and minutes < _SHORTEST_MINUTES:
            allowed = f"at least {_SHORTEST_MINUTES:g} minutes, as the signal before it comes early"
            raise UsageError("--time", "is too short", got=self.time, allowed=allowed)

    def of_each_job(self) -> list[str]:
        """Options of the array and of the job that finalizes."""
        pairs = {"time": self.time, "mem": self.mem}
        pairs |= {"partition": self.partition, "account": self.account}
        named = [f"--{name}={value}" for name, value in pairs.items() if value is not None]
        return [*named, *self.others, "--open-mode=append", "--requeue"]


def array_script(store: str, name: str, options: ArrayOptions) -> str:
    """Return the script of an array job; ``name`` is that of the job, ``store`` a whole path."""
    options.check()
    name = re.sub(r"[^\w.-]", "_", name)
    most = f"%{options.at_once}" if options.at_once else ""
    directives = [
        f"--job-name={name}",
        f"--array=0-{options.tasks - 1}{most}",
        f"--cpus-per-task={options.cpus}",
        f"--signal=B:USR1@{SIGNAL_SECONDS}",
        *options.of_each_job(),
    ]
    command = shlex.join([sys.executable, "-m", "yieldsim"])
    finalize = [f"--job-name={name}-finalize", *options.of_each_job()]
    return _SCRIPT.format(
        directives="\n".join(f"#SBATCH {line}" for line in directives),
        store=shlex.quote(store),
        command=command,
        finalize=shlex.join(finalize),
        wrapped=shlex.quote(f"exec {command} finalize {shlex.quote(store)}"),
        patience=SIGNAL_SECONDS - 15,
        tasks=options.tasks,
        kills=_MOST_KILLS,
    )


def submit(script: str) -> str:
    """Submit a script with sbatch, and return the number of its job. Raises UsageError."""
    try:
        done = subprocess.run(
            ["sbatch", "--parsable"], input=script, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        raise UsageError("--submit", "sbatch is not installed on this machine") from None
    if done.returncode:
        raise UsageError("--submit", f"sbatch refused the job: {done.stderr.strip()}")
    return done.stdout.strip().partition(";")[0]


def _minutes(text: str) -> float | None:
    """The minutes of a time limit of Slurm: M, M:S, H:M:S, D-H, D-H:M or D-H:M:S."""
    days, dash, rest = text.rpartition("-")
    parts = rest.split(":")
    if not all(part.isdecimal() for part in [*parts, *([days] if dash else [])]):
        return None  # sbatch judges
    numbers = [int(part) for part in parts]
    if dash:
        hours, minutes, seconds = [*numbers, 0, 0][:3]
    elif len(numbers) == 3:
        hours, minutes, seconds = numbers
    else:
        hours, (minutes, seconds) = 0, [*numbers, 0][:2]
    return (int(days or 0) * 24 + hours) * 60 + minutes + seconds / 60


def whole_name(store: str) -> tuple[str, str]:
    """Return the whole path (or URL) of a store, and a name for its jobs.

    Raises StoreError if there is no store, or it is complete.
    """
    place = place_of(store)
    stored = read_stored(place)
    if stored is None:
        raise no_store(place, "init")
    if stored.complete:
        raise StoreError(store, "is complete: nothing is left to compute")
    path = store if "://" in store else str(Path(store).resolve())
    return path, f"yieldsim-{Path(path).name.removesuffix('.zarr')}"
