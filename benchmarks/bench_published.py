"""SMT2020's high-volume line beside the results that its authors published.

Lots of two years from the published work in process, and tool groups of the second year, each with
the standard error of the difference. It comes from our spread between replications, which theirs
are taken to share. The data must stand beside the repository (`tests/flow/published.py`).
"""

from __future__ import annotations

import argparse
import math
import sys

import measure
import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(measure.ROOT))

from tests.flow.published import (
    DATA,
    LOTS,
    PUBLISHED_RUNS,
    REPLICATIONS,
    TOOLS,
    WARMUP_DAYS,
    published,
    runs,
    with_wip,
)
from yieldsim.flow import DataSet, compile_line

_FIELDS = {"act": ("cycle_days", 1.0), "on_time": ("on_time", 100.0), "th": ("lots_out", 1.0)}


def lots(data: DataSet, replications: int) -> None:
    """Cycle time, on-time share and lots out by lot type."""
    outcomes = runs(data, 0.0, replications)
    names = compile_line(data).report
    rows = []
    for name, want in published(LOTS).items():
        for column, (field, factor) in _FIELDS.items():
            values = [getattr(outcome, field)[names.index(name)] for outcome in outcomes]
            rows.append([name, column, *beside(factor * np.array(values, float), want[column])])
    measure.table(
        "SMT2020's high-volume line: lots of two years",
        ["lot", "", "published", "ours", "difference"],
        rows,
    )


def tools(data: DataSet, replications: int) -> None:
    """Time in use, setup, maintenance and wait by tool group, the longest waits first."""
    outcomes = runs(data, WARMUP_DAYS, replications)
    names = list(compile_line(data).group_names)
    shares = {field: 100.0 * np.array([getattr(o, field) for o in outcomes])
              for field in ("availability", "utilization", "setup", "maintenance")}  # fmt: skip
    busy = shares["availability"] * shares["utilization"] / 100.0
    waited = np.mean([np.nan_to_num(o.wait_min) * o.started for o in outcomes], axis=0)
    rows = []
    for name, want in published(TOOLS).items():
        i = names.index(name)
        in_use = beside(busy[:, i], want["avail"] * want["util"] / 100.0)
        rows.append((waited[i], [
            name, *in_use, beside(shares["setup"][:, i], want["setup"])[-1],
            beside(shares["maintenance"][:, i], want["pm"])[-1],
            f"{100.0 * waited[i] / waited.sum():.1f}",
        ]))  # fmt: skip
    header = [
        "% of the year",
        "in use",
        "ours",
        "difference",
        "setup",
        "maintenance",
        "of all waits",
    ]
    rows.sort(key=lambda row: -row[0])
    measure.table("Tool groups of the second year", header, [row for _, row in rows])


def beside(ours: NDArray[np.float64], theirs: float) -> list[str]:
    """A published figure, ours, and their difference with its standard error."""
    error = float(np.std(ours, ddof=1)) * math.sqrt(1.0 / len(ours) + 1.0 / PUBLISHED_RUNS)
    mean = float(np.mean(ours))
    return [f"{theirs:.2f}", f"{mean:.2f}", f"{mean - theirs:+.2f} ± {error:.2f}"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two replications")
    replications = 2 if parser.parse_args().quick else REPLICATIONS
    if not DATA.is_dir():
        print("SMT2020's high-volume line is not here (shared/data/smt2020)")
        return
    with measure.scratch() as folder:
        data = with_wip(folder)
    lots(data, replications)
    tools(data, replications)


if __name__ == "__main__":
    main()
