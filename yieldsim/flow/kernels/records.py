"""What the kernels of the event simulator read and write: one record a step, tool, lot, event.

Records and not one array a field: an event touches many fields of few entities, so a lot or a tool
should lie in one or two cache lines. Times are minutes from the start of the run, counts of wafers
are pieces, links between records are indices with -1 for none. ``Network`` is what is given and
never changes in a run; ``State`` is one replication.

Events are named by nodes: [0, clocks) a clock is due (a failure, maintenance, or the date on which
a tool is taken out of the line or comes back), then one node a tool
(it is up again), one an order (lots are released), then one a lot (it arrives at a group, or
the job that it leads leaves its tool). Each node is pending at most once. Lots stand last, so that
more of them can be added while a replication runs.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "BUCKET_BITS",
    "CAP",
    "CLOCK",
    "CLOCK_CALENDAR",
    "CLOCK_COMES",
    "CLOCK_FAILURE",
    "CLOCK_LEAVES",
    "CLOCK_PIECES",
    "CONSTANT",
    "EVENT",
    "EXPONENTIAL",
    "FULL",
    "GROUP",
    "IN_TOOL",
    "LOT",
    "MOVING",
    "Network",
    "ORDER",
    "PERIOD",
    "QUEUED",
    "REACHED",
    "RUN",
    "STEP",
    "STREAM_CLOCK",
    "STREAM_LOT_STEP",
    "STREAM_RELEASE",
    "STREAM_SETUP",
    "SPREAD",
    "State",
    "TOOL",
    "UNIFORM",
]

# The law of a time: always its mean; mean +- half, evenly; exponential.
CONSTANT, UNIFORM, EXPONENTIAL = 0, 1, 2
# What a clock of a tool is: a failure, maintenance by date, maintenance by pieces; and once only,
# the date on which it leaves the line or comes back.
CLOCK_FAILURE, CLOCK_CALENDAR, CLOCK_PIECES, CLOCK_LEAVES, CLOCK_COMES = 0, 1, 2, 3, 4
# Where a lot is.
MOVING, QUEUED, IN_TOOL = 0, 1, 2
# Why the kernel came back: the time is reached, or there is no room for a further lot.
REACHED, FULL = 0, 1

# One stream a kind of decision (the third word of the counter), beside those of philox.py.
STREAM_LOT_STEP = np.uint32(64)
STREAM_SETUP = np.uint32(65)
STREAM_CLOCK = np.uint32(66)
STREAM_RELEASE = np.uint32(67)

BUCKET_BITS = 15  # 32,768 heads of 4 bytes: half of a core's second cache at most

SPREAD = np.dtype([("mean", "f8"), ("half", "f8"), ("law", "i8")])

STEP = np.dtype(
    [
        ("time", SPREAD),  # of one piece, lot or batch
        ("interval", "f8"),  # minutes from one unit's entry to the next one's, 0: none
        ("setup_time", SPREAD),  # mean -1: the table of setups decides
        ("sampled", "f8"),  # share of lots that do this step
        ("reworked", "f8"),  # share of lots that go back to rework_to after it
        ("limit", "f8"),  # minutes until the start of the step that limit_slot names
        ("remaining", "f8"),  # expected minutes of work from here on, for the critical ratio
        ("group", "i4"),
        ("following", "i4"),
        ("rework_to", "i4"),
        ("setup", "i4"),
        ("batch", "i4"),  # lots of the same number may share a batch
        ("least", "i4"),  # fewest pieces of a batch, 0: no batches
        ("most", "i4"),
        ("lens_set", "i4"),  # the slot in which the tool of this step is remembered
        ("lens_need", "i4"),  # the slot that names the only tool for this step
        ("limit_set", "i4"),  # the slot of the limit that starts with the end of this step
        ("limit_check", "i4"),  # the first slot of the limits that end with the start of this step
        ("limit_checks", "i4"),  # how many they are
        ("by_piece", "i4"),
        ("setup_always", "i4"),
    ],
    align=True,
)

GROUP = np.dtype(
    [
        ("load", "f8"),
        ("unload", "f8"),
        ("waited", "f8"),  # minutes that lots waited here, of those started in the window
        ("started", "i8"),
        ("first", "i4"),  # its first waiting lot
        ("last", "i4"),
        ("first_ready", "i4"),  # its first tool that may take a lot
        ("last_ready", "i4"),
        ("capacity", "i4"),  # jobs that a tool holds at once
        ("location", "i4"),
        ("batches", "i4"),
        ("runs", "i4"),  # setups here have a least run
        ("by_priority", "i4"),
        ("by_setup", "i4"),  # among equals in priority, the lot with the least setup time first
        ("by_ratio", "i4"),  # then the least critical ratio, else who came first
        ("wake_least", "i4"),  # a lot that arrives takes the tool with the least setup time
    ],
    align=True,
)

TOOL = np.dtype(
    [
        ("speed", "f8"),
        ("backlog", "f8"),  # minutes of maintenance that are due
        ("up_at", "f8"),
        ("delay", "f8"),  # all minutes that its jobs have been held up by repairs
        ("front_free", "f8"),  # when the next lot's first unit may enter
        ("busy_end", "f8"),  # when its last job leaves
        ("busy", "f8"),
        ("repair", "f8"),
        ("maintenance", "f8"),
        ("setting_up", "f8"),
        ("group", "i4"),
        ("setup", "i4"),
        ("run_left", "i4"),
        ("inside", "i4"),
        ("down", "i4"),
        ("ready", "i4"),
        ("ready_next", "i4"),
        ("ready_before", "i4"),
        ("job", "i4"),  # the first lot of the last job taken
        ("first_clock", "i4"),
        ("clocks", "i4"),
        ("away", "i4"),  # out of the line, once its jobs are done
    ],
    align=True,
)

# What holds until a time: an order's releases over those of its interval, or most pieces in a line.
PERIOD = np.dtype([("until", "f8"), ("value", "f8")], align=True)

CLOCK = np.dtype(
    [
        ("every", SPREAD),
        ("lasts", SPREAD),
        ("first", SPREAD),
        ("left", "f8"),  # pieces until the next maintenance
        ("tool", "i4"),
        ("kind", "i4"),
        ("draws", "u4"),
    ],
    align=True,
)

ORDER = np.dtype(
    [
        ("every", SPREAD),
        ("first", "f8"),
        ("released_at", "f8"),  # of a lot that is in the line at the start; 0 or earlier
        ("due_after", "f8"),
        ("cycle", "f8"),  # sum over the lots finished in the window
        ("cycle_squared", "f8"),
        ("left", "i8"),
        ("finished", "i8"),
        ("finished_ever", "i8"),  # before the window too
        ("lost", "i8"),  # lots that found their line full
        ("on_time", "i8"),
        ("limits", "i8"),  # queue-time limits that ended in the window
        ("limits_missed", "i8"),
        ("lots", "i4"),
        ("step", "i4"),
        ("priority", "i4"),
        ("pieces", "i4"),
        ("draws", "u4"),  # lots that were due
        ("period", "i4"),  # that of now, of those that change its releases
        ("last_period", "i4"),  # -1: none do
        ("cap", "i4"),  # which limit of WIP its lots count for and meet, -1: none
    ],
    align=True,
)

# A limit of the work in process that some orders share.
CAP = np.dtype([("pieces", "i8"), ("period", "i4"), ("last_period", "i4")], align=True)

LOT = np.dtype(
    [
        ("released", "f8"),
        ("due", "f8"),
        ("queued", "f8"),
        ("delay_seen", "f8"),  # the tool's delay that its event's time already holds
        ("work_left", "f8"),  # minutes of an interrupted job at speed 1, 0: none
        ("number", "u4"),
        ("visit", "u4"),
        ("time_word", "u4"),
        ("rework_word", "u4"),
        ("order", "i4"),
        ("step", "i4"),
        ("priority", "i4"),
        ("pieces", "i4"),
        ("location", "i4"),
        ("tool", "i4"),
        ("next", "i4"),
        ("before", "i4"),
        ("mate", "i4"),  # the next lot of its batch
        ("place", "i4"),
    ],
    align=True,
)

EVENT = np.dtype([("time", "f8"), ("next", "i4"), ("pad", "i4")], align=True)

RUN = np.dtype(
    [
        ("now", "f8"),
        ("from_time", "f8"),  # the window that is counted
        ("to_time", "f8"),
        ("per_minute", "f8"),  # buckets
        ("wip_minutes", "f8"),
        ("wip_since", "f8"),
        ("bucket", "i8"),
        ("events", "i8"),
        ("released", "i8"),
        ("finished", "i8"),
        ("wip", "i8"),
        ("seed", "u8"),
        ("replication", "u4"),
        ("free", "i4"),  # the first unused lot
        ("free_lots", "i4"),
        ("migrate", "i4"),  # a lot leaves a tool that fails, in place of waiting for the repair
    ],
    align=True,
)


class Network(NamedTuple):
    """What is simulated: steps, ways between places, setups, changes of orders and of limits.

    Legend: s setups, p places.
    """

    steps: NDArray[Any]  # STEP
    moves: NDArray[Any]  # SPREAD[p, p]: from place, to place
    setup_times: NDArray[Any]  # SPREAD[s, s]: from setup (0: none yet), to setup
    setup_runs: NDArray[np.int32]  # [s]: fewest lots from one change to the next
    tools_by_speed: NDArray[np.int32]  # [1]: 1 where a group has tools of several speeds
    periods: NDArray[Any]  # PERIOD: runs of them belong to an order or to a limit of WIP


class State(NamedTuple):
    """One replication. Legend: l lots, q slots of a lot, b batch numbers, 2^15 buckets."""

    run: NDArray[Any]  # RUN[1]
    groups: NDArray[Any]  # GROUP
    tools: NDArray[Any]  # TOOL
    clocks: NDArray[Any]  # CLOCK
    orders: NDArray[Any]  # ORDER
    caps: NDArray[Any]  # CAP
    lots: NDArray[Any]  # LOT[l]
    lenses: NDArray[np.int32]  # [l, q]: tool that a later step of the lot must use
    limits: NDArray[np.float64]  # [l, q]: when the step of that slot must have started
    waiting: NDArray[np.int64]  # [b]: pieces that wait for a batch of that number
    events: NDArray[Any]  # EVENT[clocks + tools + orders + l]
    buckets: NDArray[np.int32]  # first event of each bucket
