"""Who takes part in the plans of a model, and the arrays that a planner works on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from yieldsim.supply.kernels.records import (
    AI_ENTRY,
    LANES,
    PERIODS,
    PHONE_ENTRY,
    AllocationEntry,
    DieDesign,
    OtherDie,
    Plan,
    Planning,
    ProductPlan,
    Records,
)

_INTEGERS = (
    "open_in",
    "open_now",
    "package_column",
    "wafer_column",
    "pool_used",
    "line_used",
    "die_used",
    "basic",
    "outside",
)


def planning_of(
    kinds: Sequence[str],
    tiers: np.ndarray,
    product: Records[ProductPlan],
    recipe: np.ndarray,
    die: Records[DieDesign],
    other: Records[OtherDie],
    entry: Records[AllocationEntry],
) -> Planning:
    """Return who takes part in plans; ``kinds`` are those of the products in their order.

    AI products and those that take dies of their designs are planned. The AI designs are all of
    their dies. Phone designs are the other designs of phone products.
    """
    designs = [_dies_of(product, other, i) for i in range(len(product))]
    ai = {d for own, kind in zip(designs, kinds, strict=True) if kind == "ai" for d in own}
    planned = [kind == "ai" or bool(ai & own) for own, kind in zip(designs, kinds, strict=True)]
    ai = {d for own, is_in in zip(designs, planned, strict=True) if is_in for d in own}
    phone = {
        int(product[i].die)
        for i, kind in enumerate(kinds)
        if kind == "phone" and product[i].die not in ai
    }
    role = [AI_ENTRY if d in ai else PHONE_ENTRY if d in phone else 0 for d in entry["die"]]
    takes = _takes(product, recipe, die)
    counted = _counted(planned, takes, product, die, other, phone)
    own_row = [
        int(planned[i] and bool(np.any(takes[i] < counted[product[i].die])))
        for i in range(len(product))
    ]
    return Planning(
        product=np.array(planned, np.int64),
        tier=np.searchsorted(tiers, np.arange(len(product)), side="right") - 1,
        takes=takes,
        own_row=np.array(own_row, np.int64),
        die=np.array([int(d in ai) for d in range(len(die))], np.int64),
        counted=counted,
        entry=np.array(role, np.int64),
    )


def _dies_of(product: Records[ProductPlan], other: Records[OtherDie], i: int) -> set[int]:
    others = other["die"][other["product"] == i]
    return {int(product[i].die), *map(int, others)}


def _takes(
    product: Records[ProductPlan], recipe: np.ndarray, die: Records[DieDesign]
) -> np.ndarray:
    """Return 1 for each product and bin that it can take dies of."""
    takes = np.zeros((len(product), recipe.shape[2] - 1), np.int64)
    for i in range(len(product)):
        bins = int(die[product[i].die].bins)
        if product[i].random_pairing == 1:
            takes[i, :bins] = 1
        else:
            takes[i] = np.any(recipe[i, : product[i].recipes, :-1] > 0, axis=0)
    return takes


def _counted(
    planned: list[bool],
    takes: np.ndarray,
    product: Records[ProductPlan],
    die: Records[DieDesign],
    other: Records[OtherDie],
    phone: set[int],
) -> np.ndarray:
    """Return 1 for each design and bin whose dies plans count."""
    counted = np.zeros((len(die), takes.shape[1]), np.int64)
    for i, is_in in enumerate(planned):
        if is_in:
            counted[product[i].die] |= takes[i]
    for d in {*map(int, other["die"]), *phone}:
        counted[d, : int(die[d].bins)] = 1
    return counted


def new_plan(
    routes: int, entries: int, dies: int, bins: int, pools: int, lines: int, ranks: tuple[int, int]
) -> Plan:
    """Return the arrays of a plan; ``ranks`` are the numbers of products and ranks of memory."""
    products, choices = ranks
    columns = PERIODS * (products * choices + entries)
    rows = PERIODS * (2 * products + lines + pools + dies + routes) + dies
    shapes = {
        "entry": (entries, LANES),
        "kept": (entries, LANES),
        "packages": (products, choices, LANES),
        "edge": (PERIODS + 1,),
        "cycle": (routes,),
        "started_part": (routes,),
        "wafers": (PERIODS, routes),
        "wafers_now": (routes,),
        "tested": (entries, bins + 1),
        "open_in": (PERIODS, entries),
        "open_now": (entries,),
        "dies": (PERIODS, dies, bins),
        "stacks": (PERIODS, pools),
        "capacity": (PERIODS, lines),
        "wanted": (PERIODS, products),
        "value": (products,),
        "bins": (bins,),
        "package_column": (PERIODS, products, choices),
        "wafer_column": (PERIODS, entries),
        "pool_used": (pools,),
        "line_used": (lines,),
        "die_used": (dies,),
        "table": ((rows + 1) * (columns + 1),),
        "basic": (rows,),
        "outside": (columns,),
        "chosen": (columns,),
    }
    arrays: dict[str, Any] = {
        name: np.zeros(shapes[name], np.int64 if name in _INTEGERS else np.float64)
        for name in Plan._fields
    }
    return Plan(**arrays)
