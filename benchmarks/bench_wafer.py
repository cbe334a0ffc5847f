"""Wafers per second: points beside scalar kernels, the generator alone, NumPy and C; expected.

Every case is run in short pieces, round after round, and its least time counts: whatever else the
machine does only ever adds. Ratios are of times of the same run.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Mapping
from typing import Any

import measure
import numpy as np
import wafer_rivals

from yieldsim.kernels.philox import fill_blocks
from yieldsim.wafer import expected_yield, wafer_model
from yieldsim.wafer.compile.compiled import CompiledWafer, compile_wafer
from yieldsim.wafer.kernels.dies import DieCounts
from yieldsim.wafer.kernels.points_plain import plain_block
from yieldsim.wafer.shortcuts import make_plain, plain_work
from yieldsim.wafer.simulate import run_compiled

SEED = 7
DIE = {"width_mm": 26, "height_mm": 33}
PLAIN = {"die": DIE, "process": {"d0_per_cm2": 0.1}}
SPREAD: dict[str, Any] = {
    "alpha_lot": 10,
    "alpha_wafer": 4,
    "alpha_region": 2,
    "profile": {"radial_amplitude": 0.5},
}
HARVEST = {
    "die": {**DIE, "blocks": {"core": {"kind": "core", "count": 32, "area_mm2": 12}}},
    "bins": {str(n): {"min_good_cores": n} for n in (32, 30, 28, 25)},
    "process": {"d0_per_cm2": 0.1, **SPREAD},
}
LOT: dict[str, Any] = {
    "die": {**DIE, "blocks": {"core": {"kind": "core", "count": 24, "area_mm2": 16}}},
    "bins": {str(n): {"min_good_cores": n} for n in (24, 20)},
    "process": {"d0_per_cm2": 0.1, "alpha_wafer": 4, "alpha_region": 2},
}
MOST_Z = 5.0


def show(title: str, best: Mapping[str, float], wafers: int, engine: str) -> None:
    """Print the table of a comparison; the ratio is the engine's speed over each."""
    rows = [
        [name, f"{1e9 * s / wafers:,.0f}", f"{wafers / s:,.0f}", f"{s / best[engine]:,.2f}"]
        for name, s in best.items()
    ]
    measure.table(title, ["", "ns a wafer", "wafers/s", "engine is faster by"], rows)


def grid_of(compiled: CompiledWafer) -> tuple[Any, tuple[float, ...]]:
    """The die of each cell, and the box of the grid, for the rivals."""
    sites = compiled.sites
    grid = np.full(sites.shape, -1)
    grid[sites.row, sites.column] = np.arange(len(sites))
    left = float((sites.x_mm - sites.column * sites.pitch_x_mm)[0] - 0.5 * sites.width_mm)
    low = float((sites.y_mm - sites.row * sites.pitch_y_mm)[0] - 0.5 * sites.height_mm)
    return grid, (left, low, sites.pitch_x_mm, sites.pitch_y_mm, sites.width_mm, sites.height_mm)


def check(name: str, good: Any, dies: int, exact: float) -> None:
    """Exit with 1 where a program's mean yield is not that of the model."""
    values = np.asarray(good, np.float64)
    error = values.std(ddof=1) / math.sqrt(values.size) / dies
    z = (values.mean() / dies - exact) / error
    print(f"  {name}: mean yield {values.mean() / dies:.5f}, exact {exact:.5f}, z {z:+.2f}")
    if abs(z) > MOST_Z:
        raise SystemExit(f"{name}: not the same model, z {z:.1f}")


def plain_points(wafers: int, rounds: int) -> dict[str, float]:
    """Plain Poisson, 26 x 33 mm, D0 0.1; returns the seconds of each program."""
    model = wafer_model(PLAIN)
    compiled = compile_wafer(model, SEED)
    dies = len(compiled.sites)
    exact = expected_yield(model).yield_
    grid, box = grid_of(compiled)
    radius = compiled.sites.usable_radius_mm
    plain = make_plain(compiled)
    out, good, few = np.zeros((wafers, 3)), np.zeros(wafers), np.zeros(max(wafers // 10, 50))
    by_c, work = np.zeros((wafers, 3)), plain_work(plain)
    image = np.zeros((wafers, 0), np.uint8)
    used = wafers * (
        1.0 + 0.1 * compiled.floorplan.die_cm2 * dies
    )  # one for the count and each place
    buffer = np.zeros((4, int(used / 4)), np.uint32)
    counts = DieCounts(out[:, :1], out[:, 1], out[:, 2])
    zero = np.uint32(0)
    cases: dict[str, Callable[[], object]] = {
        "engine, points": lambda: plain_block(plain, np.uint64(0), work, counts, image),
        "bound: a word for each place": lambda: fill_blocks(
            buffer, plain.seed, zero, zero, np.uint32(3), zero
        ),
        "scalar Numba": lambda: wafer_rivals.scalar_plain(SEED, grid, box, radius, 0.1, good),
    }
    with measure.scratch() as folder:
        function, why = wafer_rivals.c_plain(folder)
        if function is None:
            print(f"C is left out: {why}")
        else:
            tables = (plain.count_below.ctypes.data, plain.count_guide.ctypes.data)
            cases["C, the same algorithm"] = lambda: function(
                SEED, dies, *tables, 0, wafers, by_c.ctypes.data
            )
        best = measure.least_times(cases, rounds)
        share = wafers / few.size
        numpy_case = {"NumPy": lambda: wafer_rivals.numpy_plain(SEED, grid, box, radius, 0.1, few)}
        best["NumPy"] = share * measure.least_times(numpy_case, max(rounds // 4, 1))["NumPy"]
    show(f"Points, plain Poisson, 26 x 33 mm, {dies} dies", best, wafers, "engine, points")
    check("engine", out[:, 0], dies, exact)
    check("scalar Numba", good, dies, exact)
    check("NumPy", few, dies, exact)
    if function is not None and not np.array_equal(out, by_c):
        raise SystemExit("C: not the same wafers bit by bit")
    return best


def harvest_points(wafers: int, rounds: int) -> dict[str, float]:
    """Clusters of lot, wafer and die, radial profile, 32 cores, four bins."""
    model = wafer_model(HARVEST)
    compiled = compile_wafer(model, SEED)
    sites = compiled.sites
    rho = np.hypot(sites.x_mm, sites.y_mm) / sites.usable_radius_mm
    parts = (0.1, 0.5, 10.0, 4.0, 2.0, 8.58, 8.58 - 3.84, 0.12)
    good = np.zeros((wafers, 4))
    least = np.array([32, 30, 28, 25])
    results: dict[str, Any] = {}

    def engine() -> None:
        results["engine"] = run_compiled(compiled, wafers, "points")

    cases = {
        "engine, points": engine,
        "scalar Numba": lambda: wafer_rivals.scalar_harvest(SEED, rho, 1.25, parts, least, good),
        "engine, dies": lambda: run_compiled(compiled, wafers, "dies"),
    }
    best = measure.least_times(cases, rounds)
    title = "Points, clusters, radial profile, 32-core harvest, bins"
    show(title, best, wafers, "engine, points")
    # the rival's gammas are approximate, by some 0.1 % of the yield, and its profile is that at the
    # die's centre: shown, not held to a z
    mine, rival = (
        results["engine"].shipped.mean() / len(sites),
        good.sum(axis=1).mean() / len(sites),
    )
    exact = expected_yield(model).yield_
    print(f"  mean yield: engine {mine:.4f}, scalar Numba {rival:.4f}, quadrature {exact:.4f}")
    return best


def expected_lots(title: str, process: dict[str, Any], lots: int, rounds: int) -> None:
    """A lot of 25 wafers of a 24-core die, for the same standard error of the mean."""
    compiled = compile_wafer(wafer_model({**LOT, "process": {**LOT["process"], **process}}), SEED)
    wafers = 25 * lots
    best = measure.least_times(
        {
            "points": lambda: run_compiled(compiled, wafers, "points"),
            "expected": lambda: run_compiled(compiled, wafers, "expected"),
        },
        rounds,
    )
    one = run_compiled(compiled, max(wafers, 20_000), "expected")
    means = one.shipped.reshape(-1, 25).mean(axis=1)
    inner = float(one.total_variance.mean()) / 25.0
    between = float(means.var(ddof=1))
    variance = {"points": between + inner, "expected": between}
    cost = {name: best[name] * variance[name] for name in best}
    rows = [
        [
            name,
            f"{1e6 * best[name] / lots:,.2f}",
            f"{math.sqrt(variance[name]):.3f}",
            f"{cost['points'] / cost[name]:,.1f}",
        ]
        for name in best
    ]
    heads = ["", "us a lot", "SD of a lot's mean", "faster for the same error"]
    measure.table(f"Expected beside points: lots of 25 wafers, 24-core die, {title}", heads, rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a little of everything")
    quick = parser.parse_args().quick
    wafers, rounds = (500, 3) if quick else (5_000, 40)
    print(f"wafers: {wafers:,} a piece, least of {rounds}; {measure.machine()}")
    plain_points(wafers, rounds)
    harvest_points(wafers // 2, rounds)
    expected_lots("clusters of wafer and die", {}, wafers // 10, rounds)
    expected_lots("of lot, wafer and die, radial profile", SPREAD, wafers // 10, rounds)


if __name__ == "__main__":
    main()
