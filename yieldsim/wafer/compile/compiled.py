"""A wafer model and its sites as the arrays that the kernels take."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from yieldsim.errors import ModelError
from yieldsim.wafer.compile.blocks import make_layout
from yieldsim.wafer.compile.cubics import (
    Pieces,
    blurred,
    density_range,
    gamma_table,
    has_spread,
    make_pieces,
)
from yieldsim.wafer.compile.floorplan import CompiledFloorplan, compile_floorplan
from yieldsim.wafer.compile.profile import POINTS_A_SIDE, die_points, die_profile
from yieldsim.wafer.compile.seen_signatures import compile_seen
from yieldsim.wafer.compile.signatures import check_rings, signature_record
from yieldsim.wafer.compile.systematic import die_survival
from yieldsim.wafer.geometry.sites import Reticle, Sites, WaferOutline, make_sites, place_grid
from yieldsim.wafer.kernels.density import SIGNATURE, DensityModel, ExcursionChances
from yieldsim.wafer.kernels.points import BlockLayout
from yieldsim.wafer.kernels.sorting import ParametricLevel, Sorting
from yieldsim.wafer.kernels.wafer_state import WorkSpace
from yieldsim.wafer.model.process import ProcessTable
from yieldsim.wafer.model.wafer_model import WaferModel, bin_rules

__all__ = ["CompiledWafer", "compile_wafer", "model_sites"]

Floats = NDArray[np.float64]
_NODES = 32  # of Gauss and Legendre for correlated speed and leakage
_JUST_ABOVE = 1e-12  # of a logarithm of watts: what typed decimals may miss
_FORGOTTEN = 1e-9  # an excursion's chance to last longer, where the look-back ends


@dataclass
class CompiledWafer:
    """A wafer model as a simulation needs it.

    ``pieces`` and ``region_pieces`` are P(class <= c) by density. In the latter the regions' gamma
    is integrated; it is None where that gamma must be drawn.
    """

    model: WaferModel
    sites: Sites
    floorplan: CompiledFloorplan
    bins: tuple[str, ...]
    density_model: DensityModel
    sorting: Sorting
    layout: BlockLayout
    density_range: tuple[float, float]
    pieces: Pieces
    region_pieces: Pieces | None
    scaled: Pieces | None = None  # tabulated once by shortcuts.py, [cell, 4, column]

    @property
    def lots_share(self) -> bool:
        """Whether the wafers of a lot share random factors."""
        process = self.model.process
        model, lot = self.density_model, self.sorting.lot
        drawn = model.lot_gamma.size > 0 or model.excursions.look_back > 0
        spread = lot.speed_sd > 0.0 or lot.leakage_sd > 0.0
        parametric = self.sorting.has_parametric and spread
        return drawn or parametric or process.repeaters is not None

    @cached_property
    def region_blocks(self) -> int:
        """Number of blocks of four words that hold the regions of a wafer."""
        return -(-np.unique(self.density_model.place).size // 4)

    def work_space(self) -> WorkSpace:
        """Return a fresh work space."""
        dies, blocks = len(self.sites), self.region_blocks
        region_words = np.zeros((4, blocks), np.uint32)
        nodes, speed = self.layout.parent.size, self.sorting.speed_cuts.size + 1
        leakage = self.sorting.leakage_cuts.size + 1
        return WorkSpace(
            region_words=region_words,
            region_flat=region_words.ravel(),
            regions=np.zeros(4 * blocks),
            density=np.zeros(dies),
            extra=np.zeros(dies),
            marks=np.zeros(dies, np.int64),
            die_words=np.zeros((4, -(-dies // 4)), np.uint32),
            count_words=np.zeros((4, dies), np.uint32),
            works=np.zeros(dies, np.int64),
            means=np.zeros(dies, np.float32),
            counts=np.zeros(dies, np.int32),
            nodes=np.zeros(dies, np.uint32),
            stamp=np.full(nodes, -1, np.int64),
            dead=np.zeros(nodes, np.bool_),
            faults=np.zeros(self.layout.memory_node.size, np.int64),
            good=np.zeros(nodes, np.int64),
            chances=np.zeros(speed * leakage),
            share=np.zeros(len(self.bins) + 1),
            below=np.zeros((speed + 1, leakage + 1)),
        )


def model_sites(model: WaferModel) -> Sites:
    """Return the die sites that the model's wafer, reticle and die give.

    Raises UsageError for a die that does not fit, ModelError where no whole die is on the wafer.
    """
    disc, reticle, offset = model.wafer, model.reticle, model.die.offset
    field = None
    if reticle is not None:
        field = Reticle(
            reticle.field_width_mm, reticle.field_height_mm, reticle.columns, reticle.rows
        )
    wafer = WaferOutline(
        disc.diameter_mm,
        disc.edge_exclusion_mm,
        disc.scribe_mm,
        disc.notch,
        side=disc.notch_side,
    )
    grid = place_grid(
        wafer,
        model.die.width_mm,
        model.die.height_mm,
        field,
        None if offset == "best" else offset,
        reticle is None or reticle.partial_fields,
        offset == "best",
    )
    sites = make_sites(wafer, grid)
    if not len(sites):
        raise _no_die(model)
    return sites


def _no_die(model: WaferModel) -> ModelError:
    size = f"{model.die.width_mm:g} x {model.die.height_mm:g} mm"
    allowed = "a die, an offset and an edge exclusion that leave one whole die"
    return ModelError("die", "no whole die on the wafer", got=size, allowed=allowed)


def compile_wafer(model: WaferModel, seed: int, sites: Sites | None = None) -> CompiledWafer:
    """Compile a checked model; ``sites`` replaces those of its wafer.

    Raises as `model_sites` does.
    """
    sites = model_sites(model) if sites is None else sites
    if not len(sites):
        raise _no_die(model)
    floorplan = compile_floorplan(model)
    low, high = density_range(floorplan)
    pieces = make_pieces(floorplan.tails, low, high)
    process = model.process
    single = process.region_dies_x == 1 and process.region_dies_y == 1
    integrated = None
    if has_spread(process.alpha_region) and single:
        integrated = make_pieces(blurred(pieces, process.alpha_region), low, high)
    return CompiledWafer(
        model=model,
        sites=sites,
        floorplan=floorplan,
        bins=tuple(bin_rules(model)),
        density_model=_density_model(process, sites, seed),
        sorting=_sorting(model, floorplan, sites, seed),
        layout=make_layout(model, floorplan),
        density_range=(low, high),
        pieces=pieces,
        region_pieces=integrated,
    )


def places(process: ProcessTable, sites: Sites) -> NDArray[np.uint64]:
    """Return the place of each die's region among the words of a wafer's regions.

    Regions are tiles of dies from the grid's first die on. Region r has word r % 4 of block
    r // 4, and word 0 of all blocks comes before word 1 (`fill_blocks`).
    """
    across = sites.column // process.region_dies_x
    along = sites.row // process.region_dies_y
    tiles = along * (int(across.max(initial=0)) + 1) + across
    names, region = np.unique(tiles, return_inverse=True)
    blocks = -(-names.size // 4)
    return (region % 4 * blocks + region // 4).astype(np.uint64)


def excursion_chances(process: ProcessTable) -> ExcursionChances:
    """Return the chances of excursions; with a look-back of 0 there are none."""
    table = process.excursions
    if table is None:
        return ExcursionChances(0.0, 0.0, 0.0, 0)
    go_on = 1.0 - 1.0 / table.lots_to_detect
    look_back = 1 if go_on <= 0.0 else 1 + math.ceil(math.log(_FORGOTTEN) / math.log(go_on))
    return ExcursionChances(1.0 / table.mean_lots_between, go_on, float(table.d0_ratio), look_back)


def _density_model(process: ProcessTable, sites: Sites, seed: int) -> DensityModel:
    signatures = [signature_record(table) for table in process.signatures.values()]
    x, y = die_points(sites)
    half_x = 0.5 * sites.width_mm / POINTS_A_SIDE / sites.usable_radius_mm
    half_y = 0.5 * sites.height_mm / POINTS_A_SIDE / sites.usable_radius_mm
    check_rings(process, 2.0 * math.hypot(half_x, half_y))
    return DensityModel(
        seed=np.uint64(seed),
        d0_per_cm2=float(process.d0_per_cm2),
        lot_wafers=int(process.lot_wafers),
        lot_gamma=gamma_table(process.alpha_lot),
        wafer_gamma=gamma_table(process.alpha_wafer),
        region_gamma=gamma_table(process.alpha_region).ravel(),
        place=places(process, sites),
        profile=die_profile(process.profile, sites),
        excursions=excursion_chances(process),
        signatures=np.array(signatures, SIGNATURE),
        sub_x=x,
        sub_y=y,
        half_x=half_x,
        half_y=half_y,
        seen=compile_seen(process.seen_signatures, sites),
    )


def _sorting(model: WaferModel, floorplan: CompiledFloorplan, sites: Sites, seed: int) -> Sorting:
    parametric = model.parametric
    speed, leakage = parametric.speed, parametric.leakage
    speed_sd = leakage_sd = (0.0, 0.0, 0.0)
    site_speed, site_leakage = np.zeros(len(sites)), np.zeros(len(sites))
    rho2 = (sites.x_mm**2 + sites.y_mm**2) / sites.usable_radius_mm**2
    if speed is not None:
        speed_sd = speed.lot_sd_ghz, speed.wafer_sd_ghz, speed.die_sd_ghz
        site_speed = speed.mean_ghz + speed.radial_ghz * rho2
    if leakage is not None:
        leakage_sd = leakage.lot_sigma, leakage.wafer_sigma, leakage.die_sigma
        site_leakage = math.log(leakage.median_w) + leakage.radial_log * rho2
    speeds, leakages, bin_of = _cells(model, floorplan)
    survive = die_survival(model.process, sites)
    correlations = (
        parametric.lot_correlation,
        parametric.wafer_correlation,
        parametric.die_correlation,
    )
    lot, wafer, die = (
        ParametricLevel(*map(float, level))
        for level in zip(speed_sd, leakage_sd, correlations, strict=True)
    )
    points, weights = np.polynomial.legendre.leggauss(_NODES)
    bins = int(floorplan.meets.shape[1])
    return Sorting(
        seed=np.uint64(seed),
        bins=bins,
        bin_of=bin_of,
        survive=survive,
        has_systematic=bool(np.any(survive < 1.0)),
        escape=1.0 - model.test.coverage,
        escape_bins=np.eye(1, bins, bins - 1)[0],
        overkill=float(model.test.overkill),
        has_parametric=bool(speeds.size or leakages.size),
        speed_cuts=speeds,
        leakage_cuts=leakages,
        site_speed=site_speed,
        site_leakage=site_leakage,
        lot=lot,
        wafer=wafer,
        die=die,
        nodes=0.5 * (points + 1.0),
        weights=0.5 * weights,
    )


def _cells(
    model: WaferModel, floorplan: CompiledFloorplan
) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """Return (speed cuts, log leakage cuts, bin of each class and cell) of the bins' rules."""
    rules = list(bin_rules(model).values())
    dynamic = model.parametric.dynamic_w_per_ghz
    allowed = [
        math.inf if rule.max_watt is None else rule.max_watt - dynamic * (rule.min_ghz or 0.0)
        for rule in rules
    ]
    # a cell begins at its cut, but a die of exactly this many watts is still allowed
    most = [math.log(watt) + _JUST_ABOVE if watt > 0.0 else -math.inf for watt in allowed]
    speeds = np.unique([rule.min_ghz for rule in rules if rule.min_ghz is not None]).astype(float)
    leakages = np.unique([log for log in most if math.isfinite(log)]).astype(float)
    cells = (speeds.size + 1) * (leakages.size + 1)
    bin_of = np.full((floorplan.classes, cells), len(rules), np.int64)
    for works, meets in enumerate(floorplan.meets):
        for cell in range(cells):
            row, column = divmod(cell, leakages.size + 1)
            for number in np.flatnonzero(meets):
                ghz = rules[number].min_ghz
                fast = ghz is None or (row > 0 and speeds[row - 1] >= ghz)
                cool = most[number] == math.inf or (
                    column < leakages.size and leakages[column] <= most[number]
                )
                if fast and cool:
                    bin_of[works, cell] = number
                    break
    return speeds, leakages, bin_of
