"""Defects found by inspection: KLARF files, densities, clusters, repeaters, kill ratios."""
