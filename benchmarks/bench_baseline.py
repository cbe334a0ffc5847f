"""The full baseline: realizations per second, time of commands, and the ratio to plain Python.

Plain Python is the readable twin of the tests, and the engine's own kernels without compilation.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import measure

import yieldsim
from yieldsim.supply.simulate import Simulator

BASELINE = "baseline"
SMALL = str(Path(__file__).with_name("analyst.toml"))
SEED = 7

# Each prints the processor time of one realization and the sum of its usable chips.
ENGINE = """
import measure, yieldsim
from yieldsim.supply.simulate import Simulator
simulator = Simulator(yieldsim.load_file({model!r}), ["baseline"], {seed})
simulator.block(0, 2)
start = measure.cpu_s()
chips = simulator.block(0, 1)["usable_chips"]
print(measure.cpu_s() - start, float(chips.sum(dtype=float)))
"""
TWIN = """
import measure, yieldsim
from tests.supply.twin import twin
from yieldsim.sampling import Sampler
model = yieldsim.load_model({model!r})
sampler = Sampler(model)
drawn = sampler.draw({seed}, 0, 1)[0]
values = {{p.path: drawn[number] for number, p in enumerate(sampler.declared)}}
start = measure.cpu_s()
results = twin.simulate(model, values, {seed}, 0)
seconds = measure.cpu_s() - start
print(seconds, sum(sum(quarter["usable_chips"].values()) for quarter in results.values()))
"""
# Runs a command and prints its peak memory.
COMMAND = """
import sys, measure
from yieldsim.cli.main import main
try:
    main({arguments!r})
except SystemExit as end:
    if end.code:
        raise
print()
print(measure.peak_mib())
"""


@dataclass(frozen=True)
class Size:
    """How much is computed."""

    model: str
    realizations: int
    repeats: int
    whole: bool  # also measure compilation, and the memory of more realizations


FULL = Size(BASELINE, 256, 3, True)
QUICK = Size(SMALL, 16, 1, False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes, on the small model")
    size = QUICK if parser.parse_args().quick else FULL
    name = Path(size.model).stem
    print(f"{name}: {size.realizations:,} realizations; {measure.machine()}")
    rate = speed(size)
    parts(size)
    plain(size, rate)
    commands(size)


def speed(size: Size) -> float:
    """Print realizations per second and return those per second of one core."""
    file = yieldsim.load_file(size.model)
    simulator = Simulator(file, ["baseline"], SEED)
    noise = simulator.models["baseline"].simulation.process_noise
    other = file.with_changes([f"simulation.process_noise={str(not noise).lower()}"])
    opposite = Simulator(other, ["baseline"], SEED)
    words = {True: "with process noise", False: "without process noise"}
    count = size.realizations

    def run(threads: int) -> Callable[[Path], object]:
        return lambda folder: yieldsim.run(
            file, realizations=count, seed=SEED, threads=threads, out=folder / "x.zarr"
        )

    cases: dict[str, Callable[[Path], object]] = {
        f"one block, {words[noise]}": lambda folder: simulator.block(0, count),
        f"one block, {words[not noise]}": lambda folder: opposite.block(0, count),
        "yieldsim.run, 1 thread": run(1),
        "yieldsim.run, 2 threads": run(2),
    }
    simulator.block(0, 2)  # compiled, or read from the cache
    best = measure.side_by_side(cases, size.repeats)
    rows = [
        [
            name,
            f"{t.wall_s:.3f}",
            f"{t.cpu_s:.3f}",
            f"{count / t.wall_s:,.0f}",
            f"{count / t.cpu_s:,.0f}",
        ]
        for name, t in best.items()
    ]
    heads = ["", "wall s", "CPU s", "per s", "per CPU s"]
    measure.table(f"Speed, {count} realizations, best of {size.repeats}", heads, rows)
    one, two = best["yieldsim.run, 1 thread"].wall_s, best["yieldsim.run, 2 threads"].wall_s
    print(f"  two threads are {one / two:.2f} times as fast as one")
    return count / next(iter(best.values())).cpu_s


def parts(size: Size) -> None:
    """Print where the processor time of a whole run goes."""
    count = size.realizations
    title = f"Where the time of yieldsim.run goes, {count} realizations, 1 thread"
    with measure.scratch() as folder:
        out = folder / "x.zarr"
        measure.show_parts(
            title,
            count,
            lambda: yieldsim.run(size.model, realizations=count, seed=SEED, threads=1, out=out),
        )


def plain(size: Size, rate: float) -> None:
    """Print the engine's ratio to plain Python, for realization 0."""
    rows: list[list[str]] = []
    cases: list[tuple[str, str, dict[str, str]]] = [
        ("compiled kernels", ENGINE, {}),
        ("readable twin (tests/supply/twin/twin.py)", TWIN, {}),
        ("same kernels, not compiled", ENGINE, {"NUMBA_DISABLE_JIT": "1"}),
    ]
    for name, code, env in cases:
        output, _ = measure.child("-c", code.format(model=size.model, seed=SEED), env=env)
        seconds, chips = map(float, output.split())
        each = seconds if rows else 1.0 / rate  # of a block: one alone is mostly set-up
        rows.append([name, f"{1e3 * each:,.2f}", f"{each * rate:,.0f}", f"{chips:,.0f}"])
    heads = ["", "CPU ms", "engine is faster by", "chips in all"]
    measure.table("One realization", heads, rows)


def commands(size: Size) -> None:
    """Print the time and peak memory of commands, each in its own process."""
    rows: list[list[str]] = []

    def show(name: str, env: dict[str, str], repeats: int, *arguments: str) -> None:
        peaks, timings = [], []
        for _ in range(repeats):
            with measure.scratch() as folder:
                out = ("--out", str(folder / "x.zarr")) if arguments[0] == "run" else ()
                code = COMMAND.format(arguments=[*arguments, *out])
                output, timing = measure.child("-c", code, env=env)
            peaks.append(float(output.split()[-1]))
            timings.append(timing)
        least = measure.least(timings)
        rows.append([name, f"{least.wall_s:.2f}", f"{least.cpu_s:.2f}", f"{max(peaks):,.0f}"])

    def run(count: int) -> tuple[str, ...]:
        return "run", size.model, "--seed", str(SEED), "--realizations", str(count)

    show("--help", {}, 3 * size.repeats, "--help")
    model = Path(size.model).stem
    if size.whole:
        with measure.scratch() as cache:
            env = {"NUMBA_CACHE_DIR": str(cache)}
            show(f"run {model}, {size.realizations}, first", env, 1, *run(size.realizations))
    show(f"run {model}, {size.realizations}", {}, size.repeats, *run(size.realizations))
    if size.whole:
        show(f"run {model}, {4 * size.realizations}", {}, 1, *run(4 * size.realizations))
    heads = ["yieldsim", "wall s", "CPU s", "peak MiB"]
    measure.table("Commands (first: including compilation)", heads, rows)


if __name__ == "__main__":
    main()
