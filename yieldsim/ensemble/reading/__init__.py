"""Reading arrays of a store, with every byte checked: through Zarr, or without it and xarray."""
