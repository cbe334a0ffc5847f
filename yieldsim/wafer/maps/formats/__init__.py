"""One file a format of wafer maps; ``registry.py`` lists them."""
