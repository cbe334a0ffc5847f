"""Pareto-smoothed importance sampling (PSIS): weights that a few large ones do not dominate.

Vehtari, Simpson, Gelman, Yao and Gabry (2024, JMLR 25(72), doi:10.48550/arXiv.1507.02646): the
largest weights, ``min(n / 5, 3 sqrt(n))`` of them, are replaced by the quantiles of a generalized
Pareto distribution that is fitted to them (Zhang and Stephens 2009,
doi:10.1198/tech.2009.08017), none above the largest raw weight. The shape k of that distribution
measures how heavy the tail is: at 0.7 and above weighted figures cannot be trusted. ArviZ and loo
do the same, but bring much that is not needed here.
"""

from __future__ import annotations

import math

import numpy as np

FEWEST_TAIL = 5  # weights that a shape can be fitted to
FEWEST = 5 * FEWEST_TAIL  # realizations with such a tail
_PRIOR_B, _PRIOR_COUNT, _PRIOR_K = 3.0, 10.0, 0.5


def smoothed_weights(log_ratios: np.ndarray) -> tuple[np.ndarray, float]:
    """Smoothed weights (n), which add up to 1, of some log importance ratios, and the shape k.

    k is -inf where the largest weights are all equal, and inf where fewer than five realizations
    have any weight. Neither has a tail to fit, so the weights are not smoothed. Raises ValueError
    for fewer than `FEWEST` ratios, or one that is not finite.
    """
    n = len(log_ratios)
    if n < FEWEST or not np.isfinite(log_ratios).all():
        raise ValueError(f"needs {FEWEST} finite ratios or more, got {n}")
    weights = np.exp(log_ratios - log_ratios.max())
    count = math.ceil(min(n / 5.0, 3.0 * math.sqrt(n)))
    order = np.argsort(weights, kind="stable")
    cutoff, tail = weights[order[-count - 1]], order[-count:]
    excess = weights[tail] - cutoff
    above = tail[excess > 0.0]
    if len(above) == 0:
        return weights / weights.sum(), -math.inf
    if len(above) < FEWEST_TAIL:
        return weights / weights.sum(), math.inf
    k, sigma = pareto_fit(weights[above] - cutoff)
    if math.isfinite(k):
        shares = (np.arange(1, len(above) + 1) - 0.5) / len(above)
        weights[above] = np.minimum(cutoff + _quantiles(shares, k, sigma), 1.0)
    return weights / weights.sum(), k


def pareto_fit(excess: np.ndarray) -> tuple[float, float]:
    """Shape k and scale of a generalized Pareto distribution, from rising values above 0.

    The mean of Zhang and Stephens' profile posterior; k is drawn towards 0.5 with the weight of ten
    values, as Vehtari et al. have it (their appendix C).
    """
    n = len(excess)
    grid = 30 + int(math.sqrt(n))
    quartile = excess[int(n / 4 + 0.5) - 1]
    spacing = 1.0 - np.sqrt(grid / (np.arange(1, grid + 1) - 0.5))
    b = 1.0 / excess[-1] + spacing / (_PRIOR_B * quartile)
    k = np.log1p(-b[:, None] * excess).mean(axis=1)
    likelihood = n * (np.log(-b / k) - k - 1.0)
    posterior = np.exp(likelihood - likelihood.max())
    mean = float(b @ posterior / posterior.sum())
    shape = float(np.log1p(-mean * excess).mean())
    return (n * shape + _PRIOR_COUNT * _PRIOR_K) / (n + _PRIOR_COUNT), -shape / mean


def _quantiles(shares: np.ndarray, k: float, sigma: float) -> np.ndarray:
    """Quantiles of a generalized Pareto distribution that begins at zero."""
    log_above = np.log1p(-shares)
    if abs(k) < 1e-12:
        return -sigma * log_above
    found: np.ndarray = sigma * np.expm1(-k * log_above) / k
    return found
