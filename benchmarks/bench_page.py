"""What the page of many realizations takes, in a process of its own.

The store is the baseline's, its realizations repeated and jittered. It is cut into files as a run's
is, holds the variables that the page reads, and is read as plain Zarr.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import measure
import numpy as np
import xarray as xr
import zarr

import yieldsim
from yieldsim.analysis.fab.losses import NEEDED as DIES
from yieldsim.analysis.overview.overview import overview
from yieldsim.report.page.document import page

KEPT = (
    *("usable_chips", "packages_started", "binding", "parameter_value", "h100_equivalents"),
    *("order_size", "order_backlog", "wafer_plan", "wafer_starts", "wafer_outs", "utilization"),
    *("saleable_dies", "gross_dies_started", "d0_per_cm2", "dies_used", "die_wafer_starts"),
    *DIES,
)
CHUNK = 512


@dataclass(frozen=True)
class Size:
    """How many realizations are simulated, and how often each is repeated."""

    simulated: int
    copies: int


FULL, QUICK = Size(64, 1563), Size(16, 4)


def main() -> None:
    size = measure.size_asked(__doc__, FULL, QUICK)
    with measure.scratch() as folder:
        make(folder, size)
        (line,) = measure.apart(timed_page, folder)
    heads = ["page bytes", *measure.COST]
    count = size.simulated * size.copies
    measure.table(f"The page of {count:,} realizations of the baseline", heads, [line.split()])


def make(folder: Path, size: Size) -> None:
    """Simulate a few realizations, and write many."""
    few = yieldsim.run("baseline", realizations=size.simulated, seed=7, out=folder / "few.zarr")
    few = few[[name for name in KEPT if name in few]]
    rng = np.random.default_rng(1)
    group = zarr.open_group(folder / "many.zarr", mode="w")
    count = size.simulated * size.copies
    for name, array in few.data_vars.items():
        values = array.to_numpy()
        shape = (values.shape[0], count, *values.shape[2:])
        target = group.create_array(
            str(name),
            shape=shape,
            chunks=(1, min(CHUNK, count), *values.shape[2:]),
            dtype=values.dtype,
            dimension_names=[str(dim) for dim in array.dims],
        )
        for first in range(0, count, CHUNK):
            places = np.arange(first, min(first + CHUNK, count)) % size.simulated
            part = values[:, places]
            if values.dtype.kind == "f" and name == "parameter_value":
                part = part * rng.uniform(0.999, 1.001, part.shape)
            target[:, first : first + CHUNK] = part


def opened(folder: str) -> xr.Dataset:
    """The large store with the labels and the model of the small one."""
    few = yieldsim.open_ensemble(Path(folder) / "few.zarr")
    ds = xr.open_zarr(Path(folder) / "many.zarr", chunks=None, consolidated=False)
    labels = {name: c for name, c in few.coords.items() if "realization" not in c.dims}
    ds = ds.assign_coords(labels).assign_attrs(few.attrs)
    for name in ds.data_vars:
        ds[name].attrs |= few[name].attrs
    return ds


def timed_page(folder: str) -> None:
    """Print the size of the page, wall and processor seconds, and peak memory."""
    made = []
    took = measure.timed(lambda: made.append(page(overview(opened(folder)))))
    size = len(made[0].encode())
    print(size, measure.cost(took))


if __name__ == "__main__":
    main()
