"""What the intervals of a fit come from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm
from scipy.stats import t as student_t

from yieldsim.wafer.fit.law import DieLaw, places_of, uneven
from yieldsim.wafer.fit.moments import Design, within
from yieldsim.wafer.fit.radii import RadialBins
from yieldsim.wafer.fit.solve import Solution
from yieldsim.wafer.fit.statistics import MapStatistics, TargetMoments
from yieldsim.wafer.maps.wafer_maps import WaferMaps

__all__ = ["Evidence", "Level", "level_of"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Evidence:
    """What the intervals come from; ``fitting`` are the solutions about as good as the ``best``."""

    maps: WaferMaps
    figures: MapStatistics
    bins: RadialBins
    design: Design
    target: TargetMoments
    best: Solution
    fitting: list[Solution]
    confidence: float
    exact: bool

    @property
    def wafers(self) -> int:
        """Number of wafers."""
        return len(self.figures.dies)

    @property
    def normal(self) -> float:
        """The normal quantile of the confidence."""
        return float(norm.ppf(0.5 + 0.5 * self.confidence))

    @property
    def quantile(self) -> float:
        """Student's t for these wafers; for a single one, which has no spread, that of two."""
        return float(student_t.ppf(0.5 + 0.5 * self.confidence, max(self.wafers - 1, 1)))

    @property
    def law(self) -> DieLaw:
        """The law of one die."""
        return DieLaw(self.best.wafer, self.best.region)

    def design_effect(self, region: float) -> float:
        """Return the variance of a wafer's fails at its own density over that of a binomial.

        ``region`` is 1 / alpha_region.
        """
        got = within(self.design, self.best.block, self.best.densities, region)
        rates = DieLaw(0.0, region).fails(self.design.hats @ self.best.densities)
        fail = float(self.design.share @ rates)
        return max(0.5, got / (fail * (1.0 - fail) * float(self.design.single.sum())))


@dataclass(frozen=True)
class Level:
    """The level of fails and faults, of all dies together.

    fail : share of the dies that failed. even : float64[bin], faults per die that its mean rate
    means. rings : float64[bin], mean faults of its dies, whose rates may differ. faults : mean over
    all dies. extra : relative error of ``faults`` beyond that of a common factor on all densities.
    share : float64[bin], of the dies. sd : of the yield, between wafers.
    """

    fail: float
    even: Floats
    rings: Floats
    faults: float
    extra: float
    share: Floats
    sd: float


def level_of(e: Evidence) -> Level:
    """Return the pooled figures."""
    size, law = e.bins.size, e.law
    rates, dies = e.target.means[:size], np.maximum(e.figures.ring_dies.sum(axis=0), 1)
    share = e.figures.ring_dies.sum(axis=0) / e.figures.dies.sum()
    even = law.faults(rates)
    factor, by_luck = uneven(places_of(e.maps, e.bins), law, size)
    faults = float(share @ (even * factor))
    step = 1e-4
    slope = (law.fails(even * (1.0 + step)) - law.fails(even * (1.0 - step))) / (2.0 * step)
    common = float(share**2 @ (rates * (1.0 - rates) / dies)) / float(share @ slope) ** 2
    own = float(share**2 @ by_luck) / faults**2
    return Level(
        fail=float(e.figures.fails.sum() / e.figures.dies.sum()),
        even=even,
        rings=even * factor,
        faults=faults,
        extra=float(np.sqrt(max(0.0, own - common))),
        share=share,
        sd=float(np.sqrt(max(float(e.target.means[size]), 0.0))),
    )
