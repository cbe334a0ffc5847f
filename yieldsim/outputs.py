"""The registry of the variables of an ensemble: dims, units, type and meaning.

It serves the simulation, the store, the analysis and the documentation. Every variable has the
leading dims ``scenario, realization, quarter``.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

LEADING = ("scenario", "realization", "quarter")
FLOW, STATE, LEVEL = "quarter: sum", "quarter: point", "quarter: mean"


@dataclass(frozen=True)
class Variable:
    """An output. ``dims`` follow the leading dims; ``units`` are in UDUNITS style."""

    name: str
    dims: tuple[str, ...]
    units: str
    cell_methods: str
    long_name: str
    dtype: str = "float32"
    on_request: bool = False  # kept only if a model names it


ROUTE = ("fab", "process")
FLEET = ("fab", "tool_group", "tool_class")
DETAIL: dict[str, Any] = {"on_request": True}
OUTPUTS: tuple[Variable, ...] = (
    Variable("wafer_plan", ROUTE, "wafer", FLOW, "planned wafer starts"),
    Variable("wafer_starts", ROUTE, "wafer", FLOW, "wafers started"),
    Variable("wafer_outs", ROUTE, "wafer", FLOW, "wafers out of the line, scrap included"),
    Variable("wafers_scrapped", ROUTE, "wafer", FLOW, "wafers scrapped in the line"),
    Variable("wafers_engineering", ROUTE, "wafer", FLOW, "wafers used for development"),
    Variable("wafers_other", ROUTE, "wafer", FLOW, "wafers of designs outside the model"),
    Variable("wafer_wip", ROUTE, "wafer", STATE, "wafers in the line at the end of the quarter"),
    Variable(
        "cycle_time_days",
        ROUTE,
        "day",
        LEVEL,
        "time in the line of the wafers that left it (if none left: at the current load)",
    ),
    Variable("x_factor", ROUTE, "1", LEVEL, "cycle time over raw process time"),
    Variable("d0_per_cm2", ROUTE, "cm-2", LEVEL, "killer defect density of the wafers started"),
    Variable("utilization", ("fab", "tool_group"), "1", LEVEL, "passes made over passes possible"),
    Variable(
        "tool_load", ("fab", "tool_group"), "pass", FLOW, "passes that the plan needs", **DETAIL
    ),
    Variable(
        "sampling_kept",
        ("fab", "tool_group"),
        "1",
        LEVEL,
        "share of the planned passes that are made: below 1 where control steps give way",
        **DETAIL,
    ),
    Variable("tools", FLEET, "tool", LEVEL, "tools in production", **DETAIL),
    Variable(
        "tool_availability", FLEET, "1", LEVEL, "share of total time up for production", **DETAIL
    ),
    Variable("tool_passes_possible", FLEET, "pass", FLOW, "passes that tools could make", **DETAIL),
    Variable("tool_passes", FLEET, "pass", FLOW, "passes made", **DETAIL),
    Variable("wafers_to_die", ("die",), "wafer", FLOW, "wafers of a design at wafer test"),
    Variable("gross_dies", ("die",), "die", FLOW, "dies on the wafers at wafer test"),
    Variable("good_dies", ("die", "bin"), "die", FLOW, "good dies that passed the wafer test"),
    Variable("bad_dies_passed", ("die",), "die", FLOW, "bad dies that passed the wafer test"),
    Variable("dies_scrapped", ("die",), "die", FLOW, "dies that failed the wafer test"),
    # losses of dies at wafer test, in this order: each of those that the ones before have left; the
    # dies that are left after all are good, or good ones that the test rejects
    Variable("dies_lost_systematic", ("die",), "die", FLOW, "dies lost to systematic yield"),
    Variable("dies_lost_overlay", ("die",), "die", FLOW, "dies lost to overlay errors"),
    Variable("dies_lost_random", ("die",), "die", FLOW, "dies lost to random defects"),
    Variable("dies_lost_parametric", ("die",), "die", FLOW, "dies lost to speed and leakage"),
    Variable("bank_dies", ("die",), "die", FLOW, "dies released from die banks"),
    Variable("dies_used", ("die",), "die", FLOW, "dies used in packages"),
    Variable("die_stock", ("die",), "die", STATE, "tested dies waiting for a package"),
    Variable("die_wafer_starts", ("die",), "wafer", FLOW, "wafers of a design started"),
    Variable("gross_dies_started", ("die",), "die", FLOW, "dies on the wafers started"),
    Variable("saleable_dies", ("die",), "die", FLOW, "dies started that will pass the wafer test"),
    Variable("stacks_in", ("memory",), "stack", FLOW, "memory stacks that arrived"),
    Variable("stacks_used", ("memory",), "stack", FLOW, "memory stacks used in packages"),
    Variable("stack_stock", ("memory",), "stack", STATE, "memory stacks waiting for a package"),
    Variable("packaging_capacity", ("packaging",), "wafer", FLOW, "interposer wafers possible"),
    Variable("packaging_used", ("packaging",), "wafer", FLOW, "interposer wafers used"),
    Variable("packages_started", ("product",), "package", FLOW, "packages started in assembly"),
    Variable(
        "packages_passed", ("product", "bin"), "package", FLOW, "packages that passed final test"
    ),
    Variable("packages_failed", ("product",), "package", FLOW, "packages lost in assembly or test"),
    Variable("packages_wip", ("product",), "package", STATE, "packages in assembly and test"),
    Variable(
        "usable_chips", ("product",), "chip", FLOW, "usable chips, net of samples and escapes"
    ),
    Variable(
        "binding", ("product",), "1", "quarter: mode", "constraint that held longest", "int16"
    ),
    Variable("h100_equivalents", ("product",), "H100", FLOW, "dense FP16 compute of usable chips"),
    Variable(
        "h100_equivalents_bandwidth", ("product",), "H100", FLOW, "memory bandwidth of usable chips"
    ),
)

# The sum over the products of kind ai in each realization: quantiles of products do not add up.
TOTAL_CHIPS = Variable("usable_chips_total", (), "chip", FLOW, "usable chips of all AI products")

# Variables of models with orders, imports or a market demand, computed after the kernels.
ORDER, IMPORT = ("order",), ("import_source",)
ORDER_OUTPUTS: tuple[Variable, ...] = (
    Variable("order_size", ORDER, "chip", STATE, "chips ordered, from the quarter of the order on"),
    Variable("order_delivered", ORDER, "chip", FLOW, "usable chips delivered to the order"),
    Variable("order_backlog", ORDER, "chip", STATE, "chips ordered and not yet delivered"),
    Variable("unclaimed_chips", ("product",), "chip", FLOW, "usable chips that no order claimed"),
)
IMPORT_OUTPUTS: tuple[Variable, ...] = (
    Variable("imports", IMPORT, "chip", FLOW, "chips imported"),
    Variable("imports_h100_equivalents", IMPORT, "H100", FLOW, "dense FP16 compute of imports"),
    Variable(
        "imports_h100_equivalents_bandwidth", IMPORT, "H100", FLOW, "memory bandwidth of imports"
    ),
)
_WITHOUT = "less usable domestic AI chips (negative: a surplus)"
_WITH = "less usable domestic AI chips and imports (negative: a surplus)"
DEMAND_OUTPUTS: tuple[Variable, ...] = (
    Variable("demand", (), "chip", FLOW, "AI chips wanted by the whole market"),
    Variable("gap_without_imports", (), "chip", FLOW, f"AI chips wanted {_WITHOUT}"),
    Variable("gap_with_imports", (), "chip", FLOW, f"AI chips wanted {_WITH}"),
    Variable("demand_h100_equivalents", (), "H100", FLOW, "dense FP16 compute wanted"),
    Variable(
        "gap_without_imports_h100_equivalents", (), "H100", FLOW, f"compute wanted {_WITHOUT}"
    ),
    Variable("gap_with_imports_h100_equivalents", (), "H100", FLOW, f"compute wanted {_WITH}"),
)

# Every variable that a store may hold.
EXTRA_OUTPUTS = (*ORDER_OUTPUTS, *IMPORT_OUTPUTS, *DEMAND_OUTPUTS)
ALL_OUTPUTS = (*OUTPUTS, TOTAL_CHIPS, *EXTRA_OUTPUTS)

# Every summary needs these, so they are always kept.
ALWAYS = ("packages_started", "usable_chips", "usable_chips_total", "binding")


def chosen_outputs(names: Collection[str], also: tuple[Variable, ...] = ()) -> tuple[Variable, ...]:
    """Return the variables that a run keeps: those in ``names`` and `ALWAYS`.

    Without names these are all variables but those on request. ``also`` are the model's variables
    of orders, imports and demand.
    """
    known = (*OUTPUTS, TOTAL_CHIPS, *also)
    named = {*names, *ALWAYS}
    return tuple(v for v in known if v.name in named or not (names or v.on_request))


# The constraints that can bind a product. Tool groups follow from TOOL_GROUP on, in model order.
CONSTRAINTS = (
    "not in production",
    "demand",
    "memory",
    "packaging",
    "defects",
    "wafer plan",
    "release rule",
    "accident",
    "die bank",
    "mix",
    "allocation",
)
NOT_IN_PRODUCTION, DEMAND, MEMORY, PACKAGING, DEFECTS, WAFER_PLAN = range(6)
# MIX: other products make more of the supply. ALLOCATION: wafers go to designs of no AI product
RELEASE, ACCIDENT, DIE_BANK, MIX, ALLOCATION = range(6, 11)
TOOL_GROUP = len(CONSTRAINTS)


def constraint_names(tool_groups: list[str]) -> list[str]:
    """Return the name of each value of ``binding``."""
    return [*CONSTRAINTS, *(f"tools: {group}" for group in tool_groups)]
