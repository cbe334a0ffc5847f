"""The mix of each realization, from a run by shares; a second run follows the mix."""

from __future__ import annotations

import numpy as np

from yieldsim.supply.compile import Compiled
from yieldsim.supply.kernels.records import State, Tally, World
from yieldsim.supply.mix.program import MixPlan, Program
from yieldsim.supply.mix.realization import Realization, Warmup, realizations_of
from yieldsim.supply.mix.scope import Scope, scope_of
from yieldsim.supply.mix.supplies import Supplies, supplies_of
from yieldsim.units import H100_TFLOPS_FP16

# The mix asks for slightly more packages than planned. So memory, packaging lines or dies run out
# and are named as what binds, and supply that came sooner than planned is used.
_ROOM = 1.001
# A smaller relative gain in compute is rounding: results are kept in single precision.
_GAIN = 1e-6


def mixer_of(compiled: Compiled) -> Mixer | None:
    """Return the mixer of a model, or None where its realizations follow the shares.

    They do so by the allocation rule, or because a single AI product leaves nothing to choose.
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
        self._program = Program(scope, compiled.structure, compiled.clock.quarters)

    def compute(self, tally: Tally, n: int) -> np.ndarray:
        """Return the H100-equivalents (FP16) of the AI products over all quarters, (lane)."""
        quarters = self._compiled.clock.quarters
        made = tally.product["h100_equivalents"][:quarters, self._scope.ai, :n]
        return np.add.reduce(np.add.reduce(made, axis=0), axis=0)

    def better(self, mixed: np.ndarray, shares: np.ndarray) -> np.ndarray:
        """Return the lanes that made more compute with the mix than with the shares."""
        return mixed > shares * (1.0 + _GAIN)

    def mixes(self, world: World, state: State, tally: Tally, warmup: Warmup, n: int) -> np.ndarray:
        """Return the best mix of each of n lanes, (row at the end of a flat world, lane).

        ``world``, ``state`` and ``tally`` are those of the run by shares. The mix follows another
        ``warmup`` than that of the shares.
        """
        made = self.compute(tally, n)
        drawn = realizations_of(self._compiled, world, state, tally, warmup, n)
        mixes = [
            self._mix(realization, float(total) * H100_TFLOPS_FP16)
            for realization, total in zip(drawn, made, strict=True)
        ]
        return np.stack(mixes, axis=1)

    def _mix(self, realization: Realization, made: float) -> np.ndarray:
        """Return the mix of a realization as rows of a flat world; the shares without a plan."""
        structure, quarters = realization.structure, realization.clock.quarters
        entries = np.full((quarters, len(structure.entry)), -1.0)
        packages = np.full((quarters, *structure.product_pool.shape), np.inf)
        supplies = supplies_of(self._scope, realization)
        plan = self._program.best_plan(supplies, made)
        if plan is not None:
            self._wafers(entries, supplies, plan)
            per_step = _ROOM / realization.clock.steps_per_quarter
            for i, asked in zip(self._scope.products, plan.packages, strict=True):
                if self._scope.planned[i]:
                    packages[:, i] = 0.0
                    packages[:, i, : len(asked)] = asked.T * per_step
        return np.concatenate([entries.ravel(), packages.ravel()])

    def _wafers(self, entries: np.ndarray, supplies: Supplies, plan: MixPlan) -> None:
        """Fill the parts of the moved entries; wafers that the plan leaves follow the shares."""
        of_route, wafers = self._scope.entries.by_route, supplies.wafers
        left = np.maximum(0.0, 1.0 - of_route(plan.wafers))
        parts = plan.wafers + left * wafers.share
        total = of_route(parts)
        chosen = (of_route(wafers.free.astype(float)) > 0.0) & (total > 0.0)
        parts = np.divide(parts, total, out=np.full(parts.shape, -1.0), where=chosen)
        entries[:, self._scope.moved] = parts.T
