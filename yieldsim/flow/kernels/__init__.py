"""The event loop of a re-entrant line. Numba only: arrays in, arrays out."""
