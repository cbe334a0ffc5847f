"""A wafer model as arrays for the kernels."""
