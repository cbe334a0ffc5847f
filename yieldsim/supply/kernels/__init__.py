"""One block of realizations, step by step. Numba only: arrays in, arrays out."""
