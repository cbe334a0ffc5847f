"""The loops of points_flat.py that decide in single precision."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from yieldsim.wafer.kernels.points_flat import OPEN, SURE, poisson_counts, set_bits


def counts_of(means: NDArray[np.float64], words: NDArray[np.int64]) -> NDArray[np.int32]:
    out = np.zeros(means.size, np.int32)
    block = np.zeros((4, means.size), np.uint32)
    block[0] = words
    poisson_counts(means, 1.0, block, np.zeros(means.size, np.float32), out)
    return out


def test_single_precision_of_counts() -> None:
    """Uniforms half of SURE from a probability are left open, those one and a half away are right.

    So rounding moves a probability by less than half of SURE, and a count that is not open, which
    is at least half of SURE away, is the exact one.
    """
    means = np.concatenate([np.linspace(0.0, 12.0, 4_000), np.geomspace(12.0, 1e300, 400)])
    below = np.zeros((4, means.size))
    term = np.exp(-means)
    for count in range(4):
        below[count] = term + (below[count - 1] if count else 0.0)
        term = term * np.minimum(means, 1e3) / (count + 1)
    for part in (-1.5, -0.5, 0.5, 1.5):
        for count in range(4):
            words = np.floor((below[count] + part * float(SURE)) * 2.0**32)
            inside = (words >= 0.0) & (words < 2.0**32)
            words = words[inside].astype(np.int64)
            got = counts_of(means[inside], words)
            uniform = (words + 0.5) * 2.0**-32
            exact = (uniform > below[:, inside]).sum(axis=0)
            clear = (abs(uniform - below[:, inside]) > 1.4 * float(SURE)).all(axis=0)
            near = (abs(uniform - below[:, inside]) < 0.6 * float(SURE)).any(axis=0)
            assert np.array_equal(got[clear], exact[clear])
            assert np.all(got[near] == OPEN)
            assert (clear if abs(part) > 1.0 else near).sum() > 100


def test_few_counts_are_left_open() -> None:
    """At most four probabilities, each with 2 SURE around it: rare enough to cost nothing."""
    rng = np.random.default_rng(1)
    got = counts_of(rng.gamma(2.0, 0.5, 400_000), rng.integers(0, 2**32, 400_000))
    most = 400_000 * 8.0 * float(SURE)
    assert (got == OPEN).sum() < most + 5.0 * math.sqrt(most)


@pytest.mark.parametrize("form", ["compiled", "plain"])
def test_set_bits(form: str) -> None:
    function = set_bits if form == "compiled" else getattr(set_bits, "py_func", set_bits)
    rng = np.random.default_rng(2)
    masks = [0, 1, 2**63, 2**64 - 1, *rng.integers(0, 2**64, 50, np.uint64).tolist()]
    assert [function(np.uint64(mask)) for mask in masks] == [mask.bit_count() for mask in masks]
