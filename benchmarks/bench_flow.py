"""Events per second of `yieldsim flow`: the kernels beside the readable twin, and on two cores.

The data set is the argument, or SMT2020's HVLM where it lies beside the repository, or else the
small line of the tests. All cases run in turn, round after round, and the least time of each
counts: whatever else the machine does only ever adds. Ratios are of times of the same run.
"""

from __future__ import annotations

import argparse
import math
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import measure

sys.path.insert(0, str(measure.ROOT))

from tests.reference.twin_events import Twin
from yieldsim.flow import DataSet, Line, compile_line, read_dataset, replicate
from yieldsim.flow.replicate import new_state, run_to

SEED = 1
DAY_MIN = 1440.0
HVLM = measure.ROOT.parent / "shared" / "data" / "smt2020" / "hvlm"
SMALL = measure.ROOT / "tests" / "flow" / "small"


def least_times(cases: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Least seconds of each case; every round runs each once."""
    best = dict.fromkeys(cases, math.inf)
    for _ in range(rounds):
        for name, case in cases.items():
            start = time.perf_counter()
            case()
            best[name] = min(best[name], time.perf_counter() - start)
    return best


def beside_the_twin(data: DataSet, line: Line, fill: float, days: float, rounds: int) -> None:
    """The same days, from a line that both have filled; the same events, so a ratio of times."""
    twin = Twin(data, SEED, 0)
    twin.run_until(fill * DAY_MIN)
    state = run_to(line, new_state(line, SEED, 0, fill + days), fill * DAY_MIN)
    before = twin.events
    kept = type(state)(*(array.copy() for array in state))
    start = time.perf_counter()
    twin.run_until((fill + days) * DAY_MIN)
    twin_s = time.perf_counter() - start
    best = math.inf
    for _ in range(max(rounds, 3)):
        state = type(kept)(*(array.copy() for array in kept))
        start = time.perf_counter()
        state = run_to(line, state, (fill + days) * DAY_MIN)
        best = min(best, time.perf_counter() - start)
    events = twin.events - before
    if int(state.run["events"][0]) != twin.events:
        raise RuntimeError("the kernels and the twin did not see the same events")
    rows = [
        ["readable twin, CPython", f"{events:,}", f"{events / twin_s:,.0f}", "1"],
        ["kernels, one core", f"{events:,}", f"{events / best:,.0f}", f"{twin_s / best:,.0f}"],
    ]
    title = f"Beside the twin: {days:g} days after {fill:g}"
    measure.table(title, ["", "events", "events/s", "times as fast"], rows)


def long_run(line: Line, days: float, rounds: int) -> None:
    """Whole replications on one core, and two of them on two cores beside one on one."""

    def two_at_once() -> None:
        threads = [threading.Thread(target=replicate, args=(line, SEED, r, days)) for r in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    best = least_times(
        {
            "one": lambda: replicate(line, SEED, 0, days),
            "other": lambda: replicate(line, SEED, 1, days),
            "two at once": two_at_once,
        },
        rounds,
    )
    events = [replicate(line, SEED, r, days).events for r in range(2)]
    together, alone = best["two at once"], best["one"] + best["other"]
    rows = [
        ["one replication, one core", f"{best['one']:.2f}", f"{events[0] / best['one']:,.0f}", ""],
        ["two, two cores", f"{together:.2f}", f"{sum(events) / together:,.0f}",
         f"{alone / together:.2f}"],
    ]  # fmt: skip
    measure.table(
        f"{days:g} days from an empty line", ["", "s", "events/s", "times one core"], rows
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", nargs="?", type=Path, help="a folder of the SMT2020 format")
    parser.add_argument("--quick", action="store_true", help="a little of everything")
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
    fill, days, long, rounds = (1.0, 1.0, 20.0, 1) if arguments.quick else (60.0, 20.0, 730.0, 5)
    beside_the_twin(data, line, fill, days, rounds)
    long_run(line, long, rounds)


if __name__ == "__main__":
    main()
