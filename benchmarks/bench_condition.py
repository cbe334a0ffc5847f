"""What conditioning and weighted quantiles take for many realizations, in a process of their own.

The store is that of `bench_sensitivity`; the evidence is three counts of its first year.
"""

from __future__ import annotations

from pathlib import Path

import measure
from bench_sensitivity import FULL, QUICK, make, opened

from yieldsim.analysis import quantiles
from yieldsim.analysis.conditioning.condition import condition
from yieldsim.analysis.weights import with_weights

# a quarter of all products has 2,033 +- 41 chips in the median
EVIDENCE = """entity,period,low,central,high,unit,source,variable,spread,independence_group
all,2024,,8400,,chips,made up,usable_chips,5%,
all,2024Q1,,2100,,chips,made up,usable_chips,10%,copied
all,2024Q2,2050,,2150,chips,made up,usable_chips,10%,copied
"""


def main() -> None:
    size = measure.size_asked(__doc__, FULL, QUICK)
    with measure.scratch() as folder:
        store = folder / "x.zarr"
        make(store, size)
        (folder / "evidence.csv").write_text(EVIDENCE, encoding="utf-8")
        lines = measure.apart(timed_conditioning, folder)
    heads = ["part", *measure.COST, "what"]
    measure.table(f"Conditioning, {size}", heads, [line.split(maxsplit=4) for line in lines])


def timed_conditioning(folder: str) -> None:
    """Print a line for each part: its name, seconds, the peak memory so far, and what it made."""
    ds = opened(str(Path(folder) / "x.zarr"))
    kept = {}

    def conditioned() -> None:
        kept["found"], kept["weights"] = condition(ds, Path(folder) / "evidence.csv")

    print("condition", measure.cost(measure.timed(conditioned)), _sizes(kept["found"]))
    weighted = with_weights(ds, kept["weights"], {})
    for period in ("quarter", "year"):
        took = measure.timed(
            lambda period=period: kept.update(table=quantiles(weighted, period=period))
        )
        size = kept["table"]["quantile"].size
        print(f"by_{period}", measure.cost(took), f"{size:,} weighted quantiles")


def _sizes(found: dict) -> str:
    effective = found["effective_sample_size"]
    return f"effective sample size {effective:,.0f}, {len(found['left_out'])} pieces left out"


if __name__ == "__main__":
    main()
