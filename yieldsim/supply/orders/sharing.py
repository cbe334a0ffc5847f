"""Exact sharing of the chips of several products among wishes that overlap.

Wish c wants any of a set N(c) of products. It needs n_c chips and may get no more than a cap k_c.
Product p has a_p chips. The allocation makes the met shares of the needs as equal as possible: it
raises the least share first, then the next. This is the lexicographically optimal flow of Megiddo
(1974, doi:10.1007/BF01585506), by the decomposition of Fujishige (1980, doi:10.1287/moor.5.2.186):

    lambda = min over sets S of wishes of  h(S) / n(S),
    h(S)   = min over subsets T of S of  a(N(T)) + k(S without T)

where a(N(T)) counts the chips of all products that T wants, so h(S) is the most that S can get.
Each wish in the set with the least ratio gets the share min(1, lambda) of its need. That set is
then set aside, and the rest of h is shared among the other wishes in the same way.

The mirrored rule draws the chips from products: where a wish has a choice, the parts taken of the
products are made as equal as possible.

So wishes for the same chips share in proportion to need, and their order does not matter. Chips
taken and chips left add up to all chips. More chips never leave a wish with less.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from yieldsim.model.references import overlapping
from yieldsim.supply.orders.kernels.levels import wish_levels


def share_out(
    need: np.ndarray, cap: np.ndarray, available: np.ndarray, wanted: tuple[frozenset[int], ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the chips that each wish gets, and the shares of the products' chips that are taken.

    ``need`` and ``cap`` (may be infinite) are (realization, wish), ``available`` (realization,
    product), all >= 0. ``wanted`` holds the indices of the products of each wish. Chips are
    (realization, wish), at most need and cap. Shares are (realization, product), from 0 to 1. The
    bits of a realization do not depend on the others.
    """
    given, taken = np.zeros_like(need), np.zeros_like(available)
    for wishes, products, masks in _contests(wanted):
        some = available[:, products].copy()
        if len(wishes) == 1:
            wish = wishes[0]
            given[:, wish], share = _alone(need[:, wish], cap[:, wish], some)
            taken[:, products] = share[:, None]
            continue
        wish_need, wish_cap = need[:, wishes].copy(), cap[:, wishes].copy()
        met = _levels(wish_need, wish_cap, some, masks)[0]
        got = np.minimum(wish_need * np.minimum(1.0, met), wish_cap)
        cover = _levels(got, np.full_like(got, np.inf), some, masks)[1]
        given[:, wishes], taken[:, products] = got, _share_taken(cover)
    return given, taken


class _Contest(NamedTuple):
    """Wishes that overlap, the products that they want, and for each a bit mask of its wishes."""

    wishes: list[int]
    products: list[int]
    masks: np.ndarray


@lru_cache(maxsize=1024)  # by tier and quarter, for each block
def _contests(wanted: tuple[frozenset[int], ...]) -> tuple[_Contest, ...]:
    contests = []
    for wishes in overlapping(wanted):
        products = sorted(frozenset().union(*(wanted[wish] for wish in wishes)))
        sets = [wanted[wish] for wish in wishes]
        masks = [sum(1 << i for i, own in enumerate(sets) if p in own) for p in products]
        contests.append(_Contest(wishes, products, np.array(masks, np.int64)))
    return tuple(contests)


def _alone(
    need: np.ndarray, cap: np.ndarray, available: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the chips of a wish that overlaps no other, and the share of its products taken."""
    chips = np.zeros(len(need))
    for product in range(available.shape[1]):
        chips = chips + available[:, product]
    got = np.minimum(np.minimum(need, cap), chips)
    return got, np.divide(got, chips, out=np.zeros_like(got), where=chips > 0.0)


def _share_taken(cover: np.ndarray) -> np.ndarray:
    """Return the shares of the chips that are taken where chips over need is ``cover``."""
    with np.errstate(divide="ignore"):
        return np.minimum(1.0, 1.0 / cover)


def _levels(
    need: np.ndarray, cap: np.ndarray, available: np.ndarray, masks: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the ratio lambda at which each wish and each product is set aside.

    It is infinite for a wish that needs nothing, and for a product that only such wishes want.
    """
    of_wish, of_product = np.full_like(need, np.inf), np.full_like(available, np.inf)
    most = np.empty(1 << need.shape[1])
    wish_levels(need, cap, available, masks, most, of_wish, of_product)
    return of_wish, of_product
