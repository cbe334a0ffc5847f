"""At which share of their needs wishes for the same chips are met (see ``orders/sharing.py``)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from yieldsim.kernels.jit import bare_jit, inline_jit

__all__ = ["wish_levels"]

Floats = NDArray[np.float64]


@bare_jit
def wish_levels(
    need: Floats,
    cap: Floats,
    available: Floats,
    wanted: NDArray[np.int64],
    most: Floats,
    of_wish: Floats,
    of_product: Floats,
) -> None:
    """Set the ratio lambda at which each wish and each product of a realization is set aside.

    ``need`` and ``cap`` are (realization, wish), ``available`` (realization, product). A set of
    wishes is a bit mask; ``wanted`` (product) are the wishes that want a product. ``most`` is room
    for a figure of each set. ``of_wish`` and ``of_product`` are infinite on entry and stay so for a
    wish that needs nothing, and for a product that only such wishes want.
    """
    for row in range(need.shape[0]):
        _most_chips(cap[row], available[row], wanted, most)
        done = 0
        while True:
            best, least = _least_ratio(need[row], most, done)
            new = best & ~done
            if new == 0 or math.isinf(least):
                break
            for wish in range(need.shape[1]):
                if new >> wish & 1:
                    of_wish[row, wish] = least
            for product in range(wanted.shape[0]):
                if wanted[product] & (done | new) and not wanted[product] & done:
                    of_product[row, product] = least
            done |= new


@inline_jit
def _most_chips(cap: Floats, available: Floats, wanted: NDArray[np.int64], most: Floats) -> None:
    """Set the most chips that each set of wishes can get."""
    for wishes in range(most.shape[0]):
        chips = 0.0
        for product in range(wanted.shape[0]):
            if wanted[product] & wishes:
                chips += available[product]
        most[wishes] = chips
    for wish in range(cap.shape[0]):
        for wishes in range(most.shape[0]):
            if wishes >> wish & 1:
                most[wishes] = min(most[wishes], most[wishes ^ (1 << wish)] + cap[wish])


@inline_jit
def _least_ratio(need: Floats, most: Floats, done: int) -> tuple[int, float]:
    """Return the set with the least chips over need beyond the wishes done, and that ratio."""
    best, least = 0, math.inf
    for wishes in range(most.shape[0]):
        if wishes & done != done:
            continue
        needed = 0.0  # adds what is left, to avoid differences of large sums
        for wish in range(need.shape[0]):
            if (wishes & ~done) >> wish & 1:
                needed += need[wish]
        if needed > 0.0:
            ratio = max(0.0, most[wishes] - most[done]) / needed
            if ratio < least:
                best, least = wishes, ratio
    return best, least
