"""How chips of several products are shared among wishes that overlap: one exact rule.

Kinds of wish c (each a set N(c) of products with a need n_c) share products p with a_p chips. Of
all ways to hand them out, the one taken makes the shares of the needs that are met as equal as can
be: it raises the least share first, then the next (the lexicographically optimal flow of Megiddo
1974, doi:10.1007/BF01585506; Fujishige 1980, doi:10.1287/moor.5.2.186, gives it by this algorithm):

    lambda = min over sets S of kinds of  a(N(S)) / n(S)

where a(N(S)) counts the chips of all products that S wants. The set with the least ratio gets these
chips, each kind in it the share min(1, lambda) of its need, and each product gives the share
min(1, 1/lambda) of its chips; both are then set aside, and the rest is treated in the same way.

So wishes for the same chips share in proportion to need; the order in which they are named does
not matter; what is taken and what is left adds up; and more chips never leave anyone with less.
"""

from __future__ import annotations

import numpy as np

from ..model.check_demand import overlapping


def share_out(
    need: np.ndarray, available: np.ndarray, wanted: list[frozenset[int]]
) -> tuple[np.ndarray, np.ndarray]:
    """Shares of the needs that are met and of the chips that are taken.

    ``need`` is (realization, kind), ``available`` (realization, product), both >= 0; ``wanted``
    are the places of the products of each kind, no two alike. Returns (realization, kind) and
    (realization, product), all within 0 and 1; where nothing is needed the share met is 1.
    Each realization is worked out by itself, in an order of sums that does not depend on others.
    """
    met, taken = np.ones_like(need), np.zeros_like(available)
    for group in overlapping(wanted):
        kinds = [wanted.index(one) for one in group]
        products = sorted(frozenset().union(*group))
        within = [[products.index(p) for p in sorted(one)] for one in group]
        met[:, kinds], taken[:, products] = _share_group(
            need[:, kinds], available[:, products], within
        )
    return met, taken


def _share_group(
    need: np.ndarray, available: np.ndarray, wanted: list[list[int]]
) -> tuple[np.ndarray, np.ndarray]:
    """`share_out` for kinds that overlap; sets of kinds are the bits of a number."""
    rows, kinds = need.shape
    masks = np.arange(1 << kinds)
    wants = np.zeros((masks.size, available.shape[1]), dtype=bool)
    for kind, products in enumerate(wanted):
        wants[np.ix_(masks >> kind & 1 == 1, products)] = True
    met, taken = np.ones_like(need), np.zeros_like(available)
    done = np.zeros(rows, dtype=np.int64)  # the kinds set aside so far
    for _ in range(kinds):
        ratio = _ratios(need, available, wants, done)
        best = ratio.argmin(axis=0)
        least = ratio[best, np.arange(rows)]
        found = np.isfinite(least)
        if not found.any():
            break
        with np.errstate(divide="ignore"):
            given = np.minimum(1.0, 1.0 / least)
        new = np.where(found, best & ~done, 0)
        for kind in range(kinds):
            met[:, kind] = np.where(new >> kind & 1, np.minimum(1.0, least), met[:, kind])
        fresh = wants[best] & ~wants[done] & found[:, None]
        taken = np.where(fresh, given[:, None], taken)
        done = np.where(found, best, done)
    return met, taken


def _ratios(
    need: np.ndarray, available: np.ndarray, wants: np.ndarray, done: np.ndarray
) -> np.ndarray:
    """(set of kinds, realization) chips over need beyond what is done; inf where nothing is new.

    Sums are built up one product and one kind at a time, so that no difference of large sums
    stands in for a small one.
    """
    masks = np.arange(len(wants))[:, None]
    chips = np.zeros((len(wants), len(need)))
    for product in range(available.shape[1]):
        left = np.where(wants[done, product], 0.0, available[:, product])
        chips += wants[:, product, None] * left
    needed = np.zeros_like(chips)
    for kind in range(need.shape[1]):
        left = np.where(done >> kind & 1, 0.0, need[:, kind])
        needed += (masks >> kind & 1) * left
    possible = ((masks & done) == done) & (needed > 0.0)
    return np.divide(chips, needed, out=np.full_like(chips, np.inf), where=possible)
