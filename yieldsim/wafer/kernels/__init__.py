"""Wafers, dies and bins. Numba only: arrays in, arrays out."""
