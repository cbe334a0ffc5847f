"""Critical area of parallel lines: how likely a defect of random size shorts two of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from yieldsim.closed_form.require import Floats, require

__all__ = ["mean_line_kill"]


def mean_line_kill(x0_um: ArrayLike, spacing_um: ArrayLike, width_um: ArrayLike) -> Floats:
    """Return the mean share of places at which a defect shorts two of many parallel lines.

    C. H. Stapper, "Modeling of integrated circuit defect sensitivities", IBM J. Res. Dev. 27 (1983)
    549-557, doi:10.1147/rd.276.0549. A defect of size x kills on min(max((x - s) / (w + s), 0), 1)
    of the area; sizes have density 2 x0^2 / x^3 above x0. With b = 2 s + w the mean is
    x0^2 / (s b) for x0 <= s, 1 for x0 >= b, and in between
    2 x0^2 ((1/x0 - 1/b) - s/2 (1/x0^2 - 1/b^2)) / (w + s) + x0^2 / b^2. All three are > 0, in um.
    """
    x0 = require("x0_um", x0_um, above=0.0)
    s = require("spacing_um", spacing_um, above=0.0)
    w = require("width_um", width_um, above=0.0)
    b = 2.0 * s + w
    below = x0 * x0 / (s * b)
    start = np.minimum(x0, b)
    rising = (1.0 / start - 1.0 / b) - 0.5 * s * (1.0 / start**2 - 1.0 / b**2)
    between = 2.0 * x0 * x0 * rising / (w + s) + x0 * x0 / b**2
    return np.where(x0 <= s, below, np.where(x0 >= b, 1.0, between))[()]
