"""Kernels of sharing chips among orders."""
