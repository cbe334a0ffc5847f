"""From a run by shares to the mix that a second run follows, realization by realization."""

from __future__ import annotations

import numpy as np

from yieldsim.supply.compile import Compiled
from yieldsim.supply.kernels.records import State, Structure, Tally, World
from yieldsim.supply.mix.program import MixPlan, best_plan
from yieldsim.supply.mix.realization import Realization, Stocks, realization_of
from yieldsim.supply.mix.scope import Scope, scope_of
from yieldsim.supply.mix.supplies import Supplies, supplies_of
from yieldsim.units import H100_TFLOPS_FP16

# Packages are asked for with this much room, so that it is memory, lines and dies that run out, and
# are named as what binds, and nothing is left that came a little sooner than planned.
_ROOM = 1.001
# Less than this share of the compute is rounding: results are kept in single precision.
_GAIN = 1e-6


def mixer_of(compiled: Compiled) -> Mixer | None:
    """What mixes the realizations of a model, None where its shares stand.

    They stand by rule, or as one AI product leaves nothing to choose.
    """
    if not compiled.mix_size:
        return None
    scope = scope_of(compiled)
    return Mixer(compiled, scope) if scope.choices else None


class Mixer:
    """Chooses mixes for the realizations of a compiled model."""

    def __init__(self, compiled: Compiled, scope: Scope) -> None:
        self._compiled = compiled
        self._scope = scope

    def compute(self, tally: Tally, n: int) -> np.ndarray:
        """H100-equivalents (FP16) of the AI products over all quarters, of each of n lanes."""
        quarters = self._compiled.clock.quarters
        made = tally.product["h100_equivalents"][:quarters, self._scope.ai, :n]
        return np.add.reduce(np.add.reduce(made, axis=0), axis=0)

    def better(self, mixed: np.ndarray, shares: np.ndarray) -> np.ndarray:
        """Which lanes the mix serves better, by what they made."""
        return mixed > shares * (1.0 + _GAIN)

    def mixes(self, world: World, state: State, tally: Tally, stocks: Stocks, n: int) -> np.ndarray:
        """The best mix of each of n lanes, (place at the end of a flat world, lane).

        ``world``, ``state`` and ``tally`` are those of the run by shares, ``stocks`` were there at
        the start of its first quarter.
        """
        made = self.compute(tally, n)
        drawn = (realization_of(self._compiled, world, state, tally, stocks, k) for k in range(n))
        mixes = [
            self._mix(realization, float(total) * H100_TFLOPS_FP16)
            for realization, total in zip(drawn, made, strict=True)
        ]
        return np.stack(mixes, axis=1)

    def _mix(self, realization: Realization, made: float) -> np.ndarray:
        """Return the mix of a realization as it stands in a world; the shares where it has none."""
        structure, quarters = realization.structure, realization.clock.quarters
        entries = np.full((quarters, len(structure.entry)), -1.0)
        packages = np.full((quarters, *structure.product_pool.shape), np.inf)
        supplies = supplies_of(self._scope, realization)
        plan = best_plan(self._scope, realization, supplies, made)
        if plan is not None:
            self._wafers(entries, structure, supplies, plan)
            per_step = _ROOM / realization.clock.steps_per_quarter
            for i, asked in zip(self._scope.products, plan.packages, strict=True):
                if self._scope.planned[i]:
                    packages[:, i] = 0.0
                    packages[:, i, : len(asked)] = asked.T * per_step
        return np.concatenate([entries.ravel(), packages.ravel()])

    def _wafers(
        self, entries: np.ndarray, structure: Structure, supplies: Supplies, plan: MixPlan
    ) -> None:
        """Fill the parts of the moved entries; what the plan leaves goes by the shares."""
        moved = np.array(self._scope.moved, dtype=int)
        routes = np.searchsorted(structure.route["end_entry"], moved, side="right")
        for route in np.unique(routes):
            own = routes == route
            share, part = supplies.wafers.share[own], plan.wafers[own]
            left = np.maximum(0.0, 1.0 - np.add.reduce(part, axis=0))
            part = part + left * share
            total = np.add.reduce(part, axis=0)
            chosen = supplies.wafers.free[own].any(axis=0) & (total > 0.0)
            part = np.divide(part, total, out=np.full(part.shape, -1.0), where=chosen)
            entries[:, moved[own]] = part.T
