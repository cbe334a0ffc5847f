"""The supply of a block of realizations, step by step. Numba only: arrays in, arrays out."""
