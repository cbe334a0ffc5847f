"""Reading wafer maps and KLARF, beside the readers of others from PyPI where a format has one.

Each reader runs in a process of its own, because one of them changes xml.etree for all. Times are
of the processor, from the call to the dies or defects in memory. Readers must agree on what they
read: fails, or the sum of the defects' places.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import measure
import numpy as np

from yieldsim.wafer.inspection.inspection import Found, Inspection
from yieldsim.wafer.inspection.klarf.files import save_klarf
from yieldsim.wafer.maps.files import save_maps
from yieldsim.wafer.maps.wafer_maps import maps_from_grids

ROWS, COLUMNS, FAILS = 25, 32, 0.2
OURS_MAPS = """
from yieldsim.wafer.maps.files import load_maps
def read(path):
    maps = load_maps(path)
    return len(maps), int((maps.die == 2).sum())
"""
OURS_KLARF = """
from yieldsim.wafer.inspection.klarf.files import load_klarf
def read(path):
    found = load_klarf(path)[0].found
    return len(found), round(float(found.across_mm.sum()))
"""
G85 = """
import g85
def read(path):
    with open(path) as stream:
        maps = g85.read(stream)
    fails = [sum(row.count("F") for row in one.devices[0].map) for one in maps]
    return len(maps), sum(fails)
"""
PANDAS = """
import pandas
def read(path):
    table = pandas.read_csv(path)
    return int(table["wafer"].nunique()), int((table["result"] == "fail").sum())
"""
KLARF_READER = """
from klarf_reader.klarf import Klarf
def read(path):
    found = Klarf.load_from_file(path).wafers[0].defects
    return len(found), round(sum(one.x_rel for one in found) / 1000)
"""
KLARFIO = """
import sys
from klarfio.klarfio import klarf
sys.setrecursionlimit(100_000)
def read(path):
    file = klarf(path).data
    if "FileRecord_1.2" in file:
        rows, unit = file["FileRecord_1.2"]["DefectList"]["Data"], 1000
    else:
        rows, unit = file["FileRecord_1.8"]["LotRecord_L"]["WaferRecord_1"]["DefectList"], 10**6
        rows = rows["Data"]
    return len(rows), round(sum(row[1] for row in rows) / unit)
"""
TIMER = """
import json, sys, time
for path in sys.argv[1:]:
    wall, cpu = time.perf_counter(), time.process_time()
    got = read(path)
    took = [time.perf_counter() - wall, time.process_time() - cpu]
print(json.dumps([*took, *got]))
"""
Case = tuple[str, str, str, int]  # reader, its package, its code, the most items that it is given


def timed(code: str, small: Path, large: Path) -> list[float]:
    """Wall and processor seconds, and what was read, after a small file that warms up."""
    command = [sys.executable, "-c", code + TIMER, str(small), str(large)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    wall, cpu, *got = json.loads(done.stdout.splitlines()[-1])
    return [wall, cpu, *got]


def grids(count: int) -> list[np.ndarray]:
    """Round maps of some 620 dies, a fifth of which fail."""
    rng = np.random.default_rng(1)
    y, x = np.mgrid[:ROWS, :COLUMNS]
    disc = np.hypot((x - 15.5) / 16.0, (y - 12.0) / 12.5) <= 1.0
    return [np.where(disc, 1 + (rng.random(disc.shape) < FAILS), 0) for _ in range(count)]


def inspection(count: int) -> Inspection:
    """One wafer with so many defects."""
    rng = np.random.default_rng(2)
    dies = np.array([(x, y) for x in range(-14, 15) for y in range(-12, 13)])
    dies = dies[np.hypot(dies[:, 0] * 10.0, dies[:, 1] * 11.0) < 145.0]
    die = rng.integers(0, len(dies), count)
    found = Found(
        index_x=dies[die, 0],
        index_y=dies[die, 1],
        across_mm=rng.random(count) * 10.0,
        up_mm=rng.random(count) * 11.0,
        size_um=rng.gamma(2.0, 0.1, count),
        kind=rng.integers(0, 20, count),
    )
    area = len(dies) * 110.0
    return Inspection("L", "1", "S", "D", 300.0, (10.0, 11.0), (5.0, 5.5), dies, area, found)


def compare(title: str, unit: str, files: dict[int, Path], most: int, cases: list[Case]) -> None:
    """Time readers of one format and print a table; exit with 1 where they disagree."""
    rows, seen = [], {}
    for name, package, code, items in cases:
        if importlib.util.find_spec(package) is None:
            rows.append([name, "-", "not installed", "", ""])
            continue
        size = max(n for n in files if n <= min(items, most))
        wall, cpu, count, total = timed(code, files[min(files)], files[size])
        seen.setdefault(size, {})[name] = (count, total)
        rows.append([name, f"{size:,}", f"{cpu:.2f}", f"{wall:.2f}", f"{1e6 * cpu / size:,.1f}"])
    measure.table(title, ["reader", f"{unit}s", "CPU s", "wall s", f"CPU us a {unit}"], rows)
    for size, answers in seen.items():
        if len(set(answers.values())) > 1:
            raise SystemExit(f"{title}: readers disagree on {size} {unit}s: {answers}")


def maps(folder: Path, most: int) -> None:
    """Wafer maps in each format."""
    made = maps_from_grids(grids(most))
    sizes = sorted({20, most // 10, most})
    for ending in ("npz", "csv", "g85", "e142", "sinf"):
        files = {size: folder / f"m{size}.{ending}" for size in sizes}
        for size, path in files.items():
            save_maps(path, made.select(np.arange(size)))
        cases: list[Case] = [("yieldsim", "yieldsim", OURS_MAPS, most)]
        if ending == "g85":
            cases.append(("g85", "g85", G85, most))
        if ending == "csv":
            cases.append(("pandas.read_csv, no maps", "pandas", PANDAS, most))
        compare(f"{most:,} maps, {ending}", "map", files, most, cases)


def klarf(folder: Path, most: int, few: int) -> None:
    """Defects in both versions of KLARF."""
    sizes = sorted({200, few, most})
    for version in ("1.2", "1.8"):
        files = {size: folder / f"d{size}_{version}.klarf" for size in sizes}
        for size, path in files.items():
            save_klarf(path, [inspection(size)], version)
        cases: list[Case] = [
            ("yieldsim", "yieldsim", OURS_KLARF, most),
            ("yieldsim", "yieldsim", OURS_KLARF, few),
        ]
        if version == "1.2":
            cases.append(("klarf-reader", "klarf_reader", KLARF_READER, few))
        cases.append(("klarfio", "klarfio", KLARFIO, few))
        compare(f"Defects, KLARF {version}", "defect", files, most, cases)


def main() -> None:
    """Print a table for each format."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes, as in the tests")
    quick = parser.parse_args().quick
    with measure.scratch() as folder:
        maps(folder, 200 if quick else 10_000)
        klarf(folder, 5_000 if quick else 1_000_000, 1_000 if quick else 100_000)


if __name__ == "__main__":
    main()
