"""What `sensitivity_summary` takes for many realizations and inputs, in a process of its own.

The store is made up: uniform inputs, of which three drive the chips of twenty products, with noise.
It is cut into files as a run's is, and read as plain Zarr.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import measure
import numpy as np
import xarray as xr
import zarr

from yieldsim.analysis import sensitivity_summary

PRODUCTS, QUARTERS, BLOCK = 20, 28, 500
DIMS = {
    "parameter_value": ("scenario", "realization", "parameter"),
    "usable_chips": ("scenario", "realization", "quarter", "product"),
}


@dataclass(frozen=True)
class Size:
    """How much is read."""

    realizations: int
    inputs: int

    def __str__(self) -> str:
        return f"{self.realizations:,} realizations of {self.inputs:,} inputs"


FULL, QUICK = Size(100_000, 1_700), Size(2_000, 20)


def main() -> None:
    size = measure.size_asked(__doc__, FULL, QUICK)
    with measure.scratch() as folder:
        store = folder / "x.zarr"
        make(store, size)
        (line,) = measure.apart(timed_summary, store)
    heads = ["indices", *measure.COST]
    measure.table(f"Sensitivity by quarter, year and horizon, {size}", heads, [line.split()])


def make(store: Path, size: Size) -> None:
    """Write the made-up store, block by block."""
    rng = np.random.default_rng(1)
    widths = {"parameter_value": (size.inputs,), "usable_chips": (QUARTERS, PRODUCTS)}
    group = zarr.open_group(store, mode="w")
    arrays = {
        name: group.create_array(
            name,
            shape=(1, size.realizations, *width),
            chunks=(1, BLOCK, *width),
            dtype="float64" if name == "parameter_value" else "float32",
            dimension_names=DIMS[name],
        )
        for name, width in widths.items()
    }
    for first in range(0, size.realizations, BLOCK):
        block = slice(first, first + BLOCK)
        x = rng.random((BLOCK, size.inputs))
        level = 100.0 + 30.0 * x[:, 0] - 20.0 * x[:, 1] + 10.0 * x[:, 2] ** 2
        noise = 5.0 * rng.standard_normal((BLOCK, QUARTERS, PRODUCTS))
        arrays["parameter_value"][0, block] = x
        arrays["usable_chips"][0, block] = (level[:, None, None] + noise).astype("float32")


def opened(store: str) -> xr.Dataset:
    """The store with its labels."""
    ds = xr.open_zarr(store, chunks=None, consolidated=False)
    labels = [f"{2024 + i // 4}Q{i % 4 + 1}" for i in range(QUARTERS)]
    return ds.assign_coords(
        scenario=["baseline"],
        quarter_label=("quarter", labels),
        product=[f"product {i}" for i in range(PRODUCTS)],
        parameter=[f"input {i}" for i in range(ds.sizes["parameter"])],
    )


def timed_summary(store: str) -> None:
    """Print the number of indices, wall and processor seconds, and peak memory."""
    found = {}
    took = measure.timed(lambda: found.update(sensitivity_summary(opened(store))))
    print(len(found["indices"]), measure.cost(took))


if __name__ == "__main__":
    main()
