"""The parts of the twin of the event simulator: lots, jobs, tools, groups and draws."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from yieldsim.flow.dataset import Calendar, LineToolGroup, LotOrder, Part, Step
from yieldsim.flow.laws import Spread
from yieldsim.kernels.gamma import gamma_ppf
from yieldsim.kernels.inverse import normal_ppf
from yieldsim.kernels.jit import bare_jit

LOT_STEP, SETUP, CLOCK, RELEASE, TOOL = 64, 65, 66, 67, 68  # streams
FIRST_DRAW = 2**32 - 1


def philox(counter: tuple[int, int, int, int], seed: int) -> tuple[int, int, int, int]:
    """Philox4x32-10 as its paper writes it (doi:10.1145/2063384.2063405)."""
    x0, x1, x2, x3 = counter
    k0, k1 = seed % 2**32, seed >> 32
    for _ in range(10):
        product0, product1 = 0xD2511F53 * x0, 0xCD9E8D57 * x2
        x0, x1, x2, x3 = (
            (product1 >> 32) ^ x1 ^ k0,
            product1 & 0xFFFFFFFF,
            (product0 >> 32) ^ x3 ^ k1,
            product0 & 0xFFFFFFFF,
        )
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return x0, x1, x2, x3


def uniform(word: int) -> float:
    return (word + 0.5) * 2.0**-32


def drawn(spread: Spread, word: int) -> float:
    if spread.law == "uniform":
        return spread.mean + spread.width * (2.0 * uniform(word) - 1.0)
    if spread.law == "exponential":
        return -spread.mean * math.log(uniform(word))
    return spread.mean if spread.law == "constant" or spread.width == 0.0 else other(spread, word)


def other(spread: Spread, word: int) -> float:
    """The rarer laws. Quantiles of normal and gamma variates have tests of their own."""
    u, mean = uniform(word), spread.mean
    if spread.law == "triangular":
        least, span = spread.least, 2.0 * spread.width
        rise = spread.mode - least
        if u * span < rise:
            return least + math.sqrt(u * span * rise)
        return least + span - math.sqrt((1.0 - u) * span * (span - rise))
    if spread.law == "normal":
        return max(mean + spread.width * float(quantile_of_normal(u)), 0.0)
    variation = (spread.width / mean) ** 2
    if spread.law == "lognormal":
        log_variance = math.log(1.0 + variation)
        middle = math.log(mean) - 0.5 * log_variance
        return math.exp(middle + math.sqrt(log_variance) * float(quantile_of_normal(u)))
    return mean * variation * float(quantile_of_gamma(u, 1.0 / variation))


@bare_jit
def quantile_of_normal(u: float) -> float:
    return normal_ppf(u)


@bare_jit
def quantile_of_gamma(u: float, shape: float) -> float:
    return gamma_ppf(u, shape)


def value_at(periods: Sequence[tuple[float, float]], time: float) -> float:
    """The value of the first period that ends after ``time``, else of the last one."""
    for until, value in periods[:-1]:
        if until > time:
            return value
    return periods[-1][1]


def after(rates: Sequence[tuple[float, float]], time: float, minutes: float) -> float:
    """The time at which a clock that runs at the rates of the periods shows ``minutes`` more."""
    if not rates:
        return time + minutes
    for until, ratio in rates[:-1]:
        if until > time:
            passed = (until - time) * ratio
            if passed > minutes:
                return time + minutes / ratio
            minutes -= passed
            time = until
    return time + minutes / rates[-1][1] if rates[-1][1] > 0.0 else math.inf


@dataclass(eq=False)
class Lot:
    order: LotOrder
    number: int
    part: Part
    released: float
    position: int  # of its step in the route
    visits: int = 0
    time_word: int = 0
    rework_word: int = 0
    location: str | None = None
    status: str = "moving"
    queued: float = 0.0
    work_left: float = 0.0
    lenses: dict[int, Tool] = field(default_factory=dict)
    limits: dict[int, float] = field(default_factory=dict)  # from step -> deadline of its end

    @property
    def step(self) -> Step:
        return self.part.steps[self.position]


@dataclass(eq=False)
class Job:
    lots: list[Lot]
    end: float
    delay_seen: float


@dataclass(eq=False)
class Clock:
    number: int
    calendar: Calendar
    first: float | Spread
    left: float = 0.0
    draws: int = 0


@dataclass(eq=False)
class Tool:
    group: Group
    number: int
    speed: float
    clocks: list[Clock] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)
    setup: str = ""
    run_left: int = 0
    down: bool = False
    away: bool = False
    backlog: float = 0.0
    up_at: float = 0.0
    delay: float = 0.0
    front_free: float = 0.0
    began: float = 0.0
    fronts: int = 0  # lots taken; the last one's event counts
    busy_end: float = 0.0
    busy: float = 0.0
    repair: float = 0.0
    maintenance: float = 0.0


@dataclass(eq=False)
class Group:
    data: LineToolGroup
    tools: list[Tool] = field(default_factory=list)
    queue: list[Lot] = field(default_factory=list)
    ready: list[Tool] = field(default_factory=list)
    started: int = 0
    waited: float = 0.0


def numbered_clocks(
    calendars: Iterable[Calendar], groups: Mapping[str, Group]
) -> Iterator[tuple[Clock, Tool]]:
    """The clocks in order: those by pieces first, then tool by tool, calendar by calendar."""
    rows = []
    for rank, calendar in enumerate(calendars):
        tools = groups[calendar.group].tools
        if calendar.tools is not None:
            tools = tools[calendar.tools[0] : calendar.tools[1]]
        for k, tool in enumerate(tools, start=1):
            first: float | Spread = calendar.first
            share = k / len(tools)
            if calendar.kind == "pieces":
                first = calendar.first.mean * share
            elif calendar.kind == "calendar":
                first = calendar.first.scaled(share)
            rows.append((calendar.kind != "pieces", tool.number, rank, calendar, first, tool))
    rows.sort(key=lambda row: row[:3])
    for number, (_, _, _, calendar, first, tool) in enumerate(rows):
        yield Clock(number, calendar, first), tool
