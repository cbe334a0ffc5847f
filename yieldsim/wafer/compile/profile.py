"""The radial profile of the density, averaged over points of each die."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from yieldsim.wafer.geometry.sites import Sites
from yieldsim.wafer.model.process import Profile

__all__ = [
    "POINTS_A_SIDE",
    "die_points",
    "die_profile",
    "disc_mean",
    "profile_ratio",
]

Floats = NDArray[np.float64]
POINTS_A_SIDE = 4


def die_points(sites: Sites) -> tuple[Floats, Floats]:
    """Return x and y float64[die, point] of 4 x 4 points in each die, in usable radii."""
    steps = (np.arange(POINTS_A_SIDE) + 0.5) / POINTS_A_SIDE - 0.5
    across, along = (grid.ravel() for grid in np.meshgrid(steps, steps))
    radius = sites.usable_radius_mm
    x = (sites.x_mm[:, None] + across * sites.width_mm) / radius
    y = (sites.y_mm[:, None] + along * sites.height_mm) / radius
    return np.ascontiguousarray(x), np.ascontiguousarray(y)


def profile_ratio(profile: Profile, rho: Floats, radius_mm: float) -> Floats:
    """Return the profile at rho = r / R, before it is normalized."""
    if profile.rho is not None and profile.ratio is not None:
        return np.interp(rho, profile.rho, profile.ratio)
    inward = np.maximum(1.0 - rho, 0.0) * radius_mm / profile.edge_length_mm
    bowl = profile.radial_amplitude * rho**profile.radial_power
    return np.asarray(1.0 + bowl + profile.edge_amplitude * np.exp(-inward))


def disc_mean(profile: Profile, radius_mm: float) -> float:
    """Return the mean over the usable disc, int_0^1 2 rho f(rho) d rho, in closed form."""
    if profile.rho is not None and profile.ratio is not None:
        rho = np.array([0.0, *profile.rho, 1.0])
        f = np.array([profile.ratio[0], *profile.ratio, profile.ratio[-1]])
        a, b, fa, fb = rho[:-1], rho[1:], f[:-1], f[1:]
        # of a linear piece times 2 rho
        return float(np.sum((b - a) * (fa * (2.0 * a + b) + fb * (a + 2.0 * b)) / 3.0))
    length = profile.edge_length_mm / radius_mm
    edge = 2.0 * (length + length * length * math.expm1(-1.0 / length))
    bowl = 2.0 / (profile.radial_power + 2.0)
    return 1.0 + profile.radial_amplitude * bowl + profile.edge_amplitude * edge


def die_profile(profile: Profile, sites: Sites) -> Floats:
    """Return the mean ratio over each die, float64[die]; the disc's mean is one."""
    x, y = die_points(sites)
    radius = sites.usable_radius_mm
    ratio = np.maximum(profile_ratio(profile, np.hypot(x, y), radius), 0.0)
    return np.ascontiguousarray(ratio.mean(axis=1) / disc_mean(profile, radius))
