"""A line of the SMT2020 format as plain data: tool groups, parts with their steps, orders, clocks.

D. Kopp, M. Hassoun, A. Kalir, L. Mönch, "SMT2020 - A Semiconductor Manufacturing Testbed", IEEE
Transactions on Semiconductor Manufacturing 33 (2020) 522-531, doi:10.1109/TSM.2020.3001933.
Times are minutes, amounts of wafers pieces, shares lie between 0 and 1.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from yieldsim.flow.smt2020.tsv import Spread

__all__ = ["Absence", "Calendar", "DataSet", "Order", "Part", "Setup", "Step", "ToolGroup"]


@dataclass(frozen=True)
class ToolGroup:
    """A row of tool.txt: tools that can do the same steps.

    ``speeds`` has one entry a tool. ``ranks`` are among rank_HP (priority), rank_RSETUP (least
    setup time), rank_FIFO and rank_CR (critical ratio). ``runs`` is the setup group whose least
    runs hold here, or "".
    """

    name: str
    area: str
    place: str
    speeds: tuple[float, ...]
    load_min: float
    unload_min: float
    capacity: int
    ranks: tuple[str, ...]
    wake_least_setup: bool
    runs: str
    batch_by: Literal["route step", "family and step"]


@dataclass(frozen=True)
class Setup:
    """What a step needs its tool to be set up for; ``time`` None leaves it to setup.txt."""

    name: str
    always: bool
    time: Spread | None


@dataclass(frozen=True)
class Step:
    """A row of a route. ``lens_for`` and ``limit_to`` are positions of later steps of the route."""

    name: str
    group: str
    time: Spread
    by_piece: bool
    interval_min: float
    batch_pieces: tuple[int, int] | None
    setup: Setup | None
    sampled: float
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
class Order:
    """Lots of one name: first at ``first_min``, then after ``every`` each, ``releases`` times.

    ``lots`` start at once. ``released_min`` is 0 or earlier for a lot that is in the line at the
    start, at ``step``. ``rates`` holds (until_min, ratio): releases over those of ``every`` up to
    that time, the last for good. ``cap`` names the limit of WIP that its lots count for and meet.
    """

    name: str
    part: str
    priority: int
    pieces: int
    first_min: float
    every: Spread
    releases: int
    lots: int
    due_after_min: float
    step: int = 0
    released_min: float = 0.0
    rates: tuple[tuple[float, float], ...] = ()
    cap: str = ""


@dataclass(frozen=True)
class Calendar:
    """Failures or maintenance of one tool group, each tool with clocks of its own.

    ``every``: failures from a repair's end to the next failure, maintenance from start to start,
    or the pieces between two (``kind`` "pieces"). ``tools``: which of the group, from one to before
    another; none named: all.
    """

    name: str
    group: str
    kind: Literal["failure", "calendar", "pieces"]
    every: Spread
    lasts: Spread
    first: Spread
    tools: tuple[int, int] | None = None


@dataclass(frozen=True)
class Absence:
    """A tool, the ``tool``-th of its group, is not in the line from one time to another."""

    group: str
    tool: int
    from_min: float
    to_min: float = math.inf


@dataclass(frozen=True)
class DataSet:
    """A whole line. ``setups`` holds (from, to) -> time, with "" for any setup before.

    ``caps`` holds the limits of WIP by name: (until_min, most pieces), the last for good.
    """

    name: str
    groups: Mapping[str, ToolGroup]
    parts: Mapping[str, Part]
    orders: tuple[Order, ...]
    calendars: tuple[Calendar, ...]
    moves: Mapping[tuple[str, str], Spread]
    setups: Mapping[tuple[str, str], Spread]
    least_runs: Mapping[str, Mapping[str, int]]
    caps: Mapping[str, tuple[tuple[float, float], ...]] = field(default_factory=dict)
    absences: tuple[Absence, ...] = ()
