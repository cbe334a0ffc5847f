"""Shapes of fails: the signatures on fitted maps, for wafers simulated like them."""
