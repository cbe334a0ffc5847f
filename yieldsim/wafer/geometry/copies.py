"""Distributions [x, clusters, cores] of the good clusters and cores of many copies.

Copies are alike and independent at each density x.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special

from yieldsim.wafer.kernels.convolution import add_convolution

__all__ = ["convolved", "power"]

Floats = NDArray[np.float64]
_MOST_SHIFTS = 64  # of whole arrays; with more a kernel is faster
_DIRECT_WAYS = 1000  # above 1029 the middle binomial coefficient overflows float64


def convolved(a: Floats, b: Floats) -> Floats:
    """Return the convolution of two [x, clusters, cores] distributions over their last two axes."""
    if a.shape[1] * a.shape[2] < b.shape[1] * b.shape[2]:
        a, b = b, a
    out = np.zeros((a.shape[0], a.shape[1] + b.shape[1] - 1, a.shape[2] + b.shape[2] - 1))
    if b.shape[1] * b.shape[2] > _MOST_SHIFTS:
        add_convolution(np.ascontiguousarray(a), np.ascontiguousarray(b), out)
        return out
    for c in range(b.shape[1]):
        for n in range(b.shape[2]):
            out[:, c : c + a.shape[1], n : n + a.shape[2]] += b[:, c, n, None, None] * a
    return out


def _binomial(works: Floats, fails: Floats, count: int) -> Floats:
    """Return P(n of ``count`` work), float64[x, count + 1]; ``fails`` is an exact 1 - ``works``."""
    n = np.arange(count + 1)
    if count <= _DIRECT_WAYS:
        direct: Floats = special.binom(count, n) * works[:, None] ** n * fails[:, None] ** n[::-1]
        return direct
    ways = special.gammaln(count + 1.0) - special.gammaln(n + 1.0) - special.gammaln(n[::-1] + 1.0)
    log = ways + special.xlogy(n, works[:, None]) + special.xlogy(n[::-1], fails[:, None])
    return np.asarray(np.exp(log))


def power(copy: Floats, count: int) -> Floats:
    """Return the distribution of a sum of ``count`` independent copies."""
    if copy.shape[1:] == (1, 2):  # one core or none
        return _binomial(copy[:, 0, 1], copy[:, 0, 0], count)[:, None, :]
    if copy.shape[1] == 2:
        return _clusters(copy, count)
    out = np.ones((copy.shape[0], 1, 1))
    while count:
        if count & 1:
            out = convolved(out, copy)
        count >>= 1
        if count:
            copy = convolved(copy, copy)
    return out


def _clusters(copy: Floats, count: int) -> Floats:
    """Return `power` of clusters, [x, dead or good, cores]; a dead one has no core.

    The number of good clusters is binomial, and the cores of c good clusters are a sum of c copies.
    So a convolution over cores for each c replaces one over both axes.
    """
    most = copy.shape[2] - 1
    good = copy[:, 1].sum(axis=1)
    cores = copy[:, 1] / np.where(good > 0.0, good, 1.0)[:, None]
    number = _binomial(good, copy[:, 0, 0], count)
    out = np.zeros((copy.shape[0], count + 1, count * most + 1))
    held = np.ones((copy.shape[0], 1, 1))
    for c in range(count + 1):
        out[:, c, : c * most + 1] = number[:, c, None] * held[:, 0]
        if c < count:
            held = convolved(held, cores[:, None])
    return out
