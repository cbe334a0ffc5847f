"""Conditioning: realizations weighted by their likelihood, given published figures."""

from yieldsim.analysis.conditioning.stored import load_weights, open_weighted
from yieldsim.analysis.statistics.weighted import effective_sample_size, weighted_quantile

__all__ = ["effective_sample_size", "load_weights", "open_weighted", "weighted_quantile"]
