"""Deliveries to orders, quarter by quarter, from the usable chips of their products.

In a quarter an order needs the chips that it still lacks. It gets at most its ``share`` of the
usable chips of its products. Orders that claim chips are served by tier, the lowest first. Each
tier shares what earlier tiers left (see `sharing`). Chips left after the last tier are unclaimed.
An order that does not claim is a yardstick: it is measured against all usable chips, as if alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from yieldsim.supply.orders.sharing import share_out


class OrderPlan(NamedTuple):
    """An order, the same in all realizations; products and quarters are indices."""

    name: str
    products: tuple[int, ...]
    placed: int  # quarter; an order placed at or after the end takes nothing
    tier: int
    claims: bool
    has_share: bool  # its share may cap its chips, so it is a wish of its own


class Deliveries(NamedTuple):
    """Chips (realization, quarter, order), and unclaimed chips (realization, quarter, product)."""

    size: np.ndarray
    delivered: np.ndarray
    backlog: np.ndarray
    unclaimed: np.ndarray


def deliver(
    orders: Sequence[OrderPlan], size: np.ndarray, share: np.ndarray, usable: np.ndarray
) -> Deliveries:
    """Return the deliveries to orders.

    ``size`` and ``share`` are (realization, order), ``usable`` (realization, quarter, product),
    all >= 0 and share <= 1. The size counts from the quarter in which an order is placed. The
    backlog is that at the end of each quarter.
    """
    rows, quarters, _ = usable.shape
    shape = (rows, quarters, len(orders))
    placed, delivered, backlog = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    unclaimed = np.empty_like(usable)
    lacking = np.zeros((rows, len(orders)))
    # sorted by name: sums do not depend on the order of the file
    places = sorted(range(len(orders)), key=lambda place: orders[place].name)
    tiers = sorted({order.tier for order in orders if order.claims})
    wishes_of: dict[tuple[int, ...], list[list[int]]] = {}  # of the orders open in a tier
    for quarter in range(quarters):
        for place, order in enumerate(orders):
            if order.placed == quarter:
                lacking[:, place] = size[:, place]
            if order.placed <= quarter:
                placed[:, quarter, place] = size[:, place]
        left = usable[:, quarter].copy()
        cap = share * _chips(orders, left)
        got = delivered[:, quarter]
        for place, order in enumerate(orders):
            if not order.claims:
                got[:, place] = np.minimum(lacking[:, place], cap[:, place])
        for tier in tiers:
            mine = tuple(place for place in places if _is_open(orders[place], tier, quarter))
            if mine not in wishes_of:
                wishes_of[mine] = _wishes(orders, mine)
            _serve_tier(orders, wishes_of[mine], lacking, cap, left, got)
        lacking = np.maximum(lacking - got, 0.0)
        backlog[:, quarter], unclaimed[:, quarter] = lacking, left
    return Deliveries(placed, delivered, backlog, unclaimed)


def _is_open(order: OrderPlan, tier: int, quarter: int) -> bool:
    """Return whether an order takes part in a tier in a quarter, the same in all realizations.

    A filled order stays in, so that a realization does not depend on the others.
    """
    return order.claims and order.tier == tier and order.placed <= quarter


def _chips(orders: Sequence[OrderPlan], usable: np.ndarray) -> np.ndarray:
    """Return the usable chips of all products of each order, (realization, order)."""
    chips = np.zeros((len(usable), len(orders)))
    for place, order in enumerate(orders):
        for product in order.products:  # in a loop: the same bits for any number of realizations
            chips[:, place] += usable[:, product]
    return chips


def _serve_tier(
    orders: Sequence[OrderPlan],
    wishes: Sequence[Sequence[int]],
    lacking: np.ndarray,
    cap: np.ndarray,
    left: np.ndarray,
    got: np.ndarray,
) -> None:
    """Serve orders by their wishes from ``left``, which shrinks; ``got`` receives their chips."""
    need = np.zeros((len(left), len(wishes)))
    most = np.full_like(need, np.inf)
    for wish, members in enumerate(wishes):
        for place in members:
            need[:, wish] += lacking[:, place]
        if orders[members[0]].has_share:
            most[:, wish] = cap[:, members[0]]
    given, taken = share_out(need, most, left, [frozenset(orders[w[0]].products) for w in wishes])
    for wish, members in enumerate(wishes):
        with np.errstate(divide="ignore", invalid="ignore"):
            met = np.where(need[:, wish] > 0.0, given[:, wish] / need[:, wish], 0.0)
        for place in members:
            got[:, place] = lacking[:, place] * met
    left *= 1.0 - taken


def _wishes(orders: Sequence[OrderPlan], mine: Sequence[int]) -> list[list[int]]:
    """Return the orders of each wish: all for the same products, or one order with a share."""
    wishes: dict[tuple[tuple[int, ...], str], list[int]] = {}
    for place in mine:
        order = orders[place]
        wishes.setdefault((order.products, order.name if order.has_share else ""), []).append(place)
    return [wishes[key] for key in sorted(wishes)]
