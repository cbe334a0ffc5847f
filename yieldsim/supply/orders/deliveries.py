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


class _Wishes(NamedTuple):
    """What the orders of a tier wish: all that want the same products together, or one by itself.

    An order with a share is by itself. ``places`` are the orders, and ``of`` the wish of each.
    """

    places: list[int]
    of: list[int]
    first: list[int]  # an order of each wish
    further: list[tuple[int, int]]  # each other order: its wish and its place
    has_share: np.ndarray  # bool, of each wish
    products: tuple[frozenset[int], ...]


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
    delivered, backlog, unclaimed = np.zeros(shape), np.zeros(shape), np.empty_like(usable)
    begin = np.array([order.placed for order in orders], dtype=np.int64)
    placed = np.where(np.arange(quarters)[:, None] >= begin, size[:, None], 0.0)
    caps = share[:, None] * _chips(orders, usable)
    yardsticks = [place for place, order in enumerate(orders) if not order.claims]
    # sorted by name: sums do not depend on the order of the file
    places = sorted(range(len(orders)), key=lambda place: orders[place].name)
    tiers = sorted({order.tier for order in orders if order.claims})
    wishes_of: dict[tuple[int, ...], _Wishes] = {}  # of the orders open in a tier
    lacking = np.zeros((rows, len(orders)))
    for quarter in range(quarters):
        lacking = np.where(begin == quarter, size, lacking)
        left, cap, got = usable[:, quarter].copy(), caps[:, quarter], delivered[:, quarter]
        got[:, yardsticks] = np.minimum(lacking, cap)[:, yardsticks]
        for tier in tiers:
            mine = tuple(place for place in places if _is_open(orders[place], tier, quarter))
            if mine not in wishes_of:
                wishes_of[mine] = _wishes(orders, mine)
            _serve(wishes_of[mine], lacking, cap, left, got)
        lacking = np.maximum(lacking - got, 0.0)
        backlog[:, quarter], unclaimed[:, quarter] = lacking, left
    return Deliveries(placed, delivered, backlog, unclaimed)


def _is_open(order: OrderPlan, tier: int, quarter: int) -> bool:
    """Return whether an order takes part in a tier in a quarter, the same in all realizations.

    A filled order stays in, so that a realization does not depend on the others.
    """
    return order.claims and order.tier == tier and order.placed <= quarter


def _chips(orders: Sequence[OrderPlan], usable: np.ndarray) -> np.ndarray:
    """Return the usable chips of all products of each order, (realization, quarter, order)."""
    chips = np.zeros((*usable.shape[:2], len(orders)))
    for place, order in enumerate(orders):
        for product in order.products:  # in a loop: the same bits for any number of realizations
            chips[..., place] += usable[..., product]
    return chips


def _serve(
    wishes: _Wishes, lacking: np.ndarray, cap: np.ndarray, left: np.ndarray, got: np.ndarray
) -> None:
    """Serve orders by their wishes from ``left``, which shrinks; ``got`` receives their chips."""
    need = lacking[:, wishes.first]
    for wish, place in wishes.further:
        need[:, wish] += lacking[:, place]
    most = np.where(wishes.has_share, cap[:, wishes.first], np.inf)
    given, taken = share_out(need, most, left, wishes.products)
    met = np.divide(given, need, out=np.zeros_like(need), where=need > 0.0)
    got[:, wishes.places] = lacking[:, wishes.places] * met[:, wishes.of]
    left *= 1.0 - taken


def _wishes(orders: Sequence[OrderPlan], mine: Sequence[int]) -> _Wishes:
    """Return the wishes of some orders."""
    together: dict[tuple[tuple[int, ...], str], list[int]] = {}
    for place in mine:
        order = orders[place]
        own = order.name if order.has_share else ""
        together.setdefault((order.products, own), []).append(place)
    members = [together[key] for key in sorted(together)]
    pairs = [(wish, place) for wish, own in enumerate(members) for place in own]
    first = [own[0] for own in members]
    return _Wishes(
        places=[place for _, place in pairs],
        of=[wish for wish, _ in pairs],
        first=first,
        further=[(wish, place) for wish, place in pairs if place != first[wish]],
        has_share=np.array([orders[place].has_share for place in first], dtype=bool),
        products=tuple(frozenset(orders[place].products) for place in first),
    )
