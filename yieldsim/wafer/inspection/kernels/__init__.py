"""Kernels of inspection files."""
