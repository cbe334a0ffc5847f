"""How this machine rounds: elementary functions of the C library, NumPy, SciPy and the BLAS.

They choose their code by the processor (FMA, AVX2, AVX-512) and by their version, and then differ
in the last digit at few arguments: exp of glibc at 16 of 20,000 without FMA, exp of NumPy with
AVX-512. Draws differ as well, so a store's blocks come from machines that round alike.
"""

from __future__ import annotations

import hashlib
import math
from functools import cache

import numpy as np

_POINTS = 2**14  # the rarest difference that was met is 1 in 10,000 arguments
_SIZE = 48  # of matrices that are multiplied


@cache
def arithmetic() -> str:
    """Return a digest of elementary functions at many arguments; it takes 26 ms."""
    from scipy.special import betaincinv, ndtr, ndtri

    u = (np.arange(_POINTS) + 0.5) / _POINTS
    wide = 40.0 * u - 20.0
    narrow_list, wide_list = u.tolist(), wide.tolist()
    functions = (math.sin, math.cos, math.log, math.log1p, math.expm1, math.lgamma)
    parts = [np.fromiter(map(function, narrow_list), float) for function in functions]
    parts.append(np.fromiter(map(math.exp, wide_list), float))
    parts.append(np.fromiter(map(pow, narrow_list, wide_list), float))
    parts += [np.exp(wide), np.log(u), np.log1p(u), np.expm1(u), np.power(u, -2.37)]
    parts += [ndtr(wide), ndtri(u), betaincinv(2.0, 4.0, u)]
    matrix = u[: _SIZE * _SIZE].reshape(_SIZE, _SIZE)
    parts += [matrix @ matrix.T, np.linalg.cholesky(matrix @ matrix.T + np.eye(_SIZE))]
    content = b"".join(np.ascontiguousarray(part, dtype="<f8").tobytes() for part in parts)
    return hashlib.blake2b(content, digest_size=8).hexdigest()
