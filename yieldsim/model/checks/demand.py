"""Cross-checks of orders."""

from __future__ import annotations

from fnmatch import fnmatchcase

from yieldsim.errors import ModelError
from yieldsim.model.references import ordered_products, overlapping
from yieldsim.model.schema import Model, Order
from yieldsim.model.schema.calendar import quarter_index

# the exact rule of sharing goes through every set of them (see `yieldsim.supply.orders.sharing`)
MOST_OVERLAPPING = 10


def check_demand(model: Model) -> None:
    """Raise ModelError for the first rule that fails."""
    for name, order in model.orders.items():
        where = f"orders.{name}"
        _check_products(model, where, order)
        _check_dates(model, where, order)
    _check_overlaps(model)


def _check_products(model: Model, where: str, order: Order) -> None:
    allowed = f"names or patterns of {', '.join(model.products)}"
    if not order.products:
        problem = "needs at least one product, got none"
        raise ModelError(f"{where}.products", problem, allowed=allowed)
    for pattern in order.products:
        if ordered_products(model, order.model_copy(update={"products": (pattern,)})):
            continue
        others = [name for name in model.products if fnmatchcase(name, pattern)]
        problem = "matches no AI product" if others else "matches no product"
        if others:
            allowed = f"products of other kinds by their full names: {', '.join(others)}"
        raise ModelError(f"{where}.products", problem, got=pattern, allowed=allowed)


def _check_dates(model: Model, where: str, order: Order) -> None:
    start = model.simulation.start
    if quarter_index(order.placed) < quarter_index(start):
        problem = "must not be before simulation.start"
        raise ModelError(f"{where}.placed", problem, got=order.placed, allowed=f"{start} or later")
    if order.due is not None and quarter_index(order.due) < quarter_index(order.placed):
        problem, allowed = "must not be before placed", f"{order.placed} or later"
        raise ModelError(f"{where}.due", problem, got=order.due, allowed=allowed)


def _check_overlaps(model: Model) -> None:
    """Bound the different sets of products among overlapping orders of one tier.

    Orders for the same products count once, but an order with a ``share`` counts by itself.
    """
    claiming = {name: order for name, order in model.orders.items() if order.claims}
    for tier in sorted({order.tier for order in claiming.values()}):
        wishes: dict[tuple[frozenset[str], str], str] = {}
        for name, order in claiming.items():
            if order.tier == tier:
                own = "" if order.share is None else name
                wishes.setdefault((frozenset(ordered_products(model, order)), own), name)
        names = list(wishes.values())
        for group in overlapping([wanted for wanted, _ in wishes]):
            if len(group) > MOST_OVERLAPPING:
                raise ModelError(
                    f"orders.{names[group[MOST_OVERLAPPING]]}.products",
                    f"too many different sets of products overlap in tier {tier}",
                    got=len(group),
                    allowed=f"at most {MOST_OVERLAPPING}; use another tier",
                )
