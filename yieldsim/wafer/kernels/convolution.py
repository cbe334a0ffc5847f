"""Convolution of distributions over two axes, for each density."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from yieldsim.kernels.jit import jit

__all__ = ["add_convolution"]


@jit
def add_convolution(
    a: NDArray[np.float64], b: NDArray[np.float64], out: NDArray[np.float64]
) -> None:
    """Add to ``out`` float64[x, i, j] the convolutions of ``a`` and ``b`` over their last axes."""
    for x in range(a.shape[0]):
        for c in range(b.shape[1]):
            for n in range(b.shape[2]):
                weight = b[x, c, n]
                if weight == 0.0:
                    continue
                for i in range(a.shape[1]):
                    row = out[x, c + i, n : n + a.shape[2]]
                    for j in range(a.shape[2]):
                        row[j] += weight * a[x, i, j]
