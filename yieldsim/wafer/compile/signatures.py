"""Spatial signatures as the kernels take them."""

from __future__ import annotations

import math

from yieldsim.errors import ModelError
from yieldsim.wafer.model.process import ProcessTable, SignatureTable

__all__ = ["check_rings", "signature_record"]

_SCRATCH_LENGTH = 0.5  # of the usable radius, where none is given
_RADII = {"edge_ring": 1.0, "centre": 0.0, "donut": 0.5, "scratch": 0.0}


def signature_record(signature: SignatureTable) -> tuple[float, ...]:
    """Return a signature as a record of `DensityModel.signatures`."""
    radius = _RADII[signature.kind] if signature.radius is None else signature.radius
    length = _SCRATCH_LENGTH if signature.length is None else signature.length
    half_length = 0.5 * length if signature.kind == "scratch" else 0.0
    span = math.radians(0.5 * signature.span_deg)
    probability, peak = signature.probability, signature.peak_per_cm2
    return probability, peak, radius, signature.width, span, half_length


def check_rings(process: ProcessTable, diagonal: float) -> None:
    """Raise ModelError for a narrow ring of so small a radius that it bends within a part of a die.

    ``diagonal`` is that of the part, in usable radii.
    """
    for name, ring in process.signatures.items():
        radius = _RADII[ring.kind] if ring.radius is None else ring.radius
        if ring.kind != "scratch" and 0.0 < radius < diagonal and ring.width < diagonal:
            allowed = f">= {diagonal:.3g}, or a radius of 0 or >= that, for dies of this size"
            raise ModelError(
                f"process.signatures.{name}.width", "too narrow", got=ring.width, allowed=allowed
            )
