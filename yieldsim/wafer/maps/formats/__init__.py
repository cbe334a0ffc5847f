"""The formats of wafer maps, one file each; ``registry.py`` lists them."""
