"""The small model that an analyst writes: analyst.toml again, in vectorized NumPy.

One line, one die of 665 mm2, two dies and eight memory stacks a package, sixteen quarters.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

QUARTERS = np.arange(16)  # 2025Q1 to 2028Q4
WAFERS = 3.0 * np.linspace(7_000.0, 20_000.0, 16)  # started per quarter, of 300 mm
STACKS = np.linspace(1.0e6, 4.0e6, 16)  # of memory that arrive per quarter
GROSS_DIE_PER_WAFER, DIE_CM2, ALPHA = 78.0, 6.65, 2.0
DIES_PER_PACKAGE, STACKS_PER_PACKAGE = 2.0, 8.0
LEARNING = 1.0 + 1.5 * np.exp(-(QUARTERS + 0.5) / 6.0)  # density over mature density


def draw(count: int, seed: int) -> tuple[Floats, Floats, Floats, Floats]:
    """Mature D0 per cm2, scale of wafers and of stacks, packaging yield: each (count,)."""
    rng = np.random.default_rng(seed)
    d0_per_cm2 = 0.10 * rng.lognormal(0.0, 0.30, count)
    wafer_scale, stack_scale = rng.lognormal(0.0, 0.25, count), rng.lognormal(0.0, 0.40, count)
    return d0_per_cm2, wafer_scale, stack_scale, rng.beta(30.0, 10.0, count)


def packages(
    d0_per_cm2: Floats, wafer_scale: Floats, stack_scale: Floats, passed: Floats
) -> Floats:
    """Packages that pass per quarter, (draw, quarter). Leftover dies and stacks carry over."""
    faults = d0_per_cm2[:, None] * LEARNING * DIE_CM2
    dies = wafer_scale[:, None] * WAFERS * GROSS_DIE_PER_WAFER * (1.0 + faults / ALPHA) ** -ALPHA
    stacks = stack_scale[:, None] * STACKS
    # One of the two is always used up and the rest of the other waits. The packages begun up to a
    # quarter are therefore exactly the smaller of what all dies and all stacks up to then allow.
    by_dies = np.cumsum(dies, axis=1) / DIES_PER_PACKAGE
    by_stacks = np.cumsum(stacks, axis=1) / STACKS_PER_PACKAGE
    return passed[:, None] * np.diff(np.minimum(by_dies, by_stacks), axis=1, prepend=0.0)


def simulate(count: int, seed: int) -> Floats:
    """Packages per quarter of ``count`` draws, (draw, quarter)."""
    return packages(*draw(count, seed))


def simulate_each_quarter(count: int, seed: int) -> Floats:
    """The same line with every factor drawn anew each quarter and no stock, (draw, quarter).

    This is another model, because the engine draws once per realization. It shows the cost of 64
    draws per realization.
    """
    rng, shape = np.random.default_rng(seed), (count, len(QUARTERS))
    d0_per_cm2 = 0.10 * rng.lognormal(0.0, 0.30, shape)
    starts = WAFERS * rng.lognormal(0.0, 0.25, shape)
    stacks = STACKS * rng.lognormal(0.0, 0.40, shape)
    faults = d0_per_cm2 * LEARNING * DIE_CM2
    dies = starts * GROSS_DIE_PER_WAFER * (1.0 + faults / ALPHA) ** -ALPHA
    begun = np.minimum(dies / DIES_PER_PACKAGE, stacks / STACKS_PER_PACKAGE)
    return rng.beta(30.0, 10.0, shape) * begun
