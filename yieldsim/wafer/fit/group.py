"""The fit of one set of maps: clusters, signatures, profile form, refit.

Maps of several products or with several signatures are a mixture. A component is the maps of
similar size and equal signature. The refit fits the law to each component and draws each by its
share: one gamma for all wafers would reproduce their spread, but not the maps.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.stats import chi2

from yieldsim.wafer.fit.canonical import canonical, framed, mostly_untested
from yieldsim.wafer.fit.clusters import ClusterFit, fit_clusters
from yieldsim.wafer.fit.radii import RadialBins, plain_rings, radial_bins
from yieldsim.wafer.fit.refit import Comparison, add_faults, compare, simulate_like
from yieldsim.wafer.fit.shapes.fit_shapes import Shapes, fit_shapes
from yieldsim.wafer.fit.signatures import KINDS, SignatureShare, find_signatures, signature_shares
from yieldsim.wafer.fit.statistics import (
    MapStatistics,
    joined_statistics,
    measure,
    target_moments,
)
from yieldsim.wafer.maps.wafer_maps import FAIL, NONE, PASS, WaferMaps, joined, maps_from_grids

__all__ = ["Component", "GroupFit", "ProfileForm", "fit_group"]

Floats = NDArray[np.float64]

# Components smaller than this join the next: their spread between wafers cannot be estimated.
_LEAST_COMPONENT = 40
# A component's maps differ in their number of dies by less than the root of two.
_SIZES = 350.0 * 2.0 ** (0.5 * np.arange(12))
_COMPONENT_BLOCKS = (2, 3, 5, 8, 12)
# Bins at the edge, as in `radial_bins`: the first that misses the moments by less than _FAIR is
# taken.
_DIES_PER_CUT, _FAIR = (12.0, 6.0, 30.0), 0.005
# Of KINDS, the first _SPLITTING make components. The simulation of a component in which fewer than
# _FEW of the maps have a signature shows what chance alone gives, on at most _MOST_SEARCHED wafers.
_SPLITTING, _FEW, _MOST_SEARCHED = 3, 0.05, 500
# With fewer marked maps their mean shape is too uncertain to add to others.
_LEAST_MARKED = 10
# Enough simulated wafers that the errors in the table are mostly those of the observed ones.
_LEAST_SIMULATED, _MOST_DIES = 4000, 20_000_000


@dataclass(frozen=True)
class ProfileForm:
    """The profile as 1 + amplitude rho^power: fitted by weighted least squares to the table.

    ``p`` is the chance of a larger chi2; ``fits`` means above 1 %.
    """

    amplitude: float
    power: float
    chi2: float
    degrees: int
    p: float
    fits: bool


@dataclass(frozen=True)
class Component:
    """Maps of similar size and equal signature, and their share of the group's wafers."""

    name: str
    share: float
    fit: ClusterFit


@dataclass(frozen=True)
class GroupFit:
    """The fit to one set of maps and its check by simulation.

    ``observed`` and ``simulated`` are measured in ``rings``, equal bins of the radius. ``samples``
    are a few observed and a few simulated maps to draw. ``untested`` names wafers of which less
    than half of the dies were tested. ``shapes`` are the signatures seen, if asked for, and
    ``like_seen`` a few maps simulated with those of other maps.
    """

    label: str
    fit: ClusterFit
    form: ProfileForm
    signatures: list[SignatureShare]
    components: list[Component]
    table: list[Comparison]
    observed: MapStatistics
    simulated: MapStatistics
    rings: RadialBins
    samples: tuple[WaferMaps, WaferMaps]
    untested: list[str]
    shapes: Shapes | None = None
    like_seen: WaferMaps | None = None

    @property
    def misses(self) -> list[Comparison]:
        """Rows of the table in which the simulated wafers are not like the maps."""
        return [row for row in self.table if row.misses]


def fit_group(
    label: str,
    maps: WaferMaps,
    confidence: float,
    seed: int,
    across: tuple[float, float] | None = None,
    with_shapes: bool = False,
) -> GroupFit:
    """Fit one set of maps and simulate it from the fit, ``with_shapes`` also from the wafers seen.

    ``across`` is the width and height of the usable disc in dies, where it is known (`framed`).

    Raises ModelError where the maps cannot be fitted, UsageError for a confidence out of range.
    """
    whole = framed(maps, across)
    seen = canonical(whole)
    maps = seen.maps
    bins = radial_bins(maps)
    figures = measure(maps, bins)
    fit = fit_clusters(maps, figures, bins, confidence, label)
    flags = find_signatures(maps)
    parts = _components(maps, figures, flags)
    components: list[Component] = []
    drawn: list[WaferMaps] = []
    first = 0
    repeats = _repeats(maps)
    for name, wafers in parts:
        some = maps.select(wafers)
        part = fit if len(parts) == 1 else _fit_component(label, name, some, confidence)
        components.append(Component(name, len(wafers) / len(maps), part))
        drawn.append(simulate_like(some, part, seed, repeats, first))
        first += len(wafers) * repeats
    rings = plain_rings(bins)
    observed, simulated = measure(maps, rings), [measure(made, rings) for made in drawn]
    together = joined_statistics(simulated)
    shapes = (
        fit_shapes(maps, bins, joined(drawn), seed, repeats, seen.back) if with_shapes else None
    )
    return GroupFit(
        label=label,
        fit=fit,
        form=_form(fit),
        signatures=_signatures(
            label,
            maps,
            flags,
            signature_shares(flags, figures, bins, confidence),
            parts,
            drawn,
            seed,
        ),
        components=components,
        table=compare(observed, together, rings),
        observed=observed,
        simulated=together,
        rings=rings,
        samples=(_sample([maps], seen.back), _sample(drawn, seen.back)),
        untested=mostly_untested(whole),
        shapes=shapes,
        like_seen=_sample([shapes.apart], seen.back) if shapes and shapes.apart else None,
    )


def _fit_component(label: str, name: str, maps: WaferMaps, confidence: float) -> ClusterFit:
    """Fit with plain bins at the edge, or with fine ones where a steep edge needs them."""
    fits = []
    for dies_per_cut in _DIES_PER_CUT:
        bins = radial_bins(maps, dies_per_cut)
        figures, where = measure(maps, bins), f"{label}, {name}"
        law = fit_clusters(maps, figures, bins, confidence, where, _COMPONENT_BLOCKS, exact=False)
        fits.append(law)
        if _misfit(fits[-1], figures) < _FAIR:
            break
    return min(fits, key=lambda fit: _misfit(fit, figures))


def _misfit(fit: ClusterFit, figures: MapStatistics) -> float:
    """Largest relative error of the mean fails, of their spread and of the pairs of fails."""
    target = target_moments(figures)
    size = figures.ring_fails.shape[1]
    fail, pairs = float(figures.fails.sum() / figures.dies.sum()), float(target.means[size + 1])
    spreads = [np.sqrt(max(v, 0.0)) for v in (fit.moments.variance, target.means[size])]
    return max(
        abs(fit.moments.fail / fail - 1.0),
        abs(spreads[0] - spreads[1]) / fail,
        abs(fit.moments.pairs[target.near] - pairs) / max(pairs, fail**2),
    )


def _signatures(
    label: str,
    maps: WaferMaps,
    flags: NDArray[np.bool_],
    shares: list[SignatureShare],
    parts: list[tuple[str, NDArray[np.int64]]],
    drawn: list[WaferMaps],
    seed: int,
) -> list[SignatureShare]:
    """Correct the shares by simulation, where all maps are of similar size.

    Maps of many sizes belong to many products. Each has its own signatures and its own power to
    detect them, so these shares stay uncorrected.
    """
    if len({name.partition(",")[0] for name, _ in parts}) > 1:
        return shares
    plain = _plain(label, maps, flags, list(zip(parts, drawn, strict=True)), seed)
    return _with_chance(shares, plain, radial_bins(maps), seed)


def _plain(
    label: str,
    maps: WaferMaps,
    flags: NDArray[np.bool_],
    parts: list[tuple[tuple[str, NDArray[np.int64]], WaferMaps]],
    seed: int,
) -> list[tuple[int, WaferMaps]]:
    """Return simulated wafers without signatures, and the number of maps that they stand for.

    A component with few signatures is represented by its own simulation. For others the maps
    without any are fitted and simulated, if there are enough.
    """
    plain = []
    for (name, wafers), simulated in parts:
        made = simulated
        marked = flags[wafers][:, :_SPLITTING].any(axis=1)
        if marked.mean() >= _FEW:
            rest = maps.select(wafers[~marked])
            if len(rest) < _LEAST_COMPONENT or not PASS < rest.die[rest.die > NONE].mean() < FAIL:
                continue
            law = _fit_component(label, name, rest, 0.95)
            made = simulate_like(rest, law, seed, -(-_MOST_SEARCHED // len(rest)))
        plain.append((int((~marked).sum()), made.select(_evenly(len(made), _MOST_SEARCHED))))
    return plain


def _evenly(size: int, most: int) -> NDArray[np.int64]:
    return np.linspace(0, size - 1, min(size, most)).astype(np.int64)


def _with_chance(
    shares: list[SignatureShare], plain: list[tuple[int, WaferMaps]], bins: RadialBins, seed: int
) -> list[SignatureShare]:
    """Correct the shares by what is found on plain simulated wafers, without and with faults."""
    total = sum(wafers for wafers, _ in plain)
    if not total:
        return shares
    known = [bool(share.faults) and share.wafers >= _LEAST_MARKED for share in shares]
    chance, power = np.zeros(len(KINDS)), np.zeros((len(KINDS), 3))
    for wafers, some in plain:
        chance += wafers / total * find_signatures(some).mean(axis=0)
        for k in np.flatnonzero(known).tolist():
            error = shares[k].faults_error
            for i, change in enumerate((-error, 0.0, error)):
                faults = np.array(shares[k].faults) * max(0.0, 1.0 + change)
                marked = add_faults(some, bins, faults, [seed, k])
                power[k, i] += wafers / total * find_signatures(marked)[:, k].mean()
    power[~np.array(known)] = np.nan
    half = 0.5 * (power[:, 2] - power[:, 0])
    return [
        share.corrected(float(chance[k]), float(power[k, 1]), float(half[k]))
        for k, share in enumerate(shares)
    ]


def _repeats(maps: WaferMaps) -> int:
    wanted = -(-_LEAST_SIMULATED // len(maps))
    return int(np.clip(_MOST_DIES // max(len(maps.die), 1), 1, wanted))


def _sample(
    parts: list[WaferMaps], back: Callable[[NDArray[np.uint8]], NDArray[np.uint8]]
) -> WaferMaps:
    """Return a few maps to draw, evenly from all parts."""
    ends = np.cumsum([len(part) for part in parts])
    grids = []
    for number in _evenly(int(ends[-1]), 4):
        part = int(np.searchsorted(ends, number, side="right"))
        grids.append(back(parts[part].grid(int(number - ends[part] + len(parts[part])))))
    return maps_from_grids(grids)


def _components(
    maps: WaferMaps, figures: MapStatistics, flags: NDArray[np.bool_]
) -> list[tuple[str, NDArray[np.int64]]]:
    """Split the maps by size, then by signature; too small parts stay with the rest."""
    parts = []
    size = np.searchsorted(_SIZES, figures.dies, side="right")
    for wafers in _merged([np.flatnonzero(size == s) for s in range(len(_SIZES) + 1)]):
        dies = figures.dies[wafers]
        name = f"{dies.min()}-{dies.max()} dies"
        rest = np.ones(len(wafers), bool)
        for k, kind in enumerate(KINDS[:_SPLITTING]):  # a scratch is left to the blocks
            marked = rest & flags[wafers, k]
            if _splits(marked, rest, figures.fail[wafers]):
                parts.append((f"{name}, {kind}", wafers[marked]))
                rest &= ~marked
        parts.append((name, wafers[rest]))
    return parts


def _splits(marked: NDArray[np.bool_], rest: NDArray[np.bool_], fail: Floats) -> bool:
    """Whether both sides of a split are large enough and have passes and fails."""
    sides = (marked, rest & ~marked)
    return all(side.sum() >= _LEAST_COMPONENT and 0.0 < fail[side].mean() < 1.0 for side in sides)


def _merged(parts: list[NDArray[np.int64]]) -> list[NDArray[np.int64]]:
    """Join neighbours until each part is large enough."""
    merged: list[NDArray[np.int64]] = []
    for part in parts:
        if merged and (len(part) < _LEAST_COMPONENT or len(merged[-1]) < _LEAST_COMPONENT):
            merged[-1] = np.concatenate([merged[-1], part])
        else:
            merged.append(part)
    return [np.sort(part) for part in merged if len(part)]


def _form(fit: ClusterFit) -> ProfileForm:
    """Fit log d = log c + log(1 + amplitude rho^power) to the table, with its covariance."""
    size = len(fit.rho)
    values, vectors = np.linalg.eigh(fit.covariance[:size, :size])
    keep = values > 1e-10 * values.max()
    whiten = vectors[:, keep].T / np.sqrt(values[keep])[:, None]

    def misfit(x: Floats) -> Floats:
        curve = np.log1p(np.maximum(np.exp(x[1]) - 1.0, -0.999) * fit.rho ** np.exp(x[2]))
        return np.asarray(whiten @ (np.log(fit.densities) - x[0] - curve))

    start = [float(np.log(fit.densities).mean()), 0.5, 1.0]
    bounds = ([-30.0, -6.0, -1.5], [10.0, 6.0, 2.5])
    solution = least_squares(misfit, np.clip(start, bounds[0], bounds[1]), bounds=bounds)
    statistic, degrees = 2.0 * float(solution.cost), max(int(keep.sum()) - 3, 1)
    p = float(chi2.sf(statistic, degrees))
    amplitude, power = float(np.expm1(solution.x[1])), float(np.exp(solution.x[2]))
    return ProfileForm(amplitude, power, statistic, degrees, p, p > 0.01)
