"""Spread between wafers whose blocks of dies each share a density of their own."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from yieldsim.closed_form.require import Floats, require
from yieldsim.closed_form.yields import good_die_variance_per_wafer

__all__ = ["good_die_variance_by_block"]


def good_die_variance_by_block(
    dies_in_block: ArrayLike, die_mm2: float, d0_per_cm2: float, alpha: float
) -> Floats:
    """Return the variance of the good dies on a wafer of blocks of ``dies_in_block`` dies.

    The dies of a block share one gamma density. Blocks are independent, so their variances add up:
    large-area clustering at the block scale (I. Koren, Z. Koren, C. H. Stapper,
    "A unified negative-binomial distribution for yield analysis of defect-tolerant circuits", IEEE
    Trans. Comput. 42 (1993) 724-734, doi:10.1109/12.277291).
    """
    sizes = require("dies_in_block", dies_in_block, least=0.0, whole=True)
    return np.sum(good_die_variance_per_wafer(sizes, die_mm2, d0_per_cm2, alpha))
