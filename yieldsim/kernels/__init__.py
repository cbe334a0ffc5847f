"""Numba kernels: arrays in, arrays out; no checks, no input or output, no objects."""
