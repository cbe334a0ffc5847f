"""Wafers simulated from a model, at one of three fidelities that agree in distribution."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from yieldsim.closed_form import require
from yieldsim.errors import UsageError
from yieldsim.wafer.compile.compiled import CompiledWafer, compile_wafer
from yieldsim.wafer.defects import Defects, list_defects
from yieldsim.wafer.expectation import grade_escapes
from yieldsim.wafer.geometry.sites import Sites
from yieldsim.wafer.kernels.dies import DieCounts, ExpectedCounts, dies_block, expected_block
from yieldsim.wafer.kernels.points import ReticleHits, points_block
from yieldsim.wafer.kernels.repeaters import LotRepeaters
from yieldsim.wafer.model.wafer_model import WaferModel, check_wafer_model
from yieldsim.wafer.repeaters import NO_REPEATERS, DamageStates, lot_places, repeater_mean
from yieldsim.wafer.shortcuts import (
    expected_counts,
    is_plain,
    is_scaled,
    plain_wafers,
    scaled_wafers,
)

__all__ = ["FIDELITIES", "Fidelity", "WaferResult", "run_compiled", "simulate_wafers"]

Floats = NDArray[np.float64]
Maps = NDArray[np.uint8]
Fidelity = Literal["points", "dies", "expected"]
FIDELITIES: tuple[Fidelity, ...] = ("points", "dies", "expected")
_MOST_WAFERS = 2**32  # the wafer's number is one word of the generator's counter


@dataclass(frozen=True)
class WaferResult:
    """Simulated wafers.

    ``good`` float64[wafer, bin] counts the dies shipped in each bin, escapes among them,
    ``truly_good`` float64[wafer] those that meet some bin's rule before test, ``escapes`` the scrap
    dies that shipped. At fidelity `expected` these are means given the wafer's densities, with
    ``variance`` float64[wafer, bin] and ``total_variance`` float64[wafer] of all shipped dies;
    otherwise the variances are zero. With maps kept there are ``density`` float64[wafer, die] per
    cm2, at `points` and `dies` ``bin_map`` uint8[wafer, die] (number of bins: scrap), at `points`
    the ``defects`` on dies. At `expected` the density lacks the gammas that are integrated.
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
        """Lot number of each wafer, int64[wafer]."""
        return (self.first_wafer + np.arange(len(self.good), dtype=np.int64)) // self.lot_wafers

    @property
    def independent(self) -> int:
        """Number of wafers, or of lots where the wafers of a lot share random factors.

        Fewer than two say nothing about the spread between wafers.
        """
        return int(self.lots[-1] - self.lots[0]) + 1 if self.lots_share else len(self.good)

    @property
    def yield_se(self) -> float:
        """Standard error of `yield_` over `independent` wafers or lots; nan for fewer than two."""
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

    Wafer n belongs to lot ``n // lot_wafers``; its result depends only on the model, the seed and
    n. ``sites`` replaces the sites of the model's wafer. With ``keep_maps`` the result has maps
    (see `WaferResult`).

    Raises UsageError for counts, seeds or a fidelity out of range, and ModelError for a model whose
    parts contradict one another.
    """
    check_wafer_model(model)
    count = int(require("wafers", wafers, least=1, most=_MOST_WAFERS, whole=True))
    first = int(require("first_wafer", first_wafer, least=0, most=_MOST_WAFERS - count, whole=True))
    if not isinstance(seed, int | np.integer) or not 0 <= int(seed) < 2**64:
        raise UsageError("seed", "out of range", got=seed, allowed="a whole number in [0, 2^64)")
    if fidelity not in FIDELITIES:
        raise UsageError("fidelity", "unknown", got=fidelity, allowed=", ".join(FIDELITIES))
    compiled = compile_wafer(model, int(seed), sites)
    return run_compiled(compiled, count, fidelity, first, keep_maps)


def run_compiled(
    compiled: CompiledWafer,
    wafers: int,
    fidelity: Fidelity,
    first_wafer: int = 0,
    keep_maps: bool = False,
) -> WaferResult:
    """Simulate as `simulate_wafers` does, with a compiled model."""
    expected = fidelity == "expected"
    grade_escapes(compiled)
    bins, dies = len(compiled.bins), len(compiled.sites)
    counts = expected_counts(wafers, bins)
    drawn = DieCounts(counts.good, counts.truly_good, counts.escapes)
    mapped = keep_maps and not expected
    image = np.zeros((wafers, dies if mapped else 0), np.uint8)
    density = np.zeros((wafers, dies if keep_maps else 0))
    if fidelity == "points" and is_plain(compiled):
        plain_wafers(compiled, first_wafer, drawn, image, density)
    elif expected and is_scaled(compiled):
        if keep_maps:  # for the densities alone: the result must not depend on keeping maps
            unused = expected_counts(wafers, bins)
            _fill_expected(compiled, first_wafer, unused, density)
        scaled_wafers(compiled, first_wafer, counts)
    elif expected:
        _fill_expected(compiled, first_wafer, counts, density)
    elif fidelity == "dies":
        _fill_dies(compiled, first_wafer, drawn, image, density)
    else:
        _fill_points(compiled, first_wafer, drawn, image, density)
    listed = mapped and fidelity == "points"
    return WaferResult(
        fidelity=fidelity,
        bins=compiled.bins,
        gross=dies,
        first_wafer=first_wafer,
        lot_wafers=compiled.model.process.lot_wafers,
        **counts._asdict(),
        lots_share=compiled.lots_share,
        sites=compiled.sites,
        bin_map=image if mapped else None,
        density=density if keep_maps else None,
        defects=list_defects(compiled, first_wafer, density) if listed else None,
    )


def _fill_points(
    compiled: CompiledWafer, first_wafer: int, counts: DieCounts, image: Maps, density: Floats
) -> None:
    """Run `points_block` over stretches of wafers with the same state of the reticle."""
    states = DamageStates(compiled, expected=False)
    work = compiled.work_space()
    no_hits = ReticleHits(np.zeros(0, np.int64), np.zeros(0, np.int64))
    for part, repeaters in _stretches(compiled, first_wafer, len(image)):
        wafer = first_wafer + part.start
        hits = states.hits(repeaters, wafer) if repeaters.strip.size else no_hits
        work.stamp.fill(-1)
        points_block(
            compiled.density_model,
            compiled.sorting,
            compiled.layout,
            hits,
            wafer,
            work,
            DieCounts(*(column[part] for column in counts)),
            image[part],
            density[part],
        )


def _fill_dies(
    compiled: CompiledWafer, first_wafer: int, counts: DieCounts, image: Maps, density: Floats
) -> None:
    """Run `dies_block` as in `_fill_points`."""
    states = DamageStates(compiled, expected=False)
    work = compiled.work_space()
    for part, repeaters in _stretches(compiled, first_wafer, len(image)):
        wafer = first_wafer + part.start
        state = _states_of(compiled, states, repeaters, wafer)
        dies_block(
            compiled.density_model,
            compiled.sorting,
            compiled.pieces.first,
            np.stack(states.tables),
            state,
            wafer,
            work,
            DieCounts(*(column[part] for column in counts)),
            image[part],
            density[part],
        )


def _fill_expected(
    compiled: CompiledWafer, first_wafer: int, counts: ExpectedCounts, density: Floats
) -> None:
    """Run `expected_block` as in `_fill_points`."""
    states = DamageStates(compiled, expected=True)
    work = compiled.work_space()
    for part, repeaters in _stretches(compiled, first_wafer, len(density)):
        wafer = first_wafer + part.start
        state = _states_of(compiled, states, repeaters, wafer)
        tables = np.stack(states.tables)
        expected_block(
            compiled.density_model,
            compiled.sorting,
            compiled.pieces.first,
            tables,
            np.stack(states.region_tables) if states.region_tables else tables[:0],
            state,
            wafer,
            work,
            ExpectedCounts(*(column[part] for column in counts)),
            density[part],
        )


def _states_of(
    compiled: CompiledWafer, states: DamageStates, repeaters: LotRepeaters, wafer: int
) -> NDArray[np.int32]:
    """Return the state of each die of a wafer; without reticle defects all are 0."""
    if not repeaters.strip.size:
        return np.zeros(len(compiled.sites), np.int32)
    return states.of_dies(states.hits(repeaters, wafer))


def _stretches(
    compiled: CompiledWafer, first_wafer: int, wafers: int
) -> Iterator[tuple[slice, LotRepeaters]]:
    """Yield (wafers from the first on, reticle defects); one wafer each where there are some."""
    if repeater_mean(compiled) <= 0.0:
        yield slice(0, wafers), NO_REPEATERS
        return
    lot_wafers = compiled.model.process.lot_wafers
    start = 0
    while start < wafers:
        lot = (first_wafer + start) // lot_wafers
        stop = min((lot + 1) * lot_wafers - first_wafer, wafers)
        repeaters = lot_places(compiled, lot)
        step = 1 if repeaters.strip.size else stop - start
        for begin in range(start, stop, step):
            yield slice(begin, begin + step), repeaters
        start = stop
