"""What SMT2020's authors published of their high-volume line, and the same runs of ours.

Their runs take two years and start with the lots of WIP.txt: only then is maintenance by pieces in
the phases of the published states (benchmarks/README.md). Figures of tools are those of the second
year. A row of lots counts those released and finished within the two years, because one year
releases only half of its lots out. Its cycle time and on-time share are taken to be of these lots.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from tests.paths import SHARED
from yieldsim.flow import DataSet, Outcome, compile_line, read_dataset, replicate

DATA = SHARED / "data" / "smt2020"
REPLICATIONS, PUBLISHED_RUNS = 24, 20  # theirs: lots out are multiples of 0.05
DAYS, WARMUP_DAYS = 730.0, 365.0
LOTS, TOOLS = "hvlm_published_lots.txt", "hvlm_published_machines.txt"


def published(name: str) -> dict[str, dict[str, float]]:
    """The rows of a published table by lot or tool group."""
    header, *rows = (DATA / name).read_text(encoding="utf-8").splitlines()
    columns = header.split()[1:]
    return {
        row.split()[0]: dict(zip(columns, map(float, row.split()[1:]), strict=True)) for row in rows
    }


def with_wip(folder: Path) -> DataSet:
    """The line with its work in process, whose lots are reported apart (a copy in ``folder``)."""
    copy = folder / "hvlm"
    shutil.copytree(DATA / "hvlm", copy, copy_function=shutil.copyfile)
    shutil.copyfile(DATA / "hvlm_WIP.txt", copy / "WIP.txt")
    released = len(read_dataset(DATA / "hvlm").orders)
    data = read_dataset(copy)
    waiting = tuple(replace(order, name="WIP") for order in data.orders[released:])
    return replace(data, orders=data.orders[:released] + waiting)


def runs(data: DataSet, warmup_days: float, replications: int = REPLICATIONS) -> list[Outcome]:
    """All replications; those of another warm-up are the same runs, counted from another day."""
    line = compile_line(data)
    return [replicate(line, 1, r, DAYS, warmup_days) for r in range(replications)]
