"""The analyst's small model twice: 25 lines of NumPy, and the engine on a model file.

It prints the quantiles of both with z-scores, their speed, where the engine's time goes, and their
peak memory. The exit code is 1 if the two are not the same model.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import analyst
import measure
import numpy as np

import yieldsim
from yieldsim.analysis.statistics.standard_error import P10_P50_P90, sample_quantiles
from yieldsim.ensemble import bytes_per_realization, default_block_size
from yieldsim.supply.simulate import Simulator

if TYPE_CHECKING:
    import xarray as xr

MODEL = Path(__file__).with_name("analyst.toml")
NUMPY_SEED, SEED = 1, 7  # the draws of the two are independent
SHOWN = (0, 5, 10, 15)  # quarters
MAX_Z = 5.0  # of 51 z-scores: exceeded by chance once in 30,000 runs
ROUNDING = 1e-6  # relative; the engine stores single precision, 6e-8

# The parameters in the order of analyst.draw.
PATHS = (
    "processes.n2.d0_mature_per_cm2",
    "fabs.line.plan.n2.scale",
    "memory.hbm.deliveries.scale",
    "products.accelerator.assembly_yield",
)

# Each runs in its own process. The engine writes its ensemble to disk; NumPy keeps it in memory.
NUMPY_PEAK = f"""
import analyst, measure, numpy
numpy.quantile(analyst.simulate({{draws}}, {NUMPY_SEED}), {P10_P50_P90}, axis=0)
print(measure.peak_mib())
"""
ENGINE_PEAK = f"""
import measure, yieldsim
with measure.scratch() as folder:
    out = folder / "analyst.zarr"
    yieldsim.run({str(MODEL)!r}, realizations={{draws}}, seed={SEED}, threads=2, out=out)
print(measure.peak_mib())
"""


@dataclass(frozen=True)
class Size:
    """How much is computed."""

    draws: int
    repeats: int
    memory_draws: tuple[int, ...]


FULL = Size(100_000, 9, (1_000, 100_000, 300_000, 1_000_000))
QUICK = Size(4_000, 1, (4_000,))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes, once")
    size = QUICK if parser.parse_args().quick else FULL
    print(f"analyst: {size.draws:,} draws; {measure.machine()}")
    same = compare(size.draws)
    speed(size)
    parts(size.draws)
    memory(size.memory_draws)
    return 0 if same else 1


def engine(draws: int, threads: int, store: Path | None) -> xr.Dataset:
    """A whole run: load, sample, simulate, write, finalize."""
    return yieldsim.run(MODEL, realizations=draws, seed=SEED, threads=threads, out=store)


def supply(ds: xr.Dataset) -> np.ndarray:
    """Packages per quarter of an ensemble, (draw, quarter)."""
    return ds["usable_chips"].isel(scenario=0, product=0).values.astype(float)


def same_draws_error(ds: xr.Dataset) -> float:
    """Largest relative difference when NumPy is given the engine's own draws."""
    drawn = ds["parameter_value"].isel(scenario=0)
    expected = analyst.packages(*(drawn.sel(parameter=path).values for path in PATHS))
    return float(np.abs(supply(ds) / expected - 1.0).max())


def z_scores(ours: np.ndarray, theirs: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Quantiles of two independent samples and their differences in standard errors.

    Both samples are (draw, quarter). The results are (quarter + 1, quantile); the last row is the
    sum of the last four quarters. Standard errors by Maritz and Jarrett.
    """
    quantiles, errors = [], []
    for packages in (ours, theirs):
        year = packages[:, -4:].sum(axis=1, keepdims=True)
        columns = np.concatenate([packages, year], axis=1).T
        quantile, error = sample_quantiles(np.ascontiguousarray(columns), P10_P50_P90)
        quantiles.append(quantile)
        errors.append(error)
    return quantiles[0], quantiles[1], (quantiles[0] - quantiles[1]) / np.hypot(*errors)


def compare(draws: int) -> bool:
    """Print the quantiles of both models and return whether they agree."""
    with measure.scratch() as folder:
        ds = engine(draws, 1, folder / "analyst.zarr")
        theirs, error = supply(ds), same_draws_error(ds)
        labels = [str(label) for label in ds["quarter_label"].values]
    mine, yours, z = z_scores(analyst.simulate(draws, NUMPY_SEED), theirs)
    rows = []
    for row in (*SHOWN, len(labels)):
        name = labels[row] if row < len(labels) else f"{labels[-1][:4]} whole year"
        cells = zip(mine[row], yours[row], z[row], strict=True)
        rows.append(
            [name, *(cell for a, b, d in cells for cell in (f"{a:,.0f}", f"{b:,.0f}", f"{d:+.2f}"))]
        )
    heads = [cell for p in ("P10", "P50", "P90") for cell in (f"{p} NumPy", "yieldsim", "z")]
    measure.table(
        "Packages, independent draws (z = difference / standard error)", ["", *heads], rows
    )
    largest, mean_square = np.abs(z).max(), np.mean(z**2)
    same = bool(largest < MAX_Z and error < ROUNDING)
    print(
        f"  all {z.size} quantiles: largest |z| {largest:.2f} (allowed {MAX_Z:g}), mean z^2"
        f" {mean_square:.2f}; same draws: largest relative difference {error:.1e}"
        f" (allowed {ROUNDING:g}): {'the same model' if same else 'NOT THE SAME MODEL'}"
    )
    return same


def block_alone(draws: int, simulator: Simulator) -> None:
    """Simulate all blocks one after another, in the block size of a run."""
    size = default_block_size(draws, bytes_per_realization(simulator), 1)
    for first in range(0, draws, size):
        simulator.block(first, min(size, draws - first))


def speed(size: Size) -> dict[str, measure.Timing]:
    """Print draws per second, and return the times; every round runs each case once."""
    draws = size.draws
    simulator = Simulator(yieldsim.load_file(MODEL), ["baseline"], SEED)

    def numpy_and_file(folder: Path) -> None:
        packages = analyst.simulate(draws, NUMPY_SEED)
        np.quantile(packages, P10_P50_P90, axis=0)
        np.save(folder / "packages.npy", packages)

    cases: dict[str, Callable[[Path], object]] = {
        "NumPy, packages alone": lambda folder: analyst.simulate(draws, NUMPY_SEED),
        "NumPy, quantiles and a file": numpy_and_file,
        "NumPy, drawn anew each quarter": lambda folder: analyst.simulate_each_quarter(
            draws, NUMPY_SEED
        ),
        "yieldsim, blocks alone": lambda folder: block_alone(draws, simulator),
        "yieldsim.run, 1 thread": lambda folder: engine(draws, 1, folder / "x.zarr"),
        "yieldsim.run, 2 threads": lambda folder: engine(draws, 2, folder / "x.zarr"),
    }
    best = measure.side_by_side(cases, size.repeats)
    base = next(iter(best.values()))
    rows = [
        [
            name,
            f"{t.wall_s:.3f}",
            f"{t.cpu_s:.3f}",
            f"{draws / t.wall_s:,.0f}",
            f"{draws / t.cpu_s:,.0f}",
            f"{base.wall_s / t.wall_s:.3f}",
            f"{base.cpu_s / t.cpu_s:.3f}",
        ]
        for name, t in best.items()
    ]
    heads = ["", "wall s", "CPU s", "draws/s", "draws/CPU s", "of NumPy", "by CPU"]
    measure.table(f"Speed, {draws:,} draws, best of {size.repeats}", heads, rows)
    return best


def parts(draws: int) -> None:
    """Print where the processor time of a whole run goes."""
    title = f"Where the time of yieldsim.run goes, {draws:,} draws, 1 thread"
    with measure.scratch() as folder:
        measure.show_parts(title, draws, lambda: engine(draws, 1, folder / "analyst.zarr"))


def memory(counts: tuple[int, ...]) -> None:
    """Print the peak memory of both, each figure from its own process."""
    rows = []
    for name, code in (("NumPy", NUMPY_PEAK), ("yieldsim.run, 2 threads", ENGINE_PEAK)):
        peaks = [float(measure.child("-c", code.format(draws=draws))[0]) for draws in counts]
        rows.append([name, *(f"{peak:,.0f}" for peak in peaks)])
    heads = ["MiB at draws", *(f"{draws:,}" for draws in counts)]
    measure.table("Peak memory of a process", heads, rows)


if __name__ == "__main__":
    sys.exit(main())
