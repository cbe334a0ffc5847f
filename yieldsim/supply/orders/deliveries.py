"""Orders are filled quarter by quarter from the usable chips of their products.

In a quarter an order needs what it still lacks and may get no more than its ``share`` of the usable
chips of its products. Claiming orders are served tier by tier, lower first, each tier from what
the earlier ones left, shared as `sharing` says; what is left at the end is unclaimed. A yardstick
(an order that does not claim) is measured against all usable chips, as if it were alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from yieldsim.supply.orders.sharing import share_out


class OrderPlan(NamedTuple):
    """What does not change between realizations: places of products, and when an order counts."""

    name: str
    products: tuple[int, ...]
    placed: int  # place of the quarter; at or beyond the last it takes nothing
    tier: int
    claims: bool
    has_share: bool  # may get less than all chips of a quarter: counted by itself


class Deliveries(NamedTuple):
    """Chips (realization, quarter, order), and those that no order claimed, by product."""

    size: np.ndarray
    delivered: np.ndarray
    backlog: np.ndarray
    unclaimed: np.ndarray


def deliver(
    orders: Sequence[OrderPlan], size: np.ndarray, share: np.ndarray, usable: np.ndarray
) -> Deliveries:
    """Fill the orders.

    ``size`` and ``share`` are (realization, order), ``usable`` (realization, quarter, product),
    all >= 0 and share <= 1. Sizes count from the quarter in which an order is placed; the backlog
    is that at the end of each quarter.
    """
    rows, quarters, _ = usable.shape
    shape = (rows, quarters, len(orders))
    placed, delivered, backlog = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    unclaimed = np.empty_like(usable)
    lacking = np.zeros((rows, len(orders)))
    # by name: sums do not depend on the order in which a file lists them
    places = sorted(range(len(orders)), key=lambda place: orders[place].name)
    tiers = sorted({one.tier for one in orders if one.claims})
    for quarter in range(quarters):
        for place, one in enumerate(orders):
            if one.placed == quarter:
                lacking[:, place] = size[:, place]
            if one.placed <= quarter:
                placed[:, quarter, place] = size[:, place]
        left = usable[:, quarter].copy()
        cap = share * _chips(orders, left)
        got = delivered[:, quarter]
        for place, one in enumerate(orders):
            if not one.claims:
                got[:, place] = np.minimum(lacking[:, place], cap[:, place])
        for tier in tiers:
            mine = [place for place in places if _is_open(orders[place], tier, quarter)]
            _serve_tier(orders, mine, lacking, cap, left, got)
        lacking = np.maximum(lacking - got, 0.0)
        backlog[:, quarter], unclaimed[:, quarter] = lacking, left
    return Deliveries(placed, delivered, backlog, unclaimed)


def _is_open(order: OrderPlan, tier: int, quarter: int) -> bool:
    """Whether an order takes part in a tier's sharing in a quarter, in whatever realization.

    One that is filled stays: what others get must not depend on the other realizations.
    """
    return order.claims and order.tier == tier and order.placed <= quarter


def _chips(orders: Sequence[OrderPlan], usable: np.ndarray) -> np.ndarray:
    """(realization, order) usable chips of all products of each order."""
    chips = np.zeros((len(usable), len(orders)))
    for place, one in enumerate(orders):
        for product in one.products:  # one by one: the same bits for any number of realizations
            chips[:, place] += usable[:, product]
    return chips


def _serve_tier(
    orders: Sequence[OrderPlan],
    mine: Sequence[int],
    lacking: np.ndarray,
    cap: np.ndarray,
    left: np.ndarray,
    got: np.ndarray,
) -> None:
    """Serve the orders ``mine`` from ``left``, which shrinks; ``got`` receives their chips."""
    wishes = _wishes(orders, mine)
    need = np.zeros((len(left), len(wishes)))
    most = np.full_like(need, np.inf)
    for wish, several in enumerate(wishes):
        for place in several:
            need[:, wish] += lacking[:, place]
        if orders[several[0]].has_share:
            most[:, wish] = cap[:, several[0]]
    given, taken = share_out(need, most, left, [frozenset(orders[w[0]].products) for w in wishes])
    for wish, several in enumerate(wishes):
        with np.errstate(divide="ignore", invalid="ignore"):
            met = np.where(need[:, wish] > 0.0, given[:, wish] / need[:, wish], 0.0)
        for place in several:
            got[:, place] = lacking[:, place] * met
    left *= 1.0 - taken


def _wishes(orders: Sequence[OrderPlan], mine: Sequence[int]) -> list[list[int]]:
    """Orders for the same products are one wish, but those with a share of their own."""
    found: dict[tuple[tuple[int, ...], str], list[int]] = {}
    for place in mine:
        one = orders[place]
        found.setdefault((one.products, one.name if one.has_share else ""), []).append(place)
    return [found[key] for key in sorted(found)]
