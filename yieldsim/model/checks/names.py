"""Following names through a model: what exists, and what a reference can reach."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from yieldsim.errors import ModelError
from yieldsim.model.schema import Model
from yieldsim.model.schema.demand import Order
from yieldsim.model.schema.quantity import Quantity
from yieldsim.units import conversion_factor


def known(where: str, name: str, names: Iterable[str], what: str) -> None:
    """Raise ModelError unless ``name`` is one of ``names``."""
    if name not in names:
        allowed = ", ".join(names) or f"none: the model has no {what}"
        raise ModelError(where, f"unknown {what}", got=name, allowed=allowed)


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


def ordered_products(model: Model, order: Order) -> list[str]:
    """The products that an order may take, in the order of the model.

    A pattern stands for AI products alone; a product of another kind is taken only by its name.
    """
    return [
        name
        for name, product in model.products.items()
        if name in order.products
        or (product.kind == "ai" and any(fnmatchcase(name, one) for one in order.products))
    ]
