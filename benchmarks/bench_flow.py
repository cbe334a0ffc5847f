"""Events per second of `yieldsim flow`: the kernels beside the readable twin, and on two cores.

The data set is the argument; without one, SMT2020's HVLM if it stands beside the repository, or the
small line of the tests. Cases run in turn for several rounds, and the least time of each counts,
because other load on the machine only ever adds time. Ratios are of times from one run.
"""

from __future__ import annotations

import argparse
import math
import sys
import threading
import time
from pathlib import Path

import measure

sys.path.insert(0, str(measure.ROOT))

from tests.flow.twin.twin import Twin
from yieldsim.flow import CompiledLine, DataSet, compile_line, read_dataset, replicate
from yieldsim.flow.replicate import new_state, run_to

SEED = 1
DAY_MIN = 1440.0
HVLM = measure.ROOT.parent / "shared" / "data" / "smt2020" / "hvlm"
SMALL = measure.ROOT / "tests" / "flow" / "small"


def beside_the_twin(
    data: DataSet, line: CompiledLine, fill: float, days: float, rounds: int
) -> float:
    """The same days of a line that both have filled. The events are equal, so times compare.
    Returns how many times as fast the kernels are.

    Processor time is taken because other load disturbs it least; the twin is too slow to repeat.
    """
    twin = Twin(data, SEED, 0)
    twin.run_until(fill * DAY_MIN)
    state = run_to(line, new_state(line, SEED, 0, fill + days), fill * DAY_MIN)
    before = twin.events
    kept = type(state)(*(array.copy() for array in state))
    start = measure.cpu_s()
    twin.run_until((fill + days) * DAY_MIN)
    twin_s = measure.cpu_s() - start
    best = math.inf
    for _ in range(max(rounds, 3)):
        state = type(kept)(*(array.copy() for array in kept))
        start = measure.cpu_s()
        state = run_to(line, state, (fill + days) * DAY_MIN)
        best = min(best, measure.cpu_s() - start)
    events = twin.events - before
    if int(state.run["events"][0]) != twin.events:
        raise RuntimeError("the kernels and the twin did not see the same events")
    rows = [
        ["readable twin, CPython", f"{events:,}", f"{events / twin_s:,.0f}", "1"],
        ["kernels, one core", f"{events:,}", f"{events / best:,.0f}", f"{twin_s / best:,.0f}"],
    ]
    title = f"Beside the twin: {days:g} days after {fill:g}"
    measure.table(title, ["", "events", "events/s of CPU", "times as fast"], rows)
    return twin_s / best


def long_run(line: CompiledLine, days: float, rounds: int) -> float:
    """One whole replication on one core; returns its seconds."""
    outcome = replicate(line, SEED, 0, days)
    best = measure.least_times({"one": lambda: replicate(line, SEED, 0, days)}, rounds)["one"]
    rows = [["one replication, one core", f"{best:.2f}", f"{outcome.events / best:,.0f}"]]
    measure.table(f"{days:g} days from an empty line", ["", "s", "events/s"], rows)
    return best


def two_cores(line: CompiledLine, days: float, rounds: int) -> None:
    """Two replications at the same time, and one after the other."""

    def at_once() -> None:
        threads = [threading.Thread(target=replicate, args=(line, SEED, r, days)) for r in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    best = measure.least_times(
        {
            "one": lambda: replicate(line, SEED, 0, days),
            "other": lambda: replicate(line, SEED, 1, days),
            "two at once": at_once,
        },
        rounds,
    )
    alone, together = best["one"] + best["other"], best["two at once"]
    rows = [
        ["two, one core", f"{alone:.3f}", "1"],
        ["two, two cores", f"{together:.3f}", f"{alone / together:.2f}"],
    ]
    measure.table(f"Two replications of {days:g} days", ["", "s", "times as fast"], rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", nargs="?", type=Path, help="a folder of the SMT2020 format")
    parser.add_argument("--quick", action="store_true", help="a short run of each case")
    arguments = parser.parse_args()
    folder = arguments.dataset or (HVLM if HVLM.is_dir() else SMALL)
    start = time.perf_counter()
    data = read_dataset(folder)
    line = compile_line(data)
    read_s = time.perf_counter() - start
    start = time.perf_counter()
    replicate(line, SEED, 0, 1e-3)
    ready_s = time.perf_counter() - start
    print(f"{folder.name}: read in {read_s:.2f} s, kernels ready in {ready_s:.2f} s "
          f"(compiled, or from the cache); {measure.machine()}")  # fmt: skip
    quick = arguments.quick
    beside_the_twin(data, line, *((1.0, 1.0) if quick else (60.0, 20.0)), 1 if quick else 10)
    long_run(line, 20.0 if quick else 730.0, 1 if quick else 3)
    two_cores(line, 10.0 if quick else 60.0, 2 if quick else 100)


if __name__ == "__main__":
    main()
