"""A line of the SMT2020 format as plain data: tool groups, parts with their steps, orders, clocks.

D. Kopp, M. Hassoun, A. Kalir, L. Mönch, "SMT2020 - A Semiconductor Manufacturing Testbed", IEEE
Transactions on Semiconductor Manufacturing 33 (2020) 522-531, doi:10.1109/TSM.2020.3001933.
Times are minutes, amounts of wafers are pieces, and shares lie between 0 and 1.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from yieldsim.flow.laws import Spread

__all__ = ["Absence", "Calendar", "DataSet", "LineToolGroup", "LotOrder", "Part", "Setup", "Step"]


@dataclass(frozen=True)
class LineToolGroup:
    """A row of tool.txt: tools that can do the same steps.

    ``speeds`` has one entry per tool. ``capacity`` is the number of jobs that a tool holds at once.
    ``ranks`` are some of rank_HP (priority), rank_RSETUP (least setup time) and one last of
    rank_FIFO, rank_CR (critical ratio), rank_EDD (due date), rank_SLACK (time to the due date less
    the work left) and rank_SPT (work of the step). ``min_run_group`` is the setup group whose
    minimum runs hold here, or "".
    """

    name: str
    area: str
    location: str
    speeds: tuple[float, ...]
    load_min: float
    unload_min: float
    capacity: int
    ranks: tuple[str, ...]
    wake_least_setup: bool
    min_run_group: str
    batch_by: Literal["route step", "family and step"]


@dataclass(frozen=True)
class Setup:
    """The setup that a step needs; ``time`` None: the time is in setup.txt."""

    name: str
    always: bool
    time: Spread | None


@dataclass(frozen=True)
class Step:
    """A row of a route.

    ``interval_min`` is the time between two units entering a cascading tool, 0 without cascading.
    ``batch_pieces`` is (minimum, maximum). ``sampling`` is the share of lots that do the step.
    ``rework`` is (share of lots, position of the step to which they return). ``lens_for`` is the
    position of a later step that must use the same tool. ``limit`` is (position of a later step,
    minutes until it must have started).
    """

    name: str
    group: str
    time: Spread
    by_piece: bool
    interval_min: float
    batch_pieces: tuple[int, int] | None
    setup: Setup | None
    sampling: float
    rework: tuple[float, int] | None
    lens_for: int | None
    limit: tuple[int, float] | None


@dataclass(frozen=True)
class Part:
    """A row of part.txt with the steps of its route."""

    name: str
    family: str
    route: str
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class LotOrder:
    """Lots of one name: ``lots`` at a time, first at ``first_min``, ``releases`` times.

    ``interval`` is the time between two releases. For a lot that is in the line at the start,
    ``step`` is its position in the route and ``released_min`` is 0 or earlier. A lot whose release
    is not known is not ``timed``: it counts only in lots out. ``rates`` holds (until_min, release
    rate relative to the interval's); the last entry holds for good. ``cap`` names the WIP cap for
    which the lots count.
    """

    name: str
    part: str
    priority: int
    pieces: int
    first_min: float
    interval: Spread
    releases: int
    lots: int
    due_after_min: float
    step: int = 0
    released_min: float = 0.0
    timed: bool = True
    rates: tuple[tuple[float, float], ...] = ()
    cap: str = ""


@dataclass(frozen=True)
class Calendar:
    """Failures or maintenance of one tool group; each tool has a clock of its own.

    ``interval`` runs from the end of a repair to the next failure, or from start to start of
    maintenance by date; for ``kind`` "pieces" it counts pieces. ``tools`` is the range (first,
    behind the last) of tools in the group, None for all.
    """

    name: str
    group: str
    kind: Literal["failure", "calendar", "pieces"]
    interval: Spread
    duration: Spread
    first: Spread
    tools: tuple[int, int] | None = None


@dataclass(frozen=True)
class Absence:
    """A span in which tool number ``tool`` of its group is not in the line."""

    group: str
    tool: int
    from_min: float
    to_min: float = math.inf


@dataclass(frozen=True)
class DataSet:
    """A whole line.

    ``moves`` holds transport times by (from, to) location. ``setup_times`` holds times by (from,
    to) setup, with "" for any setup before. ``min_runs`` holds jobs by setup group and setup.
    ``caps`` holds WIP caps by name as (until_min, most pieces); the last entry holds for good.
    ``notes`` says what of the files is not simulated.
    """

    name: str
    groups: Mapping[str, LineToolGroup]
    parts: Mapping[str, Part]
    orders: tuple[LotOrder, ...]
    calendars: tuple[Calendar, ...]
    moves: Mapping[tuple[str, str], Spread]
    setup_times: Mapping[tuple[str, str], Spread]
    min_runs: Mapping[str, Mapping[str, int]]
    caps: Mapping[str, tuple[tuple[float, float], ...]] = field(default_factory=dict)
    absences: tuple[Absence, ...] = ()
    notes: tuple[str, ...] = ()
