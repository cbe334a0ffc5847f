"""The inputs that move the total of a year most: the table of models/README.md.

`python runs/largest_inputs.py STORE` prints the rank correlation (Spearman) of each uncertain
parameter with the year's usable AI chips. Those of a parameter that does nothing lie within
2 / sqrt(n) in nineteen cases of twenty, and of hundreds of parameters a few lie beyond.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence

import numpy as np
import xarray as xr

from yieldsim.analysis.totals import gather, labels_of, realization_blocks
from yieldsim.closed_form.ranks import spearman
from yieldsim.ensemble import open_ensemble

YEARS = ("2026", "2027", "2028")
COUNT = 15


def largest(
    ds: xr.Dataset, variable: str, years: Sequence[str], count: int
) -> dict[str, list[float]]:
    """Rank correlations with each year of the inputs that have the largest in any, that first."""
    totals: dict[str, np.ndarray] = {}
    for part in gather(ds, variable, period="year", scenarios=[0]):
        totals |= dict(zip(part.periods, part.values[0], strict=True))
    draws = _draws(ds)
    found = {
        path: [spearman(values, totals[year]) or 0.0 for year in years]
        for path, values in zip(labels_of(ds, "parameter"), draws, strict=True)
    }
    first = sorted(found, key=lambda path: -max(abs(rank) for rank in found[path]))
    return {path: found[path] for path in first[:count]}


def _draws(ds: xr.Dataset) -> np.ndarray:
    """Draws (parameter, realization) of the first scenario."""
    array = ds["parameter_value"]
    view = array.isel(scenario=0).transpose("parameter", "realization")
    blocks = [view.isel(realization=block).to_numpy() for block in realization_blocks(array)]
    return np.concatenate(blocks, axis=1)


def main() -> None:
    """Print the table, for chips or for compute."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("store")
    parser.add_argument("--variable", default="usable_chips", help="or h100_equivalents")
    parser.add_argument("--count", type=int, default=COUNT)
    options = parser.parse_args()
    with open_ensemble(options.store) as ds:
        rows = largest(ds, options.variable, YEARS, options.count)
        size = ds.sizes["realization"]
    print(f"{size:,} realizations: 2 / sqrt(n) is {2.0 / math.sqrt(size):.2f}\n")
    print(f"| input | {' | '.join(YEARS)} |\n|" + " --- |" * (1 + len(YEARS)))
    for path, ranks in rows.items():
        print(f"| `{path}` | {' | '.join(f'{rank:+.2f}' for rank in ranks)} |")


if __name__ == "__main__":
    main()
