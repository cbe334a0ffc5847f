"""Dies of the readable twin: how many a wafer holds, their defects, and how they are sorted.

The methods differ from those of the kernels. Gross dies are counted by trying every place of a
grid. Bins are the exact sum for "exactly k cores good" in 50-digit decimals (Koren and Koren, Proc.
IEEE 86 (1998) 1819-1838, doi:10.1109/5.705525); the kernels take a float sum for "at least k" or a
quadrature.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Context, Decimal, localcontext
from functools import lru_cache
from statistics import NormalDist

from tests.supply.twin.world import World
from yieldsim.model.schema import Die, Process

MM2_PER_CM2 = 100.0
TOUCHING = 1e-9  # a corner on the usable radius counts
POISSON_ALPHA = 1e8  # a negative binomial with a larger alpha is the Poisson
STREAM_DENSITY = 2
DIGITS = Context(prec=50)  # binomials of 144 cores and their cancellation take about 35


@lru_cache(maxsize=256)
def gross_dies(width: float, height: float, scribe: float, radius: float) -> int:
    """Whole dies within the usable radius, on the best of four grids shifted by half a pitch."""
    return max(
        count_on_grid(width, height, scribe, radius, shift_x, shift_y)
        for shift_x in (0.0, 0.5)
        for shift_y in (0.0, 0.5)
    )


def count_on_grid(
    width: float, height: float, scribe: float, radius: float, shift_x: float, shift_y: float
) -> int:
    """Dies of a grid with all four corners inside, by trying every place."""
    limit = radius * (1.0 + TOUCHING)
    columns = math.ceil(radius / (width + scribe)) + 1
    rows = math.ceil(radius / (height + scribe)) + 1
    count = 0
    for column in range(-columns, columns + 1):
        for row in range(-rows, rows + 1):
            x = (column + shift_x) * (width + scribe)
            y = (row + shift_y) * (height + scribe)
            corners = [
                (x + side_x * width, y + side_y * height)
                for side_x in (-0.5, 0.5)
                for side_y in (-0.5, 0.5)
            ]
            count += all(math.hypot(*corner) <= limit for corner in corners)
    return count


def area_yield(faults: Decimal, alpha: float) -> Decimal:
    """P(no fault) where ``faults`` are expected and their density is clustered."""
    if alpha >= POISSON_ALPHA:
        return (-faults).exp()
    return (Decimal(-alpha) * (1 + faults / Decimal(alpha)).ln()).exp()


def good_cores(fatal: float, core: float, cores: int, least: int, alpha: float) -> dict[int, float]:
    """P(fatal area good and exactly k of the cores good), for k from ``least`` up.

    Inclusion and exclusion over the other n - k cores, none of which may be good.
    """
    with localcontext(DIGITS):
        alive = {
            m: area_yield(Decimal(fatal) + m * Decimal(core), alpha)
            for m in range(least, cores + 1)
        }
        exactly = {}
        for k in range(least, cores + 1):
            terms = [
                (-1) ** j * math.comb(cores - k, j) * alive[k + j] for j in range(cores - k + 1)
            ]
            exactly[k] = float(math.comb(cores, k) * sum(terms))
        return exactly


@dataclass(frozen=True)
class Sorting:
    """Shares of the gross dies of a wafer."""

    shipped: dict[str, float]  # good dies that pass the wafer test, by bin
    escaped: float  # bad dies that pass it
    good: float  # truly good dies
    lost: dict[str, float]  # dies that each mechanism costs of those that are left to it


def sort_dies(
    world: World,
    name: str,
    die: Die,
    d0_per_cm2: float,
    alpha: float,
    survive: float,
    systematic: float = 1.0,
) -> Sorting:
    """Sort the dies of a design at a density.

    ``survive`` is the share that overlay and other ``systematic`` losses leave.
    """
    path = f"dies.{name}"

    def number(key: str) -> float:
        return world.number(path, die, key)

    faults = d0_per_cm2 * number("width_mm") * number("height_mm") / MM2_PER_CM2
    in_cores = number("core_fraction")
    mended = number("memory_fraction") * number("memory_repair")
    fatal = faults * max(0.0, 1.0 - in_cores - mended)
    core = faults * in_cores / die.cores if die.cores else 0.0
    rules = [rule.min_good_cores for rule in die.bins.values()]
    exactly = good_cores(fatal, core, die.cores, min(rules), alpha)
    functional = survive * number("parametric_yield")
    good, shipped, above = 0.0, {}, die.cores
    for bin_name, least in zip(die.bins, rules, strict=True):
        share = functional * sum(exactly[k] for k in range(least, above + 1))
        shipped[bin_name] = share * (1.0 - number("test_overkill"))
        good += share
        above = least - 1  # a die goes into the best bin that takes it
    clean = sum(exactly[k] for k in range(min(rules), die.cores + 1))
    lost = {
        "systematic": 1.0 - systematic,
        "overlay": systematic - survive,
        "random": survive * (1.0 - clean),
        "parametric": survive * clean * (1.0 - number("parametric_yield")),
    }
    return Sorting(shipped, (1.0 - good) * number("test_escape"), good, lost)


def alpha_within(
    world: World, name: str, die: Die, d0_per_cm2: float, alpha: float, left: float
) -> float:
    """Clustering of a die within a period that keeps its mean yield over periods.

    To second order in the period's gamma of variance 1/(alpha L), the fall of ln Y with alpha
    compensates half its curvature in the density. ``left`` does so for dies of few faults.
    """
    path = f"dies.{name}"
    area = world.number(path, die, "width_mm") * world.number(path, die, "height_mm") / MM2_PER_CM2
    mended = world.number(path, die, "memory_fraction") * world.number(path, die, "memory_repair")
    x = d0_per_cm2 * area * (1.0 - mended) / alpha
    if x < 1e-4:
        return left
    by_alpha = math.log1p(x) - x / (1.0 + x)
    curvature = (x / (1.0 + x)) ** 2 / 2.0
    return alpha + (left - alpha) * curvature / by_alpha


def clustered_density(
    world: World, process: Process, name: str, route: str, step: int, starts: float
) -> tuple[float, float]:
    """(density of the step's wafers over its mean, clustering left among their dies).

    The wafers of a step fall into clusters (lots), each with a gamma density of shape alpha. Their
    mean is gamma of shape alpha L; within it a die's density has the relative variance
    (L - 1)/(alpha L + 1), zero for one cluster.
    """
    alpha = world.number(f"processes.{name}", process, "alpha")
    if not world.noise or starts <= 0.0 or alpha >= POISSON_ALPHA:
        return 1.0, alpha
    per_cluster = world.number(f"processes.{name}", process, "cluster_wafers")
    clusters = max(1.0, starts / per_cluster)
    u, _ = world.luck(route, STREAM_DENSITY, step)
    factor = gamma_mean_one(u, alpha * clusters)
    return factor, (alpha * clusters + 1.0) / (clusters - 1.0) if clusters > 1.0 else math.inf


def gamma_mean_one(u: float, shape: float) -> float:
    """Quantile of a gamma variate of mean one: the cube of Wilson and Hilferty over its mean.

    The approximation is part of what the engine computes; tests/kernels compare it with the gamma.
    """
    ninth = 1.0 / (9.0 * shape)
    root = 1.0 - ninth + NormalDist().inv_cdf(u) * math.sqrt(ninth)
    return max(0.0, root) ** 3 / (1.0 - ninth**3)
