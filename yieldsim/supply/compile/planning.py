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
    Program,
    Records,
    Structure,
)

_INTEGERS = (
    "open_in",
    "open_now",
    "dies_from",
    "packages_from",
    "package_column",
    "wafer_column",
    "market_row",
    "line_row",
    "stack_row",
    "die_row",
    "own_row",
    "wafer_row",
    "ahead_row",
)
_INTEGERS_OF_PROGRAM = (
    "size",
    "column_end",
    "element_row",
    "row_end",
    "row_column",
    "basic",
    "home",
    "place",
    "slack",
    "touched",
    "crossed",
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
        own=np.flatnonzero(own_row).astype(np.int64),
        die=np.array([int(d in ai) for d in range(len(die))], np.int64),
        counted=counted,
        entry=np.array(role, np.int64),
        dies_each=_dies_each(planned, product, die, other),
    )


def _dies_each(
    planned: list[bool],
    product: Records[ProductPlan],
    die: Records[DieDesign],
    other: Records[OtherDie],
) -> np.ndarray:
    """Return the dies of each design in a package of each planned product."""
    each = np.zeros((len(product), len(die)))
    for i, is_in in enumerate(planned):
        if is_in:
            each[i, product[i].die] += product[i].dies_per_package
            np.add.at(
                each[i], other["die"][other["product"] == i], other["count"][other["product"] == i]
            )
    return each


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


def new_plan(structure: Structure, entries: int, bins: int, pools: int) -> Plan:
    """Return the arrays of a plan."""
    routes, dies, lines = len(structure.route), len(structure.die), len(structure.line)
    products, choices = structure.product_pool.shape
    shapes = {
        "entry": (entries, LANES),
        "kept": (entries, LANES),
        "packages": (products, choices, LANES),
        "edge": (PERIODS + 1, LANES),
        "lead": (LANES,),
        "cycle": (routes, LANES),
        "started_part": (routes, LANES),
        "wafers": (PERIODS, routes),
        "wafers_now": (routes,),
        "tried": (entries, bins, LANES),
        "tested": (entries, bins),
        "counted": (entries,),
        "share": (entries,),
        "open_in": (PERIODS, entries),
        "open_now": (entries,),
        "arriving": (PERIODS, dies, bins, LANES),
        "leaving": (LANES,),
        "tested_dies": (LANES,),
        "dies": (PERIODS, dies, bins),
        "stacks": (PERIODS, pools),
        "capacity": (PERIODS, lines),
        "wanted": (PERIODS, products),
        "value": (products,),
        "bins": (dies, bins),
        "later": (PERIODS,),
        "dies_from": (dies,),
        "packages_from": (products,),
        "pool_dies": (pools,),
        "package_column": (PERIODS, products, choices),
        "wafer_column": (PERIODS, entries),
        "market_row": (PERIODS, products),
        "line_row": (PERIODS, lines),
        "stack_row": (PERIODS, pools),
        "die_row": (PERIODS, dies),
        "own_row": (PERIODS, products),
        "wafer_row": (PERIODS, routes),
        "ahead_row": (dies,),
        "chosen": (PERIODS * (products * choices + entries),),
    }
    arrays: dict[str, Any] = {
        name: np.zeros(shape, np.int64 if name in _INTEGERS else np.float64)
        for name, shape in shapes.items()
    }
    rows = PERIODS * (2 * products + lines + pools + dies + routes) + dies
    columns = len(arrays["chosen"])
    elements = _most_elements(structure.planning, structure, lines, choices)
    return Plan(**arrays, program=new_program(rows, columns, elements))


def _most_elements(planning: Planning, structure: Structure, lines: int, choices: int) -> int:
    """Return the most elements that the program of a plan can have."""
    designs = np.count_nonzero(planning.dies_each, axis=1)
    a_package = 1 + lines + PERIODS * (1 + designs + planning.own_row)
    users = np.bincount(
        structure.product["die"], weights=planning.own_row, minlength=len(structure.die)
    )
    a_wafer = 2 + PERIODS * (1 + users[structure.entry["die"]])
    return PERIODS * int(choices * a_package.sum() + a_wafer.sum())


def new_program(rows: int, columns: int, elements: int) -> Program:
    """Return the arrays of a linear program, sized by its most rows, columns and elements."""
    kept = min(rows, columns)
    by_row = ("limit", "row_end", "basic", "home", "place", "entering", "touched")
    by_column = ("gain", "scale", "weight", "taken")
    lengths = dict.fromkeys(by_row, rows) | dict.fromkeys(by_column, columns)
    lengths |= dict.fromkeys(("element_row", "element", "row_column", "row_element"), elements)
    lengths |= dict.fromkeys(("slack", "slack_gain", "crossed", "part"), kept)
    lengths |= {"size": 3, "column_end": columns + 1, "inverse": kept * rows}
    arrays: dict[str, Any] = {
        name: np.zeros(length, np.int64 if name in _INTEGERS_OF_PROGRAM else np.float64)
        for name, length in lengths.items()
    }
    return Program(**arrays)
