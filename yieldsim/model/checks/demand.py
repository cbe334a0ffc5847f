"""Cross-checks of orders; see `check`."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import TypeVar

from yieldsim.errors import ModelError
from yieldsim.model.checks.names import ordered_products
from yieldsim.model.schema import Model
from yieldsim.model.schema.calendar import quarter_index
from yieldsim.model.schema.demand import Order

Item = TypeVar("Item")
# the exact rule of sharing looks at every set of them (see `yieldsim.supply.orders.sharing`)
MOST_OVERLAPPING = 10


def check_demand(model: Model) -> None:
    """Run every rule. Raises ModelError for the first that does not hold."""
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
    for one in order.products:
        if ordered_products(model, order.model_copy(update={"products": (one,)})):
            continue
        others = [name for name in model.products if fnmatchcase(name, one)]
        if others:
            problem, allowed = "matches no AI product", f"others by name: {', '.join(others)}"
        else:
            problem = "matches no product"
        raise ModelError(f"{where}.products", problem, got=one, allowed=allowed)


def _check_dates(model: Model, where: str, order: Order) -> None:
    start = model.simulation.start
    if quarter_index(order.placed) < quarter_index(start):
        problem = "must not be before simulation.start"
        raise ModelError(f"{where}.placed", problem, got=order.placed, allowed=f"{start} or later")
    if order.due is not None and quarter_index(order.due) < quarter_index(order.placed):
        problem, allowed = "must not be before placed", f"{order.placed} or later"
        raise ModelError(f"{where}.due", problem, got=order.due, allowed=allowed)


def _check_overlaps(model: Model) -> None:
    """Orders of one tier that share products must not want too many different sets of them.

    An order with a share of its own counts by itself: others for the same products are one wish.
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


def overlapping(sets: Sequence[frozenset[Item]]) -> list[list[int]]:
    """Places of the sets in groups that share no element with one another, each group rising."""
    groups: list[list[int]] = []
    for place, one in enumerate(sets):
        joined = [group for group in groups if any(one & sets[other] for other in group)]
        groups = [group for group in groups if group not in joined]
        groups.append([*sorted(other for group in joined for other in group), place])
    return groups
