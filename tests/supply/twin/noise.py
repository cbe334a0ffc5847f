"""Random availability of tools in the readable twin: failures, repairs, hours carried over."""

from __future__ import annotations

import math
from statistics import NormalDist

from tests.supply.twin.dies import gamma_mean_one

EXACT_UP_TO = 10.0  # expected failures; beyond, the Cornish-Fisher expansion is used


def failures(expected: float, u: float) -> int:
    """Poisson quantile: the least number whose cumulative probability reaches ``u``."""
    if expected > EXACT_UP_TO:
        z = NormalDist().inv_cdf(u)
        skewed = expected + math.sqrt(expected) * z + (z * z - 1.0) / 6.0
        return math.floor(max(0.0, skewed + 0.5))
    number, just = 0, math.exp(-expected)
    reached = just
    while reached < u and just > 0.0:
        number += 1
        just *= expected / number
        reached += just
    return number


def repair_hours(number: int, mttr_hours: float, cv2: float, u: float) -> float:
    """Return the total hours of some repairs: a gamma variate with their mean and variance."""
    if number == 0 or cv2 == 0.0:
        return number * mttr_hours
    return number * mttr_hours * gamma_mean_one(u, number / cv2)


def down_hours(
    tools: float, hours: float, mttf: float, mttr: float, cv2: float, luck: tuple[float, float]
) -> float:
    """Hours for which the tools are down after the failures of ``hours``.

    Tools that are down cannot fail, so the spread is that of alternating renewal: the spread of the
    failures times the mean availability. The mean is exact.
    """
    expected = tools * hours / (mttf + mttr)
    lasting = repair_hours(failures(expected, luck[0]), mttr, cv2, luck[1])
    mean = expected * mttr
    return mean + mttf / (mttf + mttr) * (lasting - mean)


def up_and_carried(tools: float, hours: float, down: float) -> tuple[float, float]:
    """(share of the step in which the tools are up, hours down that do not fit into it)."""
    lost = min(down, tools * hours)
    return 1.0 - lost / (tools * hours), down - lost
