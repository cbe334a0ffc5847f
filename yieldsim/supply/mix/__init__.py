"""The mix of wafers and packages that makes the most compute, chosen for each realization.

A model with ``[allocation] rule = "most_compute"`` is first simulated by its shares. That run gives
a linear program the dies of every wafer of every design by quarter, the memory and the packaging
capacity. What is in stock and in lines before the first quarter is that of the planner's warm-up.
The program chooses the wafers of the AI designs and the packages of the products. It knows the
noise of its realization in advance, as no planner does, so its result is an upper bound on the gain
from planning.
"""

from yieldsim.supply.mix.mixer import Mixer, mixer_of
from yieldsim.supply.mix.realization import Warmup

__all__ = ["Mixer", "Warmup", "mixer_of"]
