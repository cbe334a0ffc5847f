"""Random excursions of the readable twin: arrivals, and the days until they are detected."""

from __future__ import annotations

from tests.supply.twin.noise import failures, repair_hours
from tests.supply.twin.world import DAYS_PER_QUARTER, World

STREAM_LINE_EXCURSION = 16


def exposure(world: World, fab: str, step: int, waiting: float, kept: float) -> tuple[float, float]:
    """(share of the step in which a line has an excursion, days of excursions still to come).

    One excursion follows another. Those of a line that makes a share ``kept`` of its control steps
    take so much longer to find.
    """
    own, path = world.model.fabs[fab].excursions, f"fabs.{fab}.excursions"
    if own is None:
        return 0.0, 0.0
    rate = world.number(path, own, "rate_per_quarter")
    days = world.number(path, own, "detection_days") / kept
    if not world.noise:
        return min(1.0, rate * days / DAYS_PER_QUARTER), 0.0
    arrival, length = world.luck(f"fabs.{fab}", STREAM_LINE_EXCURSION, step)
    count = failures(rate / world.steps_per_quarter, arrival)
    waiting += repair_hours(count, days, 1.0, length)  # a sum of exponential times, as of repairs
    exposed = min(waiting, world.days_per_step)
    return exposed / world.days_per_step, waiting - exposed


def excursion_ratio(world: World, fab: str, exposed: float) -> float:
    """Mean defect density over normal in a step of which a share has an excursion."""
    own = world.model.fabs[fab].excursions
    if own is None:
        return 1.0
    ratio = world.number(f"fabs.{fab}.excursions", own, "d0_ratio")
    return exposed * ratio + (1.0 - exposed)
