"""Random failures of the tools of a class in a step, and the hours that their repairs take.

The loops over lanes have no branch, so that they vectorize.
"""

from __future__ import annotations

import math

from yieldsim.kernels.elementary import exp_minus
from yieldsim.kernels.inverse import gamma_of_variance, normal_ppf_lanes
from yieldsim.kernels.jit import inline_jit
from yieldsim.supply.kernels.records import Lanes, Scratch

_SUMMED_UP_TO = 10.0  # expected failures up to which probabilities are summed
_MOST_FAILURES = 100.0  # of those


@inline_jit
def draw_repairs(cv2: Lanes, scratch: Scratch, n: int) -> None:
    """Fill the repair hours that a step adds to a fleet, given its expected failures.

    Failures are Poisson, and each repair is gamma with mean MTTR. A tool that is down cannot fail,
    so deviations from the mean are scaled by the availability. The long-run variance per failure is
    then that of alternating renewal, A^2 (1 + cr^2) MTTR^2 (D. R. Cox, "Renewal Theory" (1962),
    chapter 7). The mean is exact, and hours are never negative.
    """
    count_failures(scratch, n)
    for k in range(n):
        scratch.normal[k] = normal_ppf_lanes(scratch.repair_uniform[k])
    for k in range(n):
        count, mttr = scratch.failures[k], scratch.mttr_hours[k]
        variance = cv2[k] / max(count, 1.0)
        hours = count * mttr * gamma_of_variance(scratch.normal[k], variance)
        expected = scratch.failures_expected[k] * mttr
        scratch.new_repair_hours[k] = expected + scratch.mean_uptime[k] * (hours - expected)


@inline_jit
def count_failures(scratch: Scratch, n: int) -> None:
    """Fill the failures of the step, as `poisson_ppf_within_one` does for each lane."""
    few = many = False
    for k in range(n):
        few |= scratch.failures_expected[k] <= _SUMMED_UP_TO
        many |= scratch.failures_expected[k] > _SUMMED_UP_TO
    if few:
        _sum_probabilities(scratch, n)
    if many:
        for k in range(n):
            mean, z = scratch.failures_expected[k], normal_ppf_lanes(scratch.failure_uniform[k])
            # the least number of the sum of probabilities, by Cornish and Fisher's expansion
            count = mean + math.sqrt(mean) * z + (z * z - 1.0) / 6.0 + 0.5
            whole = math.floor(max(0.0, count))
            scratch.failures[k] = whole if mean > _SUMMED_UP_TO else scratch.failures[k]


@inline_jit
def _sum_probabilities(scratch: Scratch, n: int) -> None:
    """Fill the numbers of failures whose probabilities add up to the uniforms.

    Four are added at a time until no lane needs more. Lanes with more expected are not summed.
    """
    term, reached, failures = scratch.term, scratch.reached, scratch.failures
    for k in range(n):
        mean = scratch.failures_expected[k]
        term[k] = exp_minus(mean) if mean <= _SUMMED_UP_TO else 1.0
        reached[k] = term[k]
        failures[k] = 0.0
    number, going = 0.0, 1
    while going > 0 and number < _MOST_FAILURES:
        first, second = 1.0 / (number + 1.0), 1.0 / (number + 2.0)
        third, fourth = 1.0 / (number + 3.0), 1.0 / (number + 4.0)
        number += 4.0
        going = 0
        for k in range(n):
            mean, luck = scratch.failures_expected[k], scratch.failure_uniform[k]
            count, just, total = failures[k], term[k], reached[k]
            for part in (first, second, third, fourth):
                count += 1.0 if luck > total else 0.0
                just *= mean * part
                total += just
            going |= 1 if luck > total else 0
            failures[k], term[k], reached[k] = count, just, total
