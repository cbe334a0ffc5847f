"""Wafers drawn from a model, at one of three fidelities that agree in distribution."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from yieldsim.closed_form import require
from yieldsim.errors import UsageError
from yieldsim.wafer.compile.compiled import Plan, make_plan
from yieldsim.wafer.defects import Defects, list_defects
from yieldsim.wafer.geometry.sites import Sites
from yieldsim.wafer.kernels.dies import dies_block, expected_block
from yieldsim.wafer.kernels.points import points_block
from yieldsim.wafer.model.wafer_model import WaferModel, check_wafer_model
from yieldsim.wafer.repeaters import Hits, repeater_mean
from yieldsim.wafer.shortcuts import is_plain, is_scaled, plain_wafers, scaled_wafers

__all__ = ["FIDELITIES", "Fidelity", "WaferResult", "simulate_wafers"]

Floats = NDArray[np.float64]
Fidelity = Literal["points", "dies", "expected"]
FIDELITIES: tuple[Fidelity, ...] = ("points", "dies", "expected")
_MOST_WAFERS = 2**32  # the wafer's number is one word of the generator's counter


@dataclass(frozen=True)
class WaferResult:
    """What some wafers gave.

    ``good`` float64[wafer, bin] counts the dies shipped in each bin (escapes in the last one),
    ``truly_good`` float64[wafer] those that meet some bin's rule before test, ``escapes`` the scrap
    dies that shipped. At fidelity `expected` these are means given the wafer's densities, with
    ``variance`` float64[wafer, bin] and ``total_variance`` float64[wafer] of all shipped dies;
    else the variances are zero. ``bin_map`` uint8[wafer, die] (number of bins: scrap) and
    ``density`` float64[wafer, die] per cm2 are there when asked for, at `points` also the
    ``defects`` on dies. At `expected` the density lacks the gammas that are integrated.
    """

    fidelity: Fidelity
    bins: tuple[str, ...]
    gross: int
    first_wafer: int
    lot_wafers: int
    good: Floats
    variance: Floats
    total_variance: Floats
    truly_good: Floats
    escapes: Floats
    lots_share: bool
    sites: Sites = field(repr=False)
    bin_map: NDArray[np.uint8] | None = None
    density: Floats | None = None
    defects: Defects | None = None

    @property
    def shipped(self) -> Floats:
        """Dies shipped in any bin, float64[wafer]."""
        total: Floats = self.good.sum(axis=1)
        return total

    @property
    def yield_(self) -> float:
        """Shipped dies over gross dies."""
        return float(self.shipped.mean() / self.gross) if self.gross else 0.0

    @property
    def known_good_die(self) -> float:
        """Truly good shipped dies over shipped dies; nan where none shipped."""
        shipped = float(self.shipped.sum())
        return 1.0 - float(self.escapes.sum()) / shipped if shipped > 0.0 else float("nan")

    @property
    def lots(self) -> NDArray[np.int64]:
        """Number of each wafer's lot, int64[wafer]."""
        return (self.first_wafer + np.arange(len(self.good), dtype=np.int64)) // self.lot_wafers

    @property
    def independent(self) -> int:
        """How many wafers there are, or lots where the wafers of one share luck.

        Fewer than two tell nothing of the spread between wafers.
        """
        return int(self.lots[-1] - self.lots[0]) + 1 if self.lots_share else len(self.good)

    @property
    def yield_se(self) -> float:
        """Standard error of `yield_` over wafers, or over lots where the wafers of one share luck.

        nan where there are fewer than two of them.
        """
        lots = self.lots - self.lots[0] if self.lots_share else np.arange(len(self.good))
        count = self.independent
        if count < 2 or not self.gross:
            return float("nan")
        sums = np.bincount(lots, self.shipped)
        sizes = np.bincount(lots)
        # of a ratio of sums: lots at the ends may be cut
        rest = sums - sizes * sums.sum() / sizes.sum()
        spread = float(np.sqrt(np.sum(rest**2) * count / (count - 1)))
        return spread / float(sizes.sum()) / self.gross

    @property
    def sd_good_per_wafer(self) -> float:
        """Standard deviation between wafers of the shipped dies on one."""
        spread = float(np.var(self.shipped, ddof=1)) if len(self.good) > 1 else 0.0
        return float(np.sqrt(spread + self.total_variance.mean()))

    @property
    def sd_by_bin(self) -> Floats:
        """Standard deviation between wafers of each bin's dies, float64[bin]."""
        spread = np.var(self.good, axis=0, ddof=1) if len(self.good) > 1 else 0.0
        return np.asarray(np.sqrt(spread + self.variance.mean(axis=0)))


def simulate_wafers(
    model: WaferModel,
    wafers: int,
    seed: int,
    fidelity: Fidelity = "expected",
    first_wafer: int = 0,
    keep_maps: bool = False,
    sites: Sites | None = None,
) -> WaferResult:
    """Simulate wafers ``first_wafer`` to ``first_wafer + wafers - 1``.

    Wafer n belongs to lot ``n // lot_wafers``; its result depends on the model, the seed and its
    number alone. ``sites`` takes the place of the sites of the model's wafer. With ``keep_maps``
    the result has ``density``, at `points` and `dies` ``bin_map``, at `points` ``defects``.

    Raises UsageError for counts, seeds or a fidelity that make no sense, and ModelError for a model
    whose parts contradict one another.
    """
    check_wafer_model(model)
    count = int(require("wafers", wafers, least=1, most=_MOST_WAFERS, whole=True))
    first = int(require("first_wafer", first_wafer, least=0, most=_MOST_WAFERS - count, whole=True))
    if not isinstance(seed, int | np.integer) or not 0 <= int(seed) < 2**64:
        raise UsageError("seed", "out of range", got=seed, allowed="a whole number in [0, 2^64)")
    if fidelity not in FIDELITIES:
        raise UsageError("fidelity", "unknown", got=fidelity, allowed=", ".join(FIDELITIES))
    plan = make_plan(model, int(seed), sites)
    return run_plan(plan, count, fidelity, first, keep_maps)


def run_plan(
    plan: Plan, wafers: int, fidelity: Fidelity, first_wafer: int = 0, keep_maps: bool = False
) -> WaferResult:
    """`simulate_wafers` with a compiled model."""
    bins, dies = len(plan.bins), len(plan.sites)
    # a row of whole vectors is filled faster, so that rows of `expected` end in unused columns
    columns = bins + 2 if fidelity != "expected" else -(-(2 * bins + 3) // 4) * 4
    out = np.zeros((wafers, columns))
    mapped = keep_maps and fidelity != "expected"
    image = np.zeros((wafers, dies if mapped else 0), np.uint8)
    density = np.zeros((wafers, dies if keep_maps else 0))
    if fidelity == "points" and is_plain(plan):
        plain_wafers(plan, first_wafer, out, image, density)
    elif fidelity == "expected" and is_scaled(plan):
        if keep_maps:  # for the densities alone: a result must not hang on who looks
            _fill(plan, fidelity, first_wafer, np.zeros_like(out), image, density)
        scaled_wafers(plan, first_wafer, out)
    else:
        _fill(plan, fidelity, first_wafer, out, image, density)
    variance = (
        out[:, bins + 2 : 2 * bins + 2] if fidelity == "expected" else np.zeros((wafers, bins))
    )
    return WaferResult(
        fidelity=fidelity,
        bins=plan.bins,
        gross=dies,
        first_wafer=first_wafer,
        lot_wafers=plan.model.process.lot_wafers,
        good=out[:, :bins],
        variance=variance,
        total_variance=out[:, 2 * bins + 2] if fidelity == "expected" else np.zeros(wafers),
        truly_good=out[:, bins],
        escapes=out[:, bins + 1],
        lots_share=plan.lots_share,
        sites=plan.sites,
        bin_map=image if mapped else None,
        density=density if keep_maps else None,
        defects=list_defects(plan, first_wafer, density)
        if mapped and fidelity == "points"
        else None,
    )


def _fill(
    plan: Plan, fidelity: Fidelity, first_wafer: int, out: Floats, image: Any, density: Floats
) -> None:
    """Run the kernel over stretches of wafers, one by one where a reticle defect hits some die."""
    hits = Hits(plan, fidelity == "expected")
    work = plan.work()
    untouched = np.zeros(len(plan.sites), np.int32)
    nothing = np.zeros(0, np.int64)
    points: Any = points_block
    for start, stop, place, strip in _stretches(plan, hits, first_wafer, len(out)):
        single = place.size > 0
        for w in range(start, stop) if single else (start,):
            part = slice(w, w + 1 if single else stop)
            into: Any = (work, out[part], *((image[part],) if fidelity != "expected" else ()))
            hit = hits.of_wafer(place, strip, first_wafer + w) if single else (nothing, nothing)
            number = np.uint64(first_wafer + w)
            arrays: Any
            if fidelity == "points":
                work.stamp.fill(-1)
                arrays = (plan.field, plan.sorting, plan.floor, *hit, number)
                points(*arrays, *into, density[part])
                continue
            state = hits.states(*hit) if single else untouched
            tables: tuple[Floats, ...] = (_stacked(hits.tables),)
            if fidelity == "expected":
                tables += (_stacked(hits.region_tables, tables[0]),)
            kernel: Any = dies_block if fidelity == "dies" else expected_block
            arrays = (plan.field, plan.sorting, np.int64(plan.pieces.first), *tables, state)
            kernel(*arrays, number, *into, density[part])


def _stretches(
    plan: Plan, hits: Hits, first_wafer: int, wafers: int
) -> Iterator[tuple[int, int, NDArray[np.int64], NDArray[np.int64]]]:
    """(start, stop, reticle defects) of wafers counted from the first one."""
    nothing = np.zeros(0, np.int64)
    if repeater_mean(plan) <= 0.0:
        yield 0, wafers, nothing, nothing
        return
    lot_wafers = plan.model.process.lot_wafers
    start = 0
    while start < wafers:
        lot = (first_wafer + start) // lot_wafers
        stop = min((lot + 1) * lot_wafers - first_wafer, wafers)
        yield start, stop, *hits.of_lot(lot)
        start = stop


def _stacked(tables: list[Floats], like: Floats | None = None) -> Floats:
    """Tables as one array [state, ...]; without any, an empty one of the same kind as ``like``."""
    if not tables and like is not None:
        return like[:0]
    return tables[0][None] if len(tables) == 1 else np.stack(tables)
