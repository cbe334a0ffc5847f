"""The die designs of a model: harvest weights of cores, and bin tables of floorplans."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from yieldsim.model import Model
from yieldsim.model.schema import Die
from yieldsim.sampling import Sampler
from yieldsim.supply.compile.memory import records
from yieldsim.supply.kernels.records import DieDesign, Records

if TYPE_CHECKING:
    from yieldsim.wafer.bin_table import BinTable

# the alternating sum of a harvest is right to 1e-7 of all dies up to this weight; above, use
# quadrature
_LARGEST_WEIGHT = 1e8
_WAFER = ("diameter_mm", "edge_exclusion_mm", "scribe_mm")


def floorplan_tables(model: Model, sampler: Sampler) -> list[BinTable | None]:
    """Return the bin table of each die at the medians of die and wafer; None without a floorplan.

    Raises ModelError under the die's path for an invalid floorplan.
    """
    if all(die.floorplan is None for die in model.dies.values()):
        return [None] * len(model.dies)
    from yieldsim.wafer.bin_table import bin_table, floorplan_model

    median = sampler.medians()
    wafer = {key: median[f"wafer.{key}"] for key in _WAFER}
    tables: list[BinTable | None] = []
    for name, die in model.dies.items():
        if die.floorplan is None:
            tables.append(None)
            continue
        size = median[f"dies.{name}.width_mm"], median[f"dies.{name}.height_mm"]
        tables.append(
            bin_table(floorplan_model(f"dies.{name}.floorplan", die.floorplan.root, wafer, *size))
        )
    return tables


def designs_of(
    model: Model, sampler: Sampler
) -> tuple[Records[DieDesign], np.ndarray, np.ndarray, np.ndarray]:
    """Return the designs, the good cores that bins need, the harvest weights, and the bin tables.

    Good cores are (die, bin), weights (die, bin, cores above the lowest rule), and tables (die,
    cell, bin, 4): coefficients for dies with a floorplan, zeros for others.
    """
    min_good, harvest, deep = _harvest(model)
    tables = floorplan_tables(model, sampler)
    cells = [1 if table is None else len(table.pieces.coefficients) for table in tables]
    bin_table = np.zeros((len(tables), max(cells), min_good.shape[1], 4))
    rows = []
    for d, (die, table) in enumerate(zip(model.dies.values(), tables, strict=True)):
        tabled, first, kill = 0, 0, 1.0
        if table is not None:
            bin_table[d, : cells[d], : len(table.bins)] = table.pieces.coefficients
            tabled, first, kill = 1, table.pieces.first, table.kill
        rows.append((die.cores, len(die.bins), deep[d], tabled, first, cells[d], kill))
    return records(DieDesign, rows), min_good, harvest, bin_table


def _harvest(model: Model) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """Return the good cores that bins need, the harvest weights, and which sums would cancel."""
    dies = list(model.dies.values())
    bins = max(len(die.bins) for die in dies)
    min_good = np.zeros((len(dies), bins), np.int64)
    harvest = np.zeros((len(dies), bins, max(_depth(die) for die in dies) + 1))
    for d, die in enumerate(dies):
        for b, rule in enumerate(die.bins.values()):
            min_good[d, b] = rule.min_good_cores
            harvest[d, b, : _depth(die) + 1] = harvest_weights(die, rule.min_good_cores)
    deep = [int(np.abs(weights).max() > _LARGEST_WEIGHT) for weights in harvest]
    return min_good, harvest, deep


def _depth(die: Die) -> int:
    return die.cores - min(rule.min_good_cores for rule in die.bins.values())


def harvest_weights(die: Die, least: int) -> np.ndarray:
    """Return the weights of the yields of the fatal area with lowest, lowest + 1, ... cores.

    ``least`` is the number of good cores that a bin needs, ``lowest`` that of the lowest bin.

    P(>= k of n good) = sum_m (-1)^(m-k) C(m-1, k-1) C(n, m) P(m given cores good), the
    inclusion-exclusion of order k (Feller 1968, section IV.5).
    """
    lowest = min(rule.min_good_cores for rule in die.bins.values())
    weights = np.zeros(die.cores - lowest + 1)
    if least == 0:
        weights[0] = 1.0  # no core is needed, so this is the lowest bin
        return weights
    for m in range(least, die.cores + 1):
        ways = math.comb(m - 1, least - 1) * math.comb(die.cores, m)
        weights[m - lowest] = ways if (m - least) % 2 == 0 else -ways
    return weights
