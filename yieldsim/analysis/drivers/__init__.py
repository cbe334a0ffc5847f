"""What drives a figure: sensitivity indices, quantile swaps, parameters against process noise."""
