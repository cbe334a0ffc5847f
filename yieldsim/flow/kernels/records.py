"""What the kernels of the event simulator read and write.

Each step, tool group, tool, clock, order, lot and event is one record, because an event touches
many fields of few entities: a lot or a tool should lie in one or two cache lines. Times are minutes
from the start of the run. Amounts of wafers are pieces. Links between records are indices, with -1
for none. ``Network`` is given and does not change during a run; ``LineState`` is one replication.

An event is named by its node. The nodes stand in this order:

1. one per clock: a failure or maintenance is due, or a tool leaves the line or comes back;
2. one per tool: it is up again;
3. one per tool: its front is free, so that it may load another job;
4. one per order: lots are released;
5. one per lot: it arrives at a tool group, or the job that it leads leaves its tool.

Each node is pending at most once. Lots stand last so that more can be added during a replication.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from yieldsim.kernels.jit_tables import by_address

__all__ = [
    "BUCKET_BITS",
    "BUCKET_MASK",
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
    "GAMMA",
    "GROUP",
    "IN_TOOL",
    "LOGNORMAL",
    "LOT",
    "LOT_REST",
    "LineState",
    "MOVING",
    "NORMAL",
    "Network",
    "ORDER",
    "PERIOD",
    "QUEUED",
    "RANK_DUE",
    "RANK_FIFO",
    "RANK_RATIO",
    "RANK_SHORTEST",
    "RANK_SLACK",
    "REACHED",
    "RUN",
    "Record",
    "Records",
    "SPREAD",
    "STEP",
    "STREAM_CLOCK",
    "STREAM_LOT_STEP",
    "STREAM_RELEASE",
    "STREAM_SETUP",
    "STREAM_TOOL",
    "TOOL",
    "TRIANGULAR",
    "UNIFORM",
    "WIP_CAP",
    "lined",
]

# The law of a time. The width is half the width of uniform and triangular times and the standard
# deviation of normal, lognormal and gamma ones; the mode is of triangular ones.
CONSTANT, UNIFORM, EXPONENTIAL, NORMAL, LOGNORMAL, TRIANGULAR, GAMMA = 0, 1, 2, 3, 4, 5, 6
# The last rank among waiting lots: who came first, or the least of a number.
RANK_FIFO, RANK_RATIO, RANK_DUE, RANK_SLACK, RANK_SHORTEST = 0, 1, 2, 3, 4
# Kinds of clocks: a failure; maintenance by date; maintenance by pieces; and, once each, the date
# on which a tool leaves the line or comes back.
CLOCK_FAILURE, CLOCK_CALENDAR, CLOCK_PIECES, CLOCK_LEAVES, CLOCK_COMES = 0, 1, 2, 3, 4
# The status of a lot.
MOVING, QUEUED, IN_TOOL = 0, 1, 2
# Why the kernel returned: the time is reached, or there is no room for another lot.
REACHED, FULL = 0, 1

# One stream for each kind of decision (the third word of the counter), beside those of philox.py.
STREAM_LOT_STEP = np.uint32(64)
STREAM_SETUP = np.uint32(65)
STREAM_CLOCK = np.uint32(66)
STREAM_RELEASE = np.uint32(67)
STREAM_TOOL = np.uint32(68)

BUCKET_BITS = 15  # 32,768 heads of 4 bytes: at most half of a core's second-level cache
BUCKET_MASK = (1 << BUCKET_BITS) - 1

# mypy does not know the fields of a record: a row of an array of one of the dtypes below.
Record: TypeAlias = Any
Records: TypeAlias = NDArray[Any]

_LINE_BYTES = 64  # that a processor loads at once


def in_lines(*fields: tuple[str, object]) -> np.dtype[np.void]:
    """Return a record type of whole cache lines: fields that are read together stand in one line.

    `lined` makes the arrays.
    """
    packed: Any = np.dtype(list(fields), align=True)
    return np.dtype(
        {
            "names": packed.names,
            "formats": [packed[name] for name in packed.names],
            "offsets": [packed.fields[name][1] for name in packed.names],
            "itemsize": -(-packed.itemsize // _LINE_BYTES) * _LINE_BYTES,
        },
        align=True,
    )


def lined(records: Records) -> Records:
    """Return a copy that begins with a cache line."""
    room = np.zeros(records.nbytes + _LINE_BYTES, np.uint8)
    first = -room.ctypes.data % _LINE_BYTES
    out = room[first : first + records.nbytes].view(records.dtype)
    out[:] = records
    return out


SPREAD = np.dtype([("mean", "f8"), ("width", "f8"), ("mode", "f8"), ("law", "i8")], align=True)

STEP = in_lines(
    # a lot arrives, is looked for, or goes on
    ("sampling", "f8"),  # share of lots that do this step
    ("rework", "f8"),  # share of lots that go back to rework_to after it
    ("group", "i4"),
    ("following", "i4"),
    ("setup", "i4"),
    ("batch_kind", "i4"),  # lots of the same kind may share a batch
    ("batch_min", "i4"),  # pieces; 0: no batches
    ("batch_max", "i4"),
    ("lens_set", "i4"),  # slot that remembers the tool of this step
    ("lens_need", "i4"),  # slot that names the only tool allowed for this step
    ("limit_set", "i4"),  # slot of the queue-time limit that starts at the end of this step
    ("first_limit", "i4"),  # first slot of the limits that end at the start of this step
    ("limits", "i4"),  # how many limits end at the start of this step
    ("by_piece", "?"),
    ("setup_always", "?"),
    # a job begins
    ("time", SPREAD),  # of one piece, lot or batch
    ("cascade_interval", "f8"),  # minutes between two units entering the tool; 0: no cascading
    ("limit", "f8"),  # minutes until the start of the step where limit_set ends
    ("rework_to", "i4"),
    ("setup_time", SPREAD),  # mean -1: take it from the table of setup times
    ("remaining", "f8"),  # expected minutes of work from here on, for critical ratio and slack
    ("alone", "f8"),  # expected minutes of this step alone
)

GROUP = np.dtype(
    [
        ("load", "f8"),
        ("unload", "f8"),
        ("waited", "f8"),  # minutes waited here by the lots started in the counted window
        ("started", "i8"),
        ("first_lot", "i4"),  # ends of the queue of waiting lots
        ("last_lot", "i4"),
        ("first_tool", "i4"),
        ("ready_tools", "i4"),  # how many of its tools may take a lot
        ("capacity", "i4"),  # jobs that a tool holds at once
        ("last_rank", "i4"),  # among equals: first come first served, or another rank
        ("location", "i4"),
        ("has_min_runs", "?"),  # setups here have a minimum run
        ("by_priority", "?"),
        ("by_setup", "?"),  # among lots of equal priority, the least setup time first
        ("wake_least_setup", "?"),  # an arriving lot takes the tool with the least setup time
    ],
    align=True,
)

TOOL = in_lines(
    # a job leaves, or the tool looks for one
    ("delay", "f8"),  # total minutes by which repairs have delayed its jobs
    ("front_free", "f8"),  # when the next lot's first unit may enter
    ("backlog", "f8"),  # minutes of maintenance that are due
    ("pieces_left", "f8"),  # until the first of its clocks by pieces is due; inf: it has none
    ("group", "i4"),
    ("setup", "i4"),
    ("run_left", "i4"),  # jobs left of the minimum run
    ("jobs", "i4"),  # jobs inside
    ("place", "i4"),  # in ``ready``
    ("leader", "i4"),  # first lot of the last job taken
    ("down", "?"),
    ("ready", "?"),
    ("away", "?"),  # out of the line once its jobs are done
    ("front_pending", "?"),  # the event at which its front is free is posted
    # a job begins, or the tool fails
    ("speed", "f8"),
    ("began", "f8"),  # when it took its last job
    ("busy_end", "f8"),  # when its last job leaves
    ("busy", "f8"),
    ("setting_up", "f8"),
    ("up_at", "f8"),
    ("repair", "f8"),
    ("maintenance", "f8"),
    # a clock by pieces is due
    ("pieces_before", "f8"),  # ``pieces_left`` when this was last counted
    ("first_clock", "i4"),  # its clocks by pieces
    ("clocks", "i4"),
)

# A value up to a time: release rate relative to the order's interval, or a WIP cap in pieces.
PERIOD = np.dtype([("until", "f8"), ("value", "f8")], align=True)

CLOCK = np.dtype(
    [
        ("interval", SPREAD),
        ("duration", SPREAD),
        ("first", SPREAD),
        ("left", "f8"),  # pieces until the next maintenance, at its tool's last count
        ("tool", "i4"),
        ("kind", "i4"),
        ("draws", "u4"),
    ],
    align=True,
)

ORDER = np.dtype(
    [
        ("interval", SPREAD),
        ("first", "f8"),
        ("released_at", "f8"),  # of a lot already in the line at the start: 0 or earlier
        ("due_after", "f8"),
        ("cycle", "f8"),  # sum over the lots finished in the counted window
        ("cycle_squared", "f8"),
        ("releases_left", "i8"),
        ("finished", "i8"),
        ("finished_ever", "i8"),  # including before the window
        ("lost", "i8"),  # lots that met a full line
        ("on_time", "i8"),
        ("limits", "i8"),  # queue-time limits that ended in the window
        ("limits_missed", "i8"),
        ("lots_per_release", "i4"),
        ("step", "i4"),
        ("priority", "i2"),  # 0: the least of all
        ("pieces", "i4"),
        ("draws", "u4"),  # lots that were due, released or lost
        ("period", "i4"),  # the present one of the periods that change its release rate
        ("last_period", "i4"),  # -1: the rate does not change
        ("cap", "i4"),  # WIP cap for which its lots count, -1: none
        ("timed", "?"),  # its lots count in cycle times
    ],
    align=True,
)

# A cap on the work in process, shared by some orders.
WIP_CAP = np.dtype([("pieces", "i8"), ("period", "i4"), ("last_period", "i4")], align=True)

LOT = in_lines(
    ("queued", "f8"),
    ("delay_seen", "f8"),  # the part of the tool's delay already in the time of its event
    ("step", "i4"),
    ("bound", "i4"),  # the only tool for its step unless that is away, -1: any
    ("next", "i4"),  # neighbours in the queue of its group; next: also among the unused lots
    ("before", "i4"),
    ("tool", "i4"),
    ("batch_next", "i4"),  # the next lot of its batch
    ("pieces", "i4"),
    ("number", "u4"),
    ("visit", "u4"),
    ("time_word", "u4"),
    ("rework_word", "u4"),
    ("priority", "i2"),
    ("status", "i1"),
    ("interrupted", "?"),  # work_left holds the rest of its job
)
# What is seldom read of a lot.
LOT_REST = np.dtype(
    [
        ("released", "f8"),
        ("due", "f8"),
        ("work_left", "f8"),  # minutes of an interrupted job at speed 1
        ("order", "i4"),
    ],
    align=True,
)

# ``turn`` of the calendar in which it is due
EVENT = np.dtype([("time", "f8"), ("next", "i4"), ("turn", "i4")], align=True)

RUN = np.dtype(
    [
        ("now", "f8"),
        ("window_start", "f8"),  # of the counted window
        ("window_end", "f8"),
        ("buckets_per_min", "f8"),
        ("wip_minutes", "f8"),
        ("wip_since", "f8"),
        ("bucket", "i8"),
        ("events", "i8"),
        ("wip", "i8"),
        ("seed", "u8"),
        ("replication", "u4"),
        ("first_unused", "i4"),  # of the lots
        ("unused_lots", "i4"),
        ("away", "i4"),  # tools that are out of the line or leave it
        ("migrate", "?"),  # a lot leaves a failing tool instead of waiting for the repair
    ],
    align=True,
)


@by_address
class Network(NamedTuple):
    """The line as given. Legend: s setups, p locations."""

    steps: Records  # STEP
    moves: Records  # SPREAD[p, p]: transport from location to location
    setup_times: Records  # SPREAD[s, s]: from setup (0: none yet) to setup
    min_runs: NDArray[np.int32]  # [s]: fewest jobs between a change to this setup and the next
    mixed_speeds: bool  # some group has tools of several speeds
    periods: Records  # PERIOD: consecutive ones belong to an order or to a WIP cap


@by_address
class LineState(NamedTuple):
    """One replication. Legend: l lots, q slots of a lot, b kinds of batches, 2^15 buckets."""

    run: Records  # RUN[1]
    groups: Records  # GROUP
    tools: Records  # TOOL
    clocks: Records  # CLOCK
    orders: Records  # ORDER
    caps: Records  # WIP_CAP
    lots: Records  # LOT[l]
    lot_rests: Records  # LOT_REST[l]
    lenses: NDArray[np.int32]  # [l, q]: the tool that a later step of the lot must use
    deadlines: NDArray[np.float64]  # [l, q]: when the step of that slot must have started
    ready: NDArray[np.int32]  # [tools]: from first_tool of a group on, its ready tools in no order
    waiting: NDArray[np.int64]  # [b]: pieces waiting for a batch of that kind
    events: Records  # EVENT[clocks + 2 tools + orders + l]
    buckets: NDArray[np.int32]  # first event of each bucket
