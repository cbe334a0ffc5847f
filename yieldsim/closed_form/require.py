"""The one check of numeric arguments."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from yieldsim.errors import UsageError

__all__ = ["Floats", "require"]

Floats = np.float64 | NDArray[np.float64]


def require(
    name: str,
    value: ArrayLike,
    *,
    above: float | None = None,
    least: float | None = None,
    below: float | None = None,
    most: float | None = None,
    infinite: bool = False,
    whole: bool = False,
) -> NDArray[np.float64]:
    """Return ``value`` as a float64 array, or raise UsageError that shows its first bad element.

    ``above`` and ``below`` are open bounds, ``least`` and ``most`` closed ones; ``infinite`` admits
    +inf, ``whole`` asks for whole numbers. NaN is never allowed.
    """
    kind = "a whole number" if whole else "a number or inf" if infinite else "a finite number"
    bounds = [
        f"{sign} {bound:.12g}"
        for sign, bound in ((">", above), (">=", least), ("<", below), ("<=", most))
        if bound is not None
    ]
    allowed = " ".join([kind, " and ".join(bounds)]).strip()
    try:
        numbers = np.asarray(value, np.float64)
    except (TypeError, ValueError):
        raise UsageError(name, "not a number", got=value, allowed=allowed) from None
    good = np.isfinite(numbers) | (infinite & (numbers == np.inf))
    good &= (numbers > above) if above is not None else True
    good &= (numbers >= least) if least is not None else True
    good &= (numbers < below) if below is not None else True
    good &= (numbers <= most) if most is not None else True
    good &= (numbers == np.floor(numbers)) if whole else True
    if not np.all(good):
        bad = float(np.atleast_1d(numbers)[~np.atleast_1d(good)][0])
        shown = int(bad) if bad.is_integer() else bad
        raise UsageError(name, "out of range", got=shown, allowed=allowed)
    return numbers
