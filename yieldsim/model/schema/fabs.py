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
        "overlay error, one standard deviation (lithography groups)",
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
    """Tools that do the same process steps."""

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
        "day", "+cycle_time_days", "raw process time of a lot", neutral=0.0
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
        "layer", "-good_dies", "layers on which overlay can kill a die", neutral=0.0
    )
    overlay_tolerance_nm: Quantity = parameter(
        "nm", "+good_dies", "overlay error that kills a die", above=True, neutral=1.0
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


class Fab(Entity):
    """A production line: its planned starts, its tools, and the dies that get its wafers."""

    title: str = ""
    plan: dict[str, Schedule] = parameter(
        "wafer/month", "+wafer_plan", "planned wafer starts of each process"
    )
    allocation: dict[str, dict[str, Schedule]] = parameter(
        "1", "+gross_dies", "weight of each die in the starts of each process"
    )
    fleets: dict[str, dict[str, Fleet]] = {}
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
