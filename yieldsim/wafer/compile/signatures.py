"""Spatial signatures as the kernels take them."""

from __future__ import annotations

import math

from yieldsim.errors import ModelError
from yieldsim.wafer.model.process import Process, Signature

__all__ = ["check_rings", "signature_row"]

_SCRATCH_LENGTH = 0.5  # of the usable radius, where none is given
_RADII = {"edge_ring": 1.0, "centre": 0.0, "donut": 0.5, "scratch": 0.0}


def signature_row(one: Signature) -> list[float]:
    """A signature as a row of `Field.signatures`."""
    radius = _RADII[one.kind] if one.radius is None else one.radius
    length = _SCRATCH_LENGTH if one.length is None else one.length
    half = 0.5 * length if one.kind == "scratch" else 0.0
    span = math.radians(0.5 * one.span_deg)
    row = [one.probability, one.peak_per_cm2, radius, one.width, span, half]
    return row


def check_rings(process: Process, diagonal: float) -> None:
    """Raise ModelError for a ring that bends within a part of a die and is narrower than it."""
    for name, one in process.signatures.items():
        radius = _RADII[one.kind] if one.radius is None else one.radius
        if one.kind != "scratch" and 0.0 < radius < diagonal and one.width < diagonal:
            allowed = f">= {diagonal:.3g}, or a radius of 0 or as large, for dies of this size"
            raise ModelError(
                f"process.signatures.{name}.width", "too narrow", got=one.width, allowed=allowed
            )
