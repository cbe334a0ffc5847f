"""How chips of several products are shared among wishes that overlap: one exact rule.

Wish c wants any of a set N(c) of products; it needs n_c chips and may get no more than a cap k_c.
Product p has a_p chips. Of all ways to hand them out, the one taken makes the shares of the needs
that are met as equal as can be: it raises the least share first, then the next (the
lexicographically optimal flow of Megiddo 1974, doi:10.1007/BF01585506, by the decomposition of
Fujishige 1980, doi:10.1287/moor.5.2.186):

    lambda = min over sets S of wishes of  h(S) / n(S),
    h(S)   = min over subsets T of S of  a(N(T)) + k(S without T)

where a(N(T)) counts the chips of all products that T wants, so h(S) is the most that S can get.
The set with the least ratio gets it, each wish in it the share min(1, lambda) of its need. It is
then set aside, and what else can be got, h(S) less what was, is shared in the same way.

What wishes get is drawn from products by the mirrored rule: where a wish has a choice, the parts
of the products that are taken are made as equal as can be.

So wishes for the same chips share in proportion to need; the order in which they are named does
not matter; what is taken and what is left adds up; and more chips never leave anyone with less.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from yieldsim.model.references import overlapping

_CELLS = 2**20  # of a table over all sets of wishes that is held at once


def share_out(
    need: np.ndarray, cap: np.ndarray, available: np.ndarray, wanted: Sequence[frozenset[int]]
) -> tuple[np.ndarray, np.ndarray]:
    """Chips that each wish gets, and the shares of the products' chips that are taken.

    ``need`` and ``cap`` (may be infinite) are (realization, wish), ``available`` (realization,
    product), all >= 0; ``wanted`` are the places of the products of each wish. Returns
    (realization, wish) chips, at most need and cap, and (realization, product) shares within 0
    and 1. Each realization is worked out by itself: its bits do not depend on the others.
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
    """Chips of a wish that shares with nobody, and the part of its products that it takes."""
    chips = np.zeros(len(need))
    for product in range(available.shape[1]):
        chips = chips + available[:, product]
    got = np.minimum(np.minimum(need, cap), chips)
    return got, np.divide(got, chips, out=np.zeros_like(got), where=chips > 0.0)


def _share_taken(cover: np.ndarray) -> np.ndarray:
    """The shares of the chips that are taken where they cover the need so many times."""
    with np.errstate(divide="ignore"):
        return np.minimum(1.0, 1.0 / cover)


def _levels(
    need: np.ndarray, cap: np.ndarray, available: np.ndarray, wanted: Sequence[Sequence[int]]
) -> tuple[np.ndarray, np.ndarray]:
    """The ratio lambda at which each wish and each product is set aside.

    Sets of wishes are the bits of a number. Infinite for a wish that needs nothing, and for a
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
    """(set of wishes, realization) the most chips that the wishes of a set can get together."""
    most = np.zeros((len(wants), len(cap)))
    for product in range(available.shape[1]):
        most += wants[:, product, None] * available[:, product]
    for wish in range(cap.shape[1]):
        with_it = np.flatnonzero(np.arange(len(wants)) >> wish & 1)
        most[with_it] = np.minimum(most[with_it], most[with_it ^ (1 << wish)] + cap[:, wish])
    return most


def _ratios(need: np.ndarray, most: np.ndarray, done: np.ndarray) -> np.ndarray:
    """(set of wishes, realization) most over need beyond what is done; inf where nothing is new."""
    masks = np.arange(len(most))[:, None]
    needed = np.zeros_like(most)
    for wish in range(need.shape[1]):  # sums of what is left: no difference of large sums
        left = np.where(done >> wish & 1, 0.0, need[:, wish])
        needed += (masks >> wish & 1) * left
    chips = np.maximum(0.0, most - most[done, np.arange(len(need))])
    possible = ((masks & done) == done) & (needed > 0.0)
    return np.divide(chips, needed, out=np.full_like(most, np.inf), where=possible)
