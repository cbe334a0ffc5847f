"""What the names in a model refer to: products of an order, tool groups of a process, and so on."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import TypeVar

from yieldsim.model.schema import Model, Order, Process, Product
from yieldsim.model.schema.quantity import Quantity
from yieldsim.model.schema.schedule import Schedule
from yieldsim.units import conversion_factor

Item = TypeVar("Item")


def reach(model: Model, item: Quantity, unit: str) -> tuple[float, float]:
    """Lowest and highest draw of a quantity in ``unit``, the unit of its field.

    A reference is followed; its target must exist and have a unit of the same dimension.
    """
    if item.ref is None:
        return item.support()
    target = model.shared[item.ref]
    low, high = target.raw_support()
    factor = conversion_factor(target.unit or "1", unit)
    return low * factor, high * factor


def largest_multiple(model: Model, item: Schedule) -> float:
    """The largest number by which the points of a series are multiplied: its scale and factors."""
    largest = 1.0 if item.scale is None else reach(model, item.scale, "1")[1]
    for name in item.factors:
        factor = model.factors[name]
        largest *= factor.extremes()[1] * factor.factor * largest_multiple(model, factor)
    return largest


def visited_groups(model: Model, process: Process) -> tuple[str, ...]:
    """Every tool group that a process visits, in the order of the model's tool groups.

    Visits come from the process itself, from its layers and from how these are patterned.
    """
    visited = set(process.visits)
    for layer in process.layers.values():
        visited.update(layer.visits)
        if layer.exposure is not None:
            visited.add(layer.exposure)
        if layer.patterning in model.patterning:
            visited.update(model.patterning[layer.patterning].visits)
    return tuple(group for group in model.tool_groups if group in visited)


def memory_pools(model: Model, product: Product) -> list[str]:
    """The pools that a product takes stacks from, preferred ones first.

    The name of a generation stands for all pools of that generation.
    """
    pools: list[str] = []
    for name in product.memory:
        if name in model.memory:
            pools.append(name)
        else:
            pools += [key for key, pool in model.memory.items() if pool.generation == name]
    return pools


def ordered_products(model: Model, order: Order) -> list[str]:
    """The products that an order may take, in the order of the model.

    A pattern matches AI products only; a product of another kind must be named in full.
    """
    return [
        name
        for name, product in model.products.items()
        if name in order.products
        or (product.kind == "ai" and any(fnmatchcase(name, p) for p in order.products))
    ]


def overlapping(sets: Sequence[frozenset[Item]]) -> list[list[int]]:
    """Indices of the sets in groups that have no element in common, each group ascending."""
    groups: list[list[int]] = []
    for index, members in enumerate(sets):
        joined = [group for group in groups if any(members & sets[other] for other in group)]
        groups = [group for group in groups if group not in joined]
        groups.append([*sorted(other for group in joined for other in group), index])
    return groups


def ai_designs(model: Model) -> frozenset[str]:
    """The dies that AI products use, their I/O dies and the like included."""
    products = [product for product in model.products.values() if product.kind == "ai"]
    return frozenset(die for own in products for die in (own.die, *own.other_dies))
