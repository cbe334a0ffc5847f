"""The mean yield of a wafer model without drawing: exact where a closed form exists, else by sums.

A die's mean depends on its own densities alone. So lots, wafers and regions need not be told apart:
their gammas multiply, and the variances of speed and leakage add up over the levels.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from yieldsim.closed_form import harvest_yield
from yieldsim.units import MM2_PER_CM2
from yieldsim.wafer.compile.compiled import CompiledWafer, compile_wafer
from yieldsim.wafer.compile.cubics import gamma_nodes, has_spread, make_pieces
from yieldsim.wafer.geometry.sites import Sites
from yieldsim.wafer.kernels.density import add_signature
from yieldsim.wafer.kernels.signatures import SPARED, STRUCK, mark_dies
from yieldsim.wafer.kernels.sorting import ParametricLevel, ParametricShift, cell_chances
from yieldsim.wafer.model.wafer_model import WaferModel, bin_rules, check_wafer_model

__all__ = ["Expectation", "expectation_of", "expected_yield"]

Floats = NDArray[np.float64]
# Nodes of the product of all gammas: cells of its logarithm are then below 0.01 wide. Fewer serve
# where every set of signatures needs its own sum, since the geometry is averaged less precisely.
_MOST_NODES, _FEWER_NODES = 1200, 150
_GEOMETRIES = 32  # places and directions that a signature is averaged over
_LEAST_CHANCE = 1e-7  # sets of signatures that are rarer are left out
# Kronecker's sequence in three dimensions, from the root of x^4 = x + 1 (M. Roberts 2018).
_KRONECKER = np.array([1.2207440846057596 ** -(k + 1.0) for k in range(3)])
CLOSED_FORM, QUADRATURE = "closed form", "quadrature"


@dataclass(frozen=True)
class Expectation:
    """Mean over all wafers: ``by_bin`` float64[bin] dies shipped in each bin over gross dies.

    ``truly_good`` meet a bin's rule before test, ``escapes`` are scrap that ships; ``by_die``
    float64[die] ships in any bin. ``method`` is CLOSED_FORM or QUADRATURE.
    """

    by_bin: Floats
    truly_good: float
    escapes: float
    by_die: Floats
    method: str

    @property
    def yield_(self) -> float:
        """Shipped dies over gross dies."""
        return float(self.by_bin.sum())


def expected_yield(model: WaferModel, sites: Sites | None = None) -> Expectation:
    """Return the mean yield of a model. Raises as `simulate_wafers` does."""
    check_wafer_model(model)
    return expectation_of(compile_wafer(model, 0, sites))


def expectation_of(compiled: CompiledWafer) -> Expectation:
    """Return the `expected_yield` of a compiled model."""
    share, method = _bin_shares(compiled)
    good = share.sum(axis=1)
    escapes = (1.0 - good) * compiled.sorting.escape
    shipped = share * (1.0 - compiled.sorting.overkill)
    shipped += escapes[:, None] * _spread(share)
    return Expectation(
        by_bin=shipped.mean(axis=0),
        truly_good=float(good.mean()),
        escapes=float(escapes.mean()),
        by_die=shipped.sum(axis=1),
        method=method,
    )


def grade_escapes(compiled: CompiledWafer) -> None:
    """Let scrap that passes the test spread over the bins as good dies do in the mean."""
    if compiled.sorting.escape > 0.0:
        spread = _spread(_bin_shares(compiled)[0])
        compiled.sorting = compiled.sorting._replace(escape_bins=spread)


def _bin_shares(compiled: CompiledWafer) -> tuple[Floats, str]:
    """Return P(bin) of each good die before test, float64[die, bin], and the method."""
    closed = _closed_tails(compiled)
    tails = _mean_tails(compiled) if closed is None else closed
    classes = np.diff(tails, axis=1, prepend=0.0) * compiled.sorting.survive[:, None]
    cells = _mean_cells(compiled)
    bins = len(compiled.bins)
    share = np.zeros((len(compiled.sites), bins + 1))
    for works in range(classes.shape[1]):
        for cell in range(cells.shape[1]):
            share[:, compiled.sorting.bin_of[works, cell]] += classes[:, works] * cells[:, cell]
    return share[:, :bins], QUADRATURE if closed is None else CLOSED_FORM


def _spread(share: Floats) -> Floats:
    """Return the share of each bin in the good dies, float64[bin]; all the last's if none is."""
    by_bin = share.sum(axis=0)
    total = by_bin.sum()
    spread: Floats = by_bin / total if total > 0.0 else np.eye(1, by_bin.size, by_bin.size - 1)[0]
    return spread


def _mean_cells(compiled: CompiledWafer) -> Floats:
    """Return P(cell of speed and leakage) of each die over all wafers, float64[die, cell]."""
    sorting = compiled.sorting
    rows, columns = sorting.speed_cuts.size + 1, sorting.leakage_cuts.size + 1
    out = np.ones((len(compiled.sites), rows * columns))
    if not sorting.has_parametric:
        return out
    levels = np.array([sorting.lot, sorting.wafer, sorting.die])
    sd = np.sqrt((levels[:, :2] ** 2).sum(axis=0))
    covariance = float(levels.prod(axis=1).sum())
    r = covariance / (sd[0] * sd[1]) if sd.all() else 0.0
    merged = sorting._replace(die=ParametricLevel(float(sd[0]), float(sd[1]), float(r)))
    below = np.zeros((rows + 1, columns + 1))
    shift = ParametricShift(0.0, 0.0)
    for die in range(len(out)):
        cell_chances(merged, die, shift, below, out[die])
    return out


def _alphas(model: WaferModel) -> list[float]:
    process = model.process
    every = (process.alpha_lot, process.alpha_wafer, process.alpha_region)
    return [alpha for alpha in every if has_spread(alpha)]


def _reticle_density(model: WaferModel) -> float:
    """Return the density of reticle defects that print; for a single die they act like others."""
    repeaters = model.process.repeaters
    return 0.0 if repeaters is None else repeaters.per_cm2 * repeaters.print_probability


def _closed_tails(compiled: CompiledWafer) -> Floats | None:
    """Return P(class <= c) of each die by a closed form, None where there is none.

    It requires one density for all dies and at most one gamma. With one gamma, a floorplan of fatal
    area and one kind of core has `harvest_yield`; without, every floorplan is a convolution.
    """
    process, die = compiled.model.process, compiled.floorplan.die
    drawn = process.signatures or process.seen_signatures or process.excursions
    mixed = drawn or np.ptp(compiled.density_model.profile) > 0.0
    alphas = _alphas(compiled.model)
    if mixed or len(alphas) > 1 or not len(compiled.sites):
        return None
    level = float(compiled.density_model.profile[0])
    d0 = process.d0_per_cm2 * level
    if not alphas:
        tails = compiled.floorplan.tails(np.array([d0]), (), _reticle_density(compiled.model))
        return np.repeat(tails, len(compiled.sites), axis=0)
    plain = bool(compiled.layout.flat) and len(die.held) <= 1 and process.repeaters is None
    if not plain:
        return None
    fatal = MM2_PER_CM2 * sum(area.area_cm2 * area.count for area in die.areas)
    core, cores = die.held[0] if die.held else (None, 0)
    core_mm2 = MM2_PER_CM2 * sum(a.area_cm2 for a in core.areas) if core else 0.0
    needed = [rule.min_good_cores or 0 for rule in bin_rules(compiled.model).values()]
    # a class that meets several bins starts at the most demanding one
    least = [
        max(n for n, m in zip(needed, row, strict=True) if m)
        for row in compiled.floorplan.meets[:-1]
    ]
    shares = [harvest_yield(fatal, core_mm2, max(cores, 1), n, d0, alphas[0]) for n in least]
    return np.tile(np.array(shares, np.float64), (len(compiled.sites), 1))


def _product_nodes(compiled: CompiledWafer) -> tuple[Floats, Floats]:
    """Return (ratio, weight) of the product of all gammas and of excursions; the mean is kept."""
    ratio, weight = np.ones(1), np.ones(1)
    parts = [gamma_nodes(alpha) for alpha in _alphas(compiled.model)]
    excursions = compiled.density_model.excursions
    if excursions.look_back:
        start, go_on = excursions.start, excursions.go_on
        none = math.prod(1.0 - start * go_on**back for back in range(excursions.look_back))
        parts.append((np.array([1.0, excursions.d0_ratio]), np.array([none, 1.0 - none])))
    for part_ratio, part_weight in parts:
        ratio, weight = _merged(
            np.multiply.outer(ratio, part_ratio).ravel(),
            np.multiply.outer(weight, part_weight).ravel(),
            _FEWER_NODES if _many_wafers(compiled.model) else _MOST_NODES,
        )
    return ratio, weight


def _many_wafers(model: WaferModel) -> bool:
    """Whether the mean is a sum over sets of signatures or over wafers seen."""
    return bool(model.process.signatures) or model.process.seen_signatures is not None


def _merged(ratio: Floats, weight: Floats, most: int) -> tuple[Floats, Floats]:
    """Merge nodes within cells of the logarithm, each cell at its own mean."""
    if ratio.size <= most:
        return ratio, weight
    log = np.log(np.maximum(ratio, 1e-12))
    kept = log[weight > 1e-14 * weight.max()]
    edges = np.linspace(kept.min(), kept.max(), most + 1)
    cell = np.clip(np.searchsorted(edges, log) - 1, 0, most - 1)
    total = np.bincount(cell, weight, minlength=most)
    mean = np.bincount(cell, weight * ratio, minlength=most)
    used = total > 0.0
    return mean[used] / total[used], total[used] / total.sum()


def _mean_tails(compiled: CompiledWafer) -> Floats:
    """Return P(class <= c) of each die, averaged over gammas, excursions and signatures."""
    reticle = _reticle_density(compiled.model)
    pieces = compiled.pieces
    if reticle > 0.0:
        pieces = make_pieces(
            lambda x: compiled.floorplan.tails(x, (), reticle), *compiled.density_range
        )
    ratio, weight = _product_nodes(compiled)
    base = np.multiply.outer(
        compiled.model.process.d0_per_cm2 * compiled.density_model.profile, ratio
    )
    if not _many_wafers(compiled.model) and np.ptp(compiled.density_model.profile) == 0.0:
        exact = compiled.floorplan.tails(base[0], (), reticle)
        return np.tile(weight @ exact, (len(compiled.sites), 1))
    total = np.zeros((len(compiled.sites), compiled.floorplan.classes - 1))
    for (chance, extra), (share, factor, struck) in itertools.product(
        _signatures(compiled), list(_seen(compiled))
    ):
        density = base * factor[:, None] + (extra + struck)[:, None]
        total += chance * share * np.einsum("q,dqc->dc", weight, pieces(density))
    return total


def _seen(compiled: CompiledWafer) -> Iterator[tuple[float, Floats, Floats]]:
    """Yield (weight, factor and addition to the density of each die) of the wafers seen."""
    seen = compiled.density_model.seen
    marks = np.zeros(len(compiled.sites), np.int64)
    wafers, ways = seen.ratio.size, 4 if seen.symmetric else 1
    if not wafers:
        yield 1.0, np.ones(len(marks)), np.zeros(len(marks))
    for which, symmetry in itertools.product(range(wafers), range(ways)):
        mark_dies(seen, which, symmetry, marks)
        factor = np.where(marks == SPARED, 0.0, seen.ratio[which])
        yield 1.0 / (wafers * ways), factor, np.where(marks == STRUCK, seen.struck_per_cm2, 0.0)


def _signatures(compiled: CompiledWafer) -> Iterator[tuple[float, Floats]]:
    """Yield (weight, extra density of each die) over sets of signatures and their geometry."""
    chances = compiled.density_model.signatures["probability"].tolist()
    for present in itertools.product((False, True), repeat=len(chances)):
        chance = math.prod(
            probability if here else 1.0 - probability
            for here, probability in zip(present, chances, strict=True)
        )
        if chance < _LEAST_CHANCE:
            continue
        count = _GEOMETRIES if any(present) else 1
        for sample in range(count):
            extra = np.zeros(len(compiled.sites))
            for kind in np.flatnonzero(present):
                u = ((sample + 0.5) * _KRONECKER + 0.381966 * (kind + 1.0)) % 1.0
                add_signature(compiled.density_model, int(kind), u[0], u[1], u[2], extra)
            yield chance / count, extra
