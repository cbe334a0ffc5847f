"""Which maps carry a spatial signature: edge ring, centre, donut, scratch.

Each map is tested against itself: the faults per die -ln(1 - fails) in the zone of a signature
against those in a reference zone of the same map. A signature is found where the logarithm of the
ratio exceeds both a limit and ``_SIGMAS`` of its standard error (by the delta method, each zone
binomial). A scratch is a long thin chain of fails. Labels play no part.

The limits were set on the maps of WM-811K (Wu, Jang and Chen 2015, doi:10.1109/TSM.2014.2364237),
whose plain maps have outer dies two to four times as bad as the rest.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.stats import norm

from yieldsim.wafer.fit.radii import RadialBins, by_shape, die_radii
from yieldsim.wafer.fit.statistics import MapStatistics, stack
from yieldsim.wafer.maps.wafer_maps import FAIL, NONE, WaferMaps

__all__ = ["KINDS", "SignatureShare", "find_signatures", "scratch_cells", "signature_shares"]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

KINDS = ("edge_ring", "centre", "donut", "scratch")

_SIGMAS = 3.0
# A share is corrected only where this much more is found on marked maps than on plain ones.
_LEAST_POWER = 0.2
# The ring is the outermost 1.5 dies; it must show in 6 of 8 octants, else it is a blotch.
_RING_DIES, _OCTANTS, _OCTANTS_WEAK = 1.5, 8, 2
_RING_RATIO, _RING_FAULTS = np.log(4.5), 0.35
_CENTRE_RHO, _CENTRE_RATIO = 0.3, np.log(2.9)
_DONUT_RHO, _DONUT_HOLE, _DONUT_RATIO, _HOLE_SIGMAS = (0.35, 0.65), 0.2, np.log(1.6), 1.0
# A scratch is a chain of fails this long (share of the diameter, and dies) and this thin (dies). It
# must be rare by chance: n fails at rate p begin about n (3p)^(m-1) chains of m dies.
_SCRATCH_SHARE, _SCRATCH_DIES, _SCRATCH_THICK = 0.2, 6.0, 2.0
_SCRATCH_CHANCE, _FORWARD = 0.01, 3.0
# A broader chain counts if it is this many times as long as broad, in standard deviations.
_SCRATCH_BROAD, _SCRATCH_SLIM = 3.0, 3.5


@dataclass(frozen=True)
class SignatureShare:
    """How common a signature is, and its shape.

    found : share of the wafers on which it was found. share, low, high : that with the Wilson
    interval, corrected for what is found by chance and what is missed where both are known:
    (found - by_chance) / (power - by_chance), Rogan and Gladen (1978). by_chance : share of the
    wafers simulated without signatures on which it is found; power : the same with its mean faults
    added; nan if not known, as for maps of many sizes. A quarter or more of faint scratches is
    missed.
    faults : extra faults per die of the mean marked map over the mean of the others, by the fit's
    bins of the radius; faults_error : relative half-width of the interval of its peak.
    peak_faults, rho, width : the peak, its radius, and the width over which at least half of it
    remains, both in usable radii; nan for a scratch, which has no fixed radius.
    """

    kind: str
    wafers: int
    found: float
    share: float
    low: float
    high: float
    peak_faults: float = math.nan
    rho: float = math.nan
    width: float = math.nan
    faults: tuple[float, ...] = ()
    faults_error: float = math.nan
    by_chance: float = math.nan
    power: float = math.nan

    def corrected(self, by_chance: float, power: float, power_error: float) -> SignatureShare:
        """Return the signature with its share corrected; ``power`` nan is taken to be 1.

        ``power_error`` is half the width of the power's interval; it widens that of the share.
        """
        known, error = (1.0, 0.0) if math.isnan(power) else (power, power_error)
        span = known - by_chance
        if span < _LEAST_POWER:  # hardly distinguishable from chance: no correction
            return replace(self, by_chance=by_chance, power=power)
        low, share, high = (
            min(1.0, max(0.0, (value - by_chance) / span))
            for value in (self.low, self.found, self.high)
        )
        more = share * error / span
        return replace(
            self,
            share=share,
            low=max(0.0, share - math.hypot(share - low, more)),
            high=min(1.0, share + math.hypot(high - share, more)),
            by_chance=by_chance,
            power=power,
        )


def find_signatures(maps: WaferMaps) -> Flags:
    """Return which signatures each map carries, bool[wafer, kind]; a map may carry several."""
    flags = np.zeros((len(maps), len(KINDS)), bool)
    for rows, cols, some in by_shape(maps):
        codes = stack(maps, rows, cols, some)
        valid, bad = codes > NONE, codes == FAIL
        zones = _zones(rows, cols)
        flags[some, 0] = _ring(valid, bad, zones)
        flags[some, 1] = _centre(valid, bad, zones)
        flags[some, 2] = _donut(valid, bad, zones)
        # an arc of the ring is long and thin too, but not a scratch
        inner = zones["inside"]
        pairs = zip(bad & inner, valid & inner, strict=True)
        flags[some, 3] = [any(True for _ in _scratches(fails, dies)) for fails, dies in pairs]
    return flags


def scratch_cells(grid: NDArray[np.uint8]) -> Flags:
    """Return the fails of a map that lie in scratches, bool[row, column]."""
    inner = ~_ring_cells(*grid.shape)
    cells = np.zeros(grid.shape, np.bool_)
    for chain in _scratches((grid == FAIL) & inner, (grid > NONE) & inner):
        cells |= chain
    return cells


@cache
def _ring_cells(rows: int, cols: int) -> Flags:
    """Return the cells of the outermost dies."""
    rho = die_radii(rows, cols)[:, :, 0]
    return np.asarray(rho > 1.0 - 2.0 * _RING_DIES / min(rows, cols))


def _zones(rows: int, cols: int) -> dict[str, Flags]:
    rho = die_radii(rows, cols)[:, :, 0]
    y, x = np.arange(rows)[:, None] - 0.5 * (rows - 1), np.arange(cols) - 0.5 * (cols - 1)
    octant = (np.arctan2(y / rows, x / cols) / (2.0 * np.pi) * _OCTANTS + _OCTANTS).astype(int)
    ring = _ring_cells(rows, cols)
    low, high = _DONUT_RHO
    zones = {
        "inside": ~ring,
        "centre": rho < _CENTRE_RHO,
        "around": (rho > 0.5) & ~ring,
        "donut": (rho > low) & (rho < high),
        "hole": rho < _DONUT_HOLE,
        "outside": (rho > 0.8) & ~ring,
    }
    octants = {f"ring{k}": ring & (octant % _OCTANTS == k) for k in range(_OCTANTS)}
    return zones | octants


def _faults(valid: Flags, bad: Flags, zone: Flags) -> tuple[Floats, Floats]:
    """Return faults per die in a zone, float64[wafer], and the variance of its logarithm."""
    dies = valid[:, zone].sum(axis=1) + 0.5
    share = np.minimum((bad[:, zone].sum(axis=1) + 0.25) / dies, 1.0 - 0.25 / dies)
    faults = -np.log1p(-share)
    return faults, share / ((1.0 - share) * dies * faults**2)


def _exceeds(
    zone: tuple[Floats, Floats],
    reference: tuple[Floats, Floats],
    limit: float,
    sigmas: float = _SIGMAS,
) -> Flags:
    """Return where a zone has more faults than its reference, by a factor and beyond chance."""
    ratio = np.log(zone[0] / reference[0])
    error = np.sqrt(zone[1] + reference[1])
    return np.asarray((ratio > limit) & (ratio > sigmas * error))


def _ring(valid: Flags, bad: Flags, zones: dict[str, Flags]) -> Flags:
    names = [f"ring{k}" for k in range(_OCTANTS)]
    ring = np.logical_or.reduce([zones[name] for name in names])
    inside, whole = (_faults(valid, bad, zone) for zone in (zones["inside"], ring))
    octants = np.stack([_faults(valid, bad, zones[name])[0] for name in names])
    weak = np.sort(octants, axis=0)[_OCTANTS_WEAK]
    closed = (weak > np.exp(_RING_RATIO) * inside[0]) & (weak > _RING_FAULTS)
    return np.asarray(closed & _exceeds(whole, inside, _RING_RATIO))


def _centre(valid: Flags, bad: Flags, zones: dict[str, Flags]) -> Flags:
    centre, around = (_faults(valid, bad, zones[name]) for name in ("centre", "around"))
    return _exceeds(centre, around, _CENTRE_RATIO)


def _donut(valid: Flags, bad: Flags, zones: dict[str, Flags]) -> Flags:
    ring, hole, out = (_faults(valid, bad, zones[name]) for name in ("donut", "hole", "outside"))
    # the hole is small: few dies, so less is asked of it than of the outside
    return _exceeds(ring, hole, _DONUT_RATIO, _HOLE_SIGMAS) & _exceeds(ring, out, _DONUT_RATIO)


def _scratches(bad: Flags, valid: Flags) -> Iterator[Flags]:
    """Yield the long thin chains of fails of a map, diagonal steps included."""
    fails = int(bad.sum())
    step = _FORWARD * fails / max(int(valid.sum()), 1)
    if fails == 0 or step >= 1.0:
        return
    by_chance = 1.0 + np.log(_SCRATCH_CHANCE / fails) / np.log(step)
    least = max(_SCRATCH_DIES, _SCRATCH_SHARE * min(bad.shape))
    chains, _ = ndimage.label(bad, structure=np.ones((3, 3)))
    sizes = np.bincount(chains.ravel())
    for chain in np.flatnonzero(sizes[1:] >= max(least, by_chance)) + 1:
        places = np.argwhere(chains == chain)
        if _is_thin(places - places.mean(axis=0), least):
            yield chains == chain


def _is_thin(places: Floats, least: float) -> bool:
    """Tell whether a chain, about its mean, is long, and one die wide or long for its width."""
    _, spread, axes = np.linalg.svd(places, full_matrices=False)
    length = float(np.ptp(places @ axes[0])) + 1.0
    thick = len(places) / length
    slim = thick <= _SCRATCH_BROAD and spread[0] >= _SCRATCH_SLIM * spread[1]
    return length >= least and (thick <= _SCRATCH_THICK or bool(slim))


def signature_shares(
    flags: Flags, figures: MapStatistics, bins: RadialBins, confidence: float
) -> list[SignatureShare]:
    """Return each signature's share, with the Wilson interval, and its mean shape by radius."""
    faults = -np.log1p(-np.clip(figures.radial, 0.0, 0.95))
    return [_describe(kind, flags[:, k], faults, bins, confidence) for k, kind in enumerate(KINDS)]


def _mean_of_known(values: Floats) -> Floats:
    """Return means over wafers of the values that are not nan, float64[column]; nan without any."""
    has = np.isfinite(values)
    count = has.sum(axis=0)
    total = np.where(has, values, 0.0).sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _describe(
    kind: str, marked: Flags, faults: Floats, bins: RadialBins, confidence: float
) -> SignatureShare:
    wafers, count = len(marked), int(marked.sum())
    share = count / wafers
    z = float(norm.ppf(0.5 + 0.5 * confidence))
    centre = (share + 0.5 * z * z / wafers) / (1.0 + z * z / wafers)
    half = z * np.sqrt(share * (1.0 - share) / wafers + 0.25 * (z / wafers) ** 2)
    half /= 1.0 + z * z / wafers
    low, high = float(max(0.0, centre - half)), float(min(1.0, centre + half))
    if kind == "scratch" or count in (0, wafers):
        return SignatureShare(kind, count, share, share, low, high)
    excess = _mean_of_known(faults[marked]) - _mean_of_known(faults[~marked])
    if np.isnan(excess).all():
        return SignatureShare(kind, count, share, share, low, high)
    peak = int(np.nanargmax(excess))
    wide = excess >= 0.5 * excess[peak]
    width = float((np.diff(bins.edges) * wide).sum())
    error = z * float(np.nanstd(faults[marked, peak])) / math.sqrt(count) / float(excess[peak])
    return SignatureShare(
        kind,
        count,
        share,
        share,
        low,
        high,
        peak_faults=float(excess[peak]),
        rho=float(bins.nodes[peak]),
        width=width,
        faults_error=error,
        faults=tuple(np.nan_to_num(np.maximum(excess, 0.0)).tolist()),
    )
