"""The figures of speed that the project holds itself to, each beside its bound, in one table.

It runs parts of the other benchmarks, which print their own tables first. Bounds are goals for two
quiet cores: a row that misses one is marked, and the exit code stays 0, because the machine decides
too. The first run compiles all kernels into an empty folder of its own.
"""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from pathlib import Path

import bench_analyst
import bench_flow
import bench_wafer
import measure

import yieldsim
from yieldsim.flow import compile_line, read_dataset
from yieldsim.supply.simulate import Simulator

SEED = 7
REALIZATIONS = 256
BLOCK = 64
LAST_QUARTER = "2028Q4"  # rates of the baseline are those of 2024 to 2028
MIB_DRAWS = 1_000_000


@dataclass(frozen=True)
class Row:
    """A figure and its bound: the most, or with ``least`` the least, that is asked for."""

    name: str
    value: float
    bound: float
    least: bool = False
    unit: str = ""

    def cells(self) -> list[str]:
        met = self.value >= self.bound if self.least else self.value <= self.bound
        sign = ">=" if self.least else "<="
        digits = 0 if max(self.value, self.bound) >= 100 else 2
        return [
            self.name,
            f"{self.value:,.{digits}f} {self.unit}".rstrip(),
            f"{sign} {self.bound:g}",
            "" if met else "missed",
        ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a little of each row")
    quick = parser.parse_args().quick
    print(f"{processor()}; load {os.getloadavg()[0]:.1f}; {measure.machine()}")
    rows = [
        *first_and_again(quick),
        *baseline(quick),
        *small_model(quick),
        *wafers(quick),
        *events(quick),
    ]
    heads = ["", "measured", "asked for", ""]
    measure.table("Speed, and what is asked for", heads, [row.cells() for row in rows])


def processor() -> str:
    """The kind of processor, where the system tells it."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else "unknown processor"


def first_and_again(quick: bool) -> list[Row]:
    """The command, from an empty cache of kernels and again."""
    model, count = ("baseline", REALIZATIONS) if not quick else (str(bench_analyst.MODEL), 8)

    def command(cache: Path) -> measure.Timing:
        with measure.scratch() as folder:
            arguments = [model, "--realizations", str(count), "--seed", str(SEED)]
            return measure.child(
                *("-m", "yieldsim", "run", *arguments, "--out", str(folder / "x.zarr")),
                # Python keeps its bytecode, as it does unless a user forbids it
                env={"NUMBA_CACHE_DIR": str(cache), "PYTHONDONTWRITEBYTECODE": ""},
            )[1]

    with measure.scratch() as cache:
        first = command(cache)
        again = measure.least(command(cache) for _ in range(1 if quick else 3))
    name = f"run {Path(model).stem}, {count} realizations"
    return [
        Row(f"{name}, nothing compiled: wall", first.wall_s, 25.0, unit="s"),
        Row(f"{name}, nothing compiled: CPU", first.cpu_s, 30.0, unit="s"),
        Row(f"{name}, again: wall", again.wall_s, 2.0, unit="s"),
    ]


def baseline(quick: bool) -> list[Row]:
    """The baseline's realizations a second and core, its program of most compute, two threads."""
    count, repeats = (4, 1) if quick else (BLOCK, 5)
    file = yieldsim.load_file("baseline").with_changes([f"simulation.end={LAST_QUARTER}"])
    most = file.with_changes(["allocation.rule=most_compute"])
    usual, program = (Simulator(each, ["baseline"], SEED) for each in (file, most))
    usual.block(0, 1), program.block(0, 1)
    best = measure.side_by_side(
        {
            "baseline": lambda _: usual.block(0, count),
            "program": lambda _: program.block(0, max(4, count // 2)),
        },
        repeats,
    )
    whole = yieldsim.load_file("baseline")
    runs = measure.side_by_side(
        {
            str(threads): lambda folder, threads=threads: yieldsim.run(
                whole,
                realizations=4 * count,
                seed=SEED,
                threads=threads,
                out=folder / "x.zarr",
            )
            for threads in (1, 2)
        },
        1 if quick else 3,
    )
    return [
        Row("baseline, realizations a CPU second", count / best["baseline"].cpu_s, 500.0, True),
        Row(
            "most_compute, a realization",
            1e3 * best["program"].cpu_s / max(4, count // 2),
            20.0,
            unit="CPU ms",
        ),
        Row("two threads over one, to a store", runs["1"].wall_s / runs["2"].wall_s, 1.9, True),
    ]


def small_model(quick: bool) -> list[Row]:
    """The analyst's model beside NumPy, and its peak memory."""
    best = bench_analyst.speed(bench_analyst.QUICK if quick else bench_analyst.FULL)
    draws = 4_000 if quick else MIB_DRAWS
    output, _ = measure.child("-c", bench_analyst.ENGINE_PEAK.format(draws=draws))
    engine = best["yieldsim.run, 2 threads"].wall_s
    return [
        Row(
            "small model, 2 threads, over NumPy with quantiles and a file",
            best["NumPy, quantiles and a file"].wall_s / engine,
            0.6,
            True,
        ),
        Row(
            "the same over NumPy that stops at the packages",
            best["NumPy, packages alone"].wall_s / engine,
            0.4,
            True,
        ),
        Row(f"small model, {draws:,} draws, peak memory", float(output), 300.0, unit="MiB"),
    ]


def wafers(quick: bool) -> list[Row]:
    """Plain points beside filling words, and clustered points beside scalar Numba."""
    count, rounds = (500, 3) if quick else (5_000, 40)
    plain = bench_wafer.plain_points(count, rounds)
    harvest = bench_wafer.harvest_points(count // 2, rounds)
    bound = plain["bound: a word for each place"]
    return [
        Row("points, plain, over filling words", bound / plain["engine, points"], 0.4, True),
        Row(
            "points with clusters and bins, over scalar Numba",
            harvest["scalar Numba"] / harvest["engine, points"],
            8.0,
            True,
        ),
    ]


def events(quick: bool) -> list[Row]:
    """Events beside the readable twin, and two years of SMT2020 where the data set is at hand."""
    found = bench_flow.HVLM.is_dir()
    data = read_dataset(bench_flow.HVLM if found else bench_flow.SMALL)
    line = compile_line(data)
    bench_flow.replicate(line, SEED, 0, 1e-3)
    days, rounds = ((1.0, 1.0), 1) if quick else ((20.0, 10.0), 10)
    rows = [
        Row(
            "events, over the twin",
            bench_flow.beside_the_twin(data, line, *days, rounds),
            200.0,
            True,
        )
    ]
    if found:
        seconds = bench_flow.long_run(line, 20.0 if quick else 730.0, 1 if quick else 3)
        rows.append(Row("SMT2020 high volume, two years", seconds, 3.0, unit="s"))
    return rows


if __name__ == "__main__":
    main()
