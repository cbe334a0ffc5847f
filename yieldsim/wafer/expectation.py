"""The mean yield of a wafer model without drawing: exact where a closed form exists, else by sums.

A die's mean depends on its own densities alone, so that lots, wafers and regions do not have to be
told apart: their gammas multiply, and speed and leakage have the sum of the levels' variances.
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
from yieldsim.wafer.compile.compiled import Plan, excursion_chances, make_plan
from yieldsim.wafer.compile.cubics import gamma_nodes, has_spread, make_pieces
from yieldsim.wafer.geometry.sites import Sites
from yieldsim.wafer.kernels.density import add_signature
from yieldsim.wafer.kernels.sorting import Sorting, cell_chances
from yieldsim.wafer.model.wafer_model import WaferModel, bin_rules, check_wafer_model

__all__ = ["Expectation", "expectation_of", "expected_yield"]

Floats = NDArray[np.float64]
# Nodes of the product of all gammas: cells of its logarithm are then below 0.01 wide. Fewer where
# every set of signatures needs a sum of its own, whose geometry is known no better.
_MOST_NODES, _FEWER_NODES = 1200, 150
_GEOMETRIES = 32  # places and directions that a signature is averaged over
_LEAST_CHANCE = 1e-7  # of a set of signatures, to be looked at
# Kronecker's sequence in three dimensions, from the root of x^4 = x + 1 (M. Roberts 2018).
_KRONECKER = np.array([1.2207440846057596 ** -(k + 1.0) for k in range(3)])
CLOSED_FORM, QUADRATURE = "closed form", "quadrature"


@dataclass(frozen=True)
class Expectation:
    """Mean over all wafers: ``by_bin`` float64[bin] dies shipped in each bin over gross dies.

    ``truly_good`` meet a bin's rule before test, ``escapes`` are scrap that ships; ``by_die``
    float64[die] ships in any bin. ``method`` says how it was found.
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
    """The mean yield of a model. Raises ModelError or UsageError as `simulate_wafers` does."""
    check_wafer_model(model)
    return expectation_of(make_plan(model, 0, sites))


def expectation_of(plan: Plan) -> Expectation:
    """`expected_yield` of a compiled model."""
    closed = _closed_tails(plan)
    tails = _mean_tails(plan) if closed is None else closed
    classes = np.diff(tails, axis=1, prepend=0.0) * plan.sorting.survive[:, None]
    cells = _mean_cells(plan)
    bins = len(plan.bins)
    share = np.zeros((len(plan.sites), bins + 1))
    for works in range(classes.shape[1]):
        for cell in range(cells.shape[1]):
            share[:, plan.sorting.bin_of[works, cell]] += classes[:, works] * cells[:, cell]
    good = share[:, :bins].sum(axis=1)
    escapes = (1.0 - good) * plan.sorting.escape
    shipped = share[:, :bins] * (1.0 - plan.sorting.overkill)
    shipped[:, -1] += escapes
    return Expectation(
        by_bin=shipped.mean(axis=0),
        truly_good=float(good.mean()),
        escapes=float(escapes.mean()),
        by_die=shipped.sum(axis=1),
        method=QUADRATURE if closed is None else CLOSED_FORM,
    )


def _mean_cells(plan: Plan) -> Floats:
    """P(cell of speed and leakage) of each die over all lots and wafers, float64[die, cell]."""
    one = plan.sorting
    rows, columns = one.speed_cuts.size + 1, one.leakage_cuts.size + 1
    out = np.ones((len(plan.sites), rows * columns))
    if not one.has_parametric:
        return out
    sd = np.sqrt((one.sd**2).sum(axis=0))
    covariance = float((one.sd[:, 0] * one.sd[:, 1] * one.correlation).sum())
    r = covariance / (sd[0] * sd[1]) if sd.all() else 0.0
    merged: Sorting = one._replace(
        sd=np.stack([np.zeros(2), np.zeros(2), sd]), correlation=np.array([0.0, 0.0, r])
    )
    below = np.zeros((rows + 1, columns + 1))
    for die in range(len(out)):
        cell_chances(merged, die, 0.0, 0.0, below, out[die])
    return out


def _alphas(model: WaferModel) -> list[float]:
    process = model.process
    every = (process.alpha_lot, process.alpha_wafer, process.alpha_region)
    return [alpha for alpha in every if has_spread(alpha)]


def _reticle_density(model: WaferModel) -> float:
    """Density of reticle defects that print: to a single die they are defects like any other."""
    one = model.process.repeaters
    return 0.0 if one is None else one.per_cm2 * one.print_probability


def _closed_tails(plan: Plan) -> Floats | None:
    """P(class <= c) of each die by a closed form, None where there is none.

    It takes one density for all dies, with at most one gamma: then a floorplan of fatal area and
    one kind of core has `harvest_yield`, and without any gamma every floorplan is a convolution.
    """
    process, die = plan.model.process, plan.floorplan.die
    mixed = process.signatures or process.excursions or np.ptp(plan.field.profile) > 0.0
    alphas = _alphas(plan.model)
    if mixed or len(alphas) > 1 or not len(plan.sites):
        return None
    level = float(plan.field.profile[0])
    d0 = process.d0_per_cm2 * level
    if not alphas:
        one = plan.floorplan.tails(np.array([d0]), (), _reticle_density(plan.model))
        return np.repeat(one, len(plan.sites), axis=0)
    plain = bool(plan.floor.flat) and len(die.held) <= 1 and process.repeaters is None
    if not plain:
        return None
    fatal = MM2_PER_CM2 * sum(area.area_cm2 * area.count for area in die.areas)
    core, cores = die.held[0] if die.held else (None, 0)
    core_mm2 = MM2_PER_CM2 * sum(a.area_cm2 for a in core.areas) if core else 0.0
    needed = [rule.min_good_cores or 0 for rule in bin_rules(plan.model).values()]
    # of a class that meets several bins, the hardest says where it starts
    least = [
        max(n for n, m in zip(needed, row, strict=True) if m) for row in plan.floorplan.meets[:-1]
    ]
    found = [harvest_yield(fatal, core_mm2, max(cores, 1), n, d0, alphas[0]) for n in least]
    return np.tile(np.array(found, np.float64), (len(plan.sites), 1))


def _product_nodes(plan: Plan) -> tuple[Floats, Floats]:
    """(ratio, weight) of the product of all gammas and of excursions, mean kept."""
    ratio, weight = np.ones(1), np.ones(1)
    parts = [gamma_nodes(alpha) for alpha in _alphas(plan.model)]
    (start, go_on, d0_ratio), look_back = excursion_chances(plan.model.process)
    if look_back:
        none = math.prod(1.0 - start * go_on**back for back in range(look_back))
        parts.append((np.array([1.0, d0_ratio]), np.array([none, 1.0 - none])))
    for one_ratio, one_weight in parts:
        ratio, weight = _merged(
            np.multiply.outer(ratio, one_ratio).ravel(),
            np.multiply.outer(weight, one_weight).ravel(),
            _FEWER_NODES if plan.model.process.signatures else _MOST_NODES,
        )
    return ratio, weight


def _merged(ratio: Floats, weight: Floats, most: int) -> tuple[Floats, Floats]:
    """Nodes gathered in cells of the logarithm, each at its own mean."""
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


def _mean_tails(plan: Plan) -> Floats:
    """P(class <= c) of each die, averaged over gammas, excursions and signatures."""
    reticle = _reticle_density(plan.model)
    pieces = plan.pieces
    if reticle > 0.0:
        pieces = make_pieces(lambda x: plan.floorplan.tails(x, (), reticle), *plan.density_range)
    ratio, weight = _product_nodes(plan)
    base = np.multiply.outer(plan.model.process.d0_per_cm2 * plan.field.profile, ratio)
    if not plan.model.process.signatures and np.ptp(plan.field.profile) == 0.0:
        exact = plan.floorplan.tails(base[0], (), reticle)
        return np.tile(weight @ exact, (len(plan.sites), 1))
    total = np.zeros((len(plan.sites), plan.floorplan.classes - 1))
    for chance, extra in _signatures(plan):
        total += chance * np.einsum("q,dqc->dc", weight, pieces(base + extra[:, None]))
    return total


def _signatures(plan: Plan) -> Iterator[tuple[float, Floats]]:
    """(weight, extra density of each die) over sets of signatures and their geometry."""
    shapes = plan.field.signatures
    for present in itertools.product((False, True), repeat=len(shapes)):
        chance = math.prod(
            float(shape[0]) if here else 1.0 - float(shape[0])
            for here, shape in zip(present, shapes, strict=True)
        )
        if chance < _LEAST_CHANCE:
            continue
        count = _GEOMETRIES if any(present) else 1
        for sample in range(count):
            extra = np.zeros(len(plan.sites))
            for kind in np.flatnonzero(present):
                u = ((sample + 0.5) * _KRONECKER + 0.381966 * (kind + 1.0)) % 1.0
                add_signature(plan.field, shapes[kind], u[0], u[1], u[2], extra)
            yield chance / count, extra
