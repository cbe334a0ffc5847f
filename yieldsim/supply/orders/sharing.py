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

from collections.abc import Sequence

import numpy as np

from yieldsim.model.references import overlapping

_CELLS = 2**20  # most cells of a table over all sets of wishes and some realizations


def share_out(
    need: np.ndarray, cap: np.ndarray, available: np.ndarray, wanted: Sequence[frozenset[int]]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the chips that each wish gets, and the shares of the products' chips that are taken.

    ``need`` and ``cap`` (may be infinite) are (realization, wish), ``available`` (realization,
    product), all >= 0. ``wanted`` holds the indices of the products of each wish. Chips are
    (realization, wish), at most need and cap. Shares are (realization, product), from 0 to 1. The
    bits of a realization do not depend on the others.
    """
    given, taken = np.zeros_like(need), np.zeros_like(available)
    for wishes in overlapping(wanted):
        products = sorted(frozenset().union(*(wanted[wish] for wish in wishes)))
        within = [[products.index(p) for p in wanted[wish]] for wish in wishes]
        rows = max(1, _CELLS >> len(wishes))
        for first in range(0, len(need), rows):
            part = slice(first, first + rows)
            some = available[part][:, products]
            if len(wishes) == 1:
                wish = wishes[0]
                given[part, wish], share = _alone(need[part, wish], cap[part, wish], some)
                taken[part, products] = share[:, None]
                continue
            met = _levels(need[part][:, wishes], cap[part][:, wishes], some, within)[0]
            got = np.minimum(need[part][:, wishes] * np.minimum(1.0, met), cap[part][:, wishes])
            cover = _levels(got, np.full_like(got, np.inf), some, within)[1]
            given[part, wishes], taken[part, products] = got, _share_taken(cover)
    return given, taken


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
    need: np.ndarray, cap: np.ndarray, available: np.ndarray, wanted: Sequence[Sequence[int]]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the ratio lambda at which each wish and each product is set aside.

    A set of wishes is a bit mask. The ratio is infinite for a wish that needs nothing, and for a
    product that only such wishes want.
    """
    rows, wishes = need.shape
    masks = np.arange(1 << wishes)
    wants = np.zeros((masks.size, available.shape[1]), dtype=bool)
    for wish, products in enumerate(wanted):
        wants[np.ix_(masks >> wish & 1 == 1, products)] = True
    most = _most(cap, available, wants)
    of_wish, of_product = np.full_like(need, np.inf), np.full_like(available, np.inf)
    done = np.zeros(rows, dtype=np.int64)
    row = np.arange(rows)
    for _ in range(wishes):
        ratio = _ratios(need, most, done)
        best = ratio.argmin(axis=0)
        least = ratio[best, row]
        new = np.where(np.isfinite(least), best & ~done, 0)
        if not new.any():
            break
        for wish in range(wishes):
            of_wish[:, wish] = np.where(new >> wish & 1, least, of_wish[:, wish])
        fresh = wants[done | new] & ~wants[done]
        of_product = np.where(fresh, least[:, None], of_product)
        done |= new
    return of_wish, of_product


def _most(cap: np.ndarray, available: np.ndarray, wants: np.ndarray) -> np.ndarray:
    """Return the most chips that a set of wishes can get, (set of wishes, realization)."""
    most = np.zeros((len(wants), len(cap)))
    for product in range(available.shape[1]):
        most += wants[:, product, None] * available[:, product]
    for wish in range(cap.shape[1]):
        with_it = np.flatnonzero(np.arange(len(wants)) >> wish & 1)
        most[with_it] = np.minimum(most[with_it], most[with_it ^ (1 << wish)] + cap[:, wish])
    return most


def _ratios(need: np.ndarray, most: np.ndarray, done: np.ndarray) -> np.ndarray:
    """Return most over need beyond the wishes done, (set, realization); inf where none is new."""
    masks = np.arange(len(most))[:, None]
    needed = np.zeros_like(most)
    for wish in range(need.shape[1]):  # adds what is left, to avoid differences of large sums
        left = np.where(done >> wish & 1, 0.0, need[:, wish])
        needed += (masks >> wish & 1) * left
    chips = np.maximum(0.0, most - most[done, np.arange(len(need))])
    possible = ((masks & done) == done) & (needed > 0.0)
    return np.divide(chips, needed, out=np.full_like(most, np.inf), where=possible)
