"""Lines for the tests, and queues with exponential times."""

from __future__ import annotations

from yieldsim.flow.dataset import Calendar, DataSet, LineToolGroup, LotOrder, Part, Step
from yieldsim.flow.laws import Spread

HOUR_MIN = 60.0


def tool_group(name: str = "tool", **changes: object) -> LineToolGroup:
    """One tool that ranks lots by priority, then first come first served."""
    plain = LineToolGroup(
        name=name,
        area="area",
        location="",
        speeds=(1.0,),
        load_min=0.0,
        unload_min=0.0,
        capacity=1,
        ranks=("rank_HP", "rank_FIFO"),
        wake_least_setup=False,
        min_run_group="",
        batch_by="route step",
    )
    return LineToolGroup(**{**vars(plain), **changes})


def step(name: str, group: str = "tool", minutes: float = 60.0, **changes: object) -> Step:
    """A step of constant time per lot."""
    plain = Step(
        name=name,
        group=group,
        time=Spread(minutes),
        by_piece=False,
        interval_min=0.0,
        batch_pieces=None,
        setup=None,
        sampling=1.0,
        rework=None,
        lens_for=None,
        limit=None,
    )
    return Step(**{**vars(plain), **changes})


def order(every_min: float, releases: int = 10**9, **changes: object) -> LotOrder:
    """Single lots of 25 pieces at even intervals."""
    plain = LotOrder(
        name="lot",
        part="part",
        priority=10,
        pieces=25,
        first_min=0.0,
        interval=Spread(every_min),
        releases=releases,
        lots=1,
        due_after_min=1e6,
    )
    return LotOrder(**{**vars(plain), **changes})


def data_set(
    groups: list[LineToolGroup],
    steps: list[Step],
    orders: list[LotOrder],
    calendars: list[Calendar] | None = None,
    **changes: object,
) -> DataSet:
    """A line with one part."""
    plain = DataSet(
        name="test",
        groups={group.name: group for group in groups},
        parts={"part": Part("part", "family", "route", tuple(steps))},
        orders=tuple(orders),
        calendars=tuple(calendars or ()),
        moves={},
        setup_times={},
        min_runs={},
    )
    return DataSet(**{**vars(plain), **changes})


def markov(
    speeds: tuple[float, ...],
    lots_per_hour: float,
    failures_h: tuple[float, float] | None = None,
) -> DataSet:
    """Poisson arrivals, exponential work of one hour at speed 1, exponential failures and repairs.

    ``failures_h`` holds the mean hours to failure and to repair.
    """
    every = Spread(HOUR_MIN / lots_per_hour, 0.0, "exponential")
    calendars = []
    if failures_h is not None:
        mttf, mttr = (Spread(hours * HOUR_MIN, 0.0, "exponential") for hours in failures_h)
        calendars = [Calendar("failure", "tool", "failure", mttf, mttr, mttf)]
    return data_set(
        [tool_group(speeds=speeds)],
        [step("1", time=Spread(HOUR_MIN, 0.0, "exponential"))],
        [order(1.0, interval=every)],
        calendars,
    )
