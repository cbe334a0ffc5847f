"""Where a store may be kept beside a plain folder: an object store under a URL, a zipped file."""

from yieldsim.ensemble.places.named import place_of

__all__ = ["place_of"]
