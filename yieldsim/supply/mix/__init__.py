"""The mix of wafers and packages that makes the most compute, chosen for each realization.

A model that asks for it (``[allocation] rule = "most_compute"``) is simulated by its shares first.
From that run a linear program knows what every wafer of every design gives, in which quarter, and
what memory and packaging there are; it chooses the wafers of the AI designs and the packages of the
products. The program looks ahead: it knows the luck of its realization, as no planner does, so
what it makes is an upper bound of what planning can add.
"""

from yieldsim.supply.mix.mixer import Mixer, mixer_of
from yieldsim.supply.mix.realization import Stocks

__all__ = ["Mixer", "Stocks", "mixer_of"]
