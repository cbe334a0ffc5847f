"""Quantiles with their errors, paired differences, rank correlations."""
