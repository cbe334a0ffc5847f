"""Tools, processes and the fabs that run them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from yieldsim.model.schema.calendar import Quarter
from yieldsim.model.schema.fields import Entity, fraction, parameter
from yieldsim.model.schema.layers import Layer
from yieldsim.model.schema.quantity import Quantity
from yieldsim.model.schema.schedule import Schedule

OTHER = "other"  # in an allocation: designs outside the model
AI = "ai"  # in an allocation: all designs of AI products on a line


class WaferShare(Schedule):
    """The wafers of a design on a line: a weight, or with `share_of` a share of a group's wafers.

    ``share_of = "ai"`` is the share of the wafers that the line gives to AI designs. The other AI
    designs divide the rest of them by their weights, and all weights keep their ratios.
    """

    share_of: Literal["ai"] | None = None

    def describe_use(self) -> str:
        """What the values are beside the points as written, in words; empty for weights."""
        share = "" if self.share_of is None else f" of the wafers of {self.share_of} designs"
        return share + super().describe_use()


class ToolClass(Entity):
    """One class (imported or domestic) of a tool group.

    Time by SEMI E10: total time less non-scheduled time less scheduled downtime is the time to
    which MTTF (uptime between failures) and MTTR apply. A share of uptime goes to engineering.
    """

    wafers_per_hour: Quantity = parameter(
        "wafer/hour", "-utilization", "rated throughput in production", above=True
    )
    performance: Quantity = fraction(
        "-utilization", "share of the rated rate reached in production", above=True, neutral=1.0
    )
    mttf_hours: Quantity = parameter("hour", "-utilization", "mean time to failure", above=True)
    mttr_hours: Quantity = parameter("hour", "+utilization", "mean time to repair", above=True)
    repair_cv2: Quantity = parameter(
        "1",
        "+cycle_time_days",
        "squared coefficient of variation of repair times (1: exponential)",
        maximum=3.0,  # above it the gamma inverse loses the mean
        neutral=1.0,
    )
    pm_fraction: Quantity = fraction(
        "+utilization", "scheduled downtime, share of scheduled time", maximum=0.9, neutral=0.0
    )
    engineering_fraction: Quantity = fraction(
        "+utilization", "engineering time, share of uptime", maximum=0.9, neutral=0.0
    )
    nonscheduled_fraction: Quantity = fraction(
        "+utilization", "non-scheduled time, share of total time", maximum=0.9, neutral=0.0
    )
    defect_adder: Quantity = parameter(
        "1", "+d0_per_cm2", "killer defects added per pass when mature, imported = 1", neutral=1.0
    )
    overlay_sigma_nm: Quantity = parameter(
        "nm",
        "-good_dies",
        "overlay error along an axis, one standard deviation (lithography groups)",
        neutral=0.0,
    )
    initial_adder_ratio: Quantity = parameter(
        "1",
        "+d0_per_cm2",
        "defect adder of new tools over that of mature ones",
        minimum=1.0,
        neutral=1.0,
    )
    initial_mttf_ratio: Quantity = fraction(
        "-utilization", "MTTF of new tools over that of mature ones", above=True, neutral=1.0
    )
    maturity_kpasses: Quantity = parameter(
        "1",
        "+d0_per_cm2",
        "thousand passes of a fab's fleet after which 63 % of the gap is closed",
        above=True,
        neutral=1.0,
    )


class ToolGroup(Entity):
    """Tools that do the same process steps.

    A group of control steps gives way under load: where the plan asks for more passes than it can
    make, fewer wafers make them, down to ``sampling_floor``. Where a share k of the passes is kept,
    the density is 1 + ``skipped_adder`` (1 - k) times as high, and an excursion lasts 1/k times as
    long.
    """

    title: str = ""
    defect_weight: Quantity = parameter(
        "1", "~d0_per_cm2", "share of the mature defect density that the group adds"
    )
    service_cv2: Quantity = parameter(
        "1",
        "+cycle_time_days",
        "squared coefficient of variation of process time without failures",
        neutral=1.0,
    )
    sampling_floor: Quantity = fraction(
        "+sampling_kept",
        "least share of the planned passes that a line makes when the group is short",
        above=True,
        neutral=1.0,
    )
    skipped_adder: Quantity = parameter(
        "1",
        "+d0_per_cm2",
        "rise of the defect density if no planned pass is made",
        neutral=0.0,
    )
    imported: ToolClass | None = None
    domestic: ToolClass | None = None


class ExponentialLearning(Entity):
    """Density over mature density = 1 + (start_ratio - 1) exp(-(t - start) / tau)."""

    kind: Literal["exponential"]
    start: Quarter
    start_ratio: Quantity = parameter(
        "1", "+d0_per_cm2", "density over mature density at the start", minimum=1.0
    )
    tau_quarters: Quantity = parameter(
        "quarter", "+d0_per_cm2", "time in which the excess over 1 falls by 63 %", above=True
    )


class PowerLearning(Entity):
    """Density over mature density = 1 + (start_ratio - 1) (1 + wafers / reference)^-exponent."""

    kind: Literal["power"]
    start_ratio: Quantity = parameter(
        "1", "+d0_per_cm2", "density over mature density before the first wafer", minimum=1.0
    )
    reference_wafers: Quantity = parameter(
        "wafer",
        "+d0_per_cm2",
        "cumulative wafers at which 2^-exponent of the excess is left",
        above=True,
    )
    exponent: Quantity = parameter("1", "-d0_per_cm2", "learning exponent")


Learning = Annotated[ExponentialLearning | PowerLearning, Field(discriminator="kind")]


class Process(Entity):
    """A technology: the passes of a wafer, its layers, and its yield."""

    title: str = ""
    d0_mature_per_cm2: Quantity = parameter(
        "1/cm2", "+d0_per_cm2", "killer defect density of the mature process, all tools imported"
    )
    alpha: Quantity = parameter(
        "1", "~good_dies", "clustering of the negative binomial (Stapper 1989)", above=True
    )
    cluster_wafers: Quantity = parameter(
        "wafer",
        "~good_dies",
        "wafers that share one clustered density (25 = a lot)",
        above=True,
        neutral=25.0,
    )
    learning: Learning | None = None
    raw_process_days: Quantity = parameter(
        "day", "+cycle_time_days", "raw process time: what tools take for a lot", neutral=0.0
    )
    transport_ratio: Quantity = parameter(
        "1", "+cycle_time_days", "transport and storage, over raw process time", neutral=0.0
    )
    batch_ratio: Quantity = parameter(
        "1",
        "+cycle_time_days",
        "waits for batches, set-ups and lots of a carrier, over raw process time",
        neutral=0.0,
    )
    hold_ratio: Quantity = parameter(
        "1",
        "+cycle_time_days",
        "holds for engineering and for results of metrology, over raw process time",
        neutral=0.0,
    )
    line_yield: Quantity = fraction(
        "-wafers_scrapped", "share of wafers that reach the end of the line", neutral=1.0
    )
    engineering_fraction: Quantity = fraction(
        "-gross_dies", "share of wafers used for development and monitoring", neutral=0.0
    )
    rework: Quantity = parameter(
        "1", "+tool_load", "share of visits that are repeated", neutral=0.0
    )
    overlay_layers: Quantity = parameter(
        "layer", "-good_dies", "layers that must align along both axes", neutral=0.0
    )
    overlay_tolerance_nm: Quantity = parameter(
        "nm", "+good_dies", "overlay error along an axis that kills a die", above=True, neutral=1.0
    )
    systematic_yield: Quantity = fraction(
        "+good_dies", "share of dies that survive all other systematic losses", neutral=1.0
    )
    visits: dict[str, Quantity] = parameter(
        "pass/wafer",
        "+tool_load",
        "passes through each tool group, spread evenly over the route",
        default={},
    )
    layers: dict[str, Layer] = {}
    sampling: dict[str, Quantity] = fraction(
        "+tool_load", "share of wafers that make the passes of a tool group", default={}
    )


class Fleet(Entity):
    """The tools of one class in one group of a fab; counts round to whole tools."""

    count: Schedule = parameter("tool", "-utilization", "tools delivered so far")
    install_quarters: Quantity = parameter(
        "quarter",
        "+utilization",  # if the fleet grows
        "from delivery to the end of installation",
        neutral=0.0,
    )
    qualification_quarters: Quantity = parameter(
        "quarter", "+utilization", "from installation to production", neutral=0.0
    )
    retired: Schedule | None = parameter(
        "tool", "+utilization", "tools taken out of use so far", default=None
    )
    planned_use: Quantity = fraction(
        "+utilization",
        "use for which tools are bought: passes of the plan over those possible; then count is the"
        " most that can be had (0: all of them are bought)",
        neutral=0.0,
    )


class LineLearning(Entity):
    """How far a line has learnt a process when its first wafer starts.

    Its excess over the mature density is then (1 - s) (start_ratio - 1) + s E, where s is the
    transferred share and E the excess of the line ``copied_from`` at that date. From then on it
    falls by the process's law: with the time since the first wafer, or with the line's own wafers.
    """

    copied_from: str | None = None
    start_ratio: Quantity | None = parameter(
        "1",
        "+d0_per_cm2",
        "density over mature density of the first wafer if nothing is transferred"
        " (without it that of the process)",
        default=None,
        minimum=1.0,
    )
    transferred_share: Quantity = fraction(
        "-d0_per_cm2", "share of what the other line has learnt that is copied", neutral=0.0
    )


class RandomExcursions(Entity):
    """Excursions that arrive at random in a line and last until they are detected.

    Arrivals are Poisson, durations exponential. They are process noise: without it, every wafer has
    the mean density.
    """

    rate_per_quarter: Quantity = parameter("1/quarter", "+d0_per_cm2", "excursions a quarter")
    d0_ratio: Quantity = parameter("1", "+d0_per_cm2", "defect density over normal", minimum=1.0)
    detection_days: Quantity = parameter(
        "day", "+d0_per_cm2", "mean time to detection with all planned control steps"
    )


class Fab(Entity):
    """A production line: its planned starts, its tools, and the dies that get its wafers."""

    title: str = ""
    plan: dict[str, Schedule] = parameter(
        "wafer/month", "+wafer_plan", "planned wafer starts of each process"
    )
    allocation: dict[str, dict[str, WaferShare]] = parameter(
        "1", "+gross_dies", "weight of each die in the starts of each process, see `share_of`"
    )
    fleets: dict[str, dict[str, Fleet]] = {}
    learning: dict[str, LineLearning] = {}  # of lines that do not share their process's
    excursions: RandomExcursions | None = None
    # Larger lots lengthen the waits of every group, and so the cycle time where tools keep up with
    # the plan. Where they do not, the bottleneck sets the pace: longer waits before early passes
    # leave more of it to late ones, so a few more wafers leave, and sooner (1 to 3 %).
    lot_size_wafers: Quantity = parameter(
        "wafer", "+cycle_time_days", "wafers in a lot", above=True, neutral=25.0
    )
    arrival_cv2: Quantity = parameter(
        "1",
        "+cycle_time_days",
        "squared coefficient of variation of arrivals at a group",
        neutral=1.0,
    )
    wip_cap_ratio: Quantity = parameter(
        "1",
        "+wafer_starts",
        "WIP at which releases stop, over raw process time at the rate of plan and tools",
        above=True,
        neutral=4.0,  # assumption: lines run at two to three times the raw process time
    )
