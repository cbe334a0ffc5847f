"""How the time of a run grows with products, bins and scenarios: at most linearly.

Each case doubles one number three times and fits the slope of log time against log number. A slope
of 1 is linear; less is better, because much of a run (tools, the line) does not depend on the
number. A slope above the limit ends with exit code 1.
"""

from __future__ import annotations

import argparse
from typing import Any

import measure
import numpy as np

from yieldsim.model import ModelFile
from yieldsim.supply.simulate import Simulator

SEED = 7
TIMES = (1, 2, 4, 8)
MOST_SLOPE = 1.1  # linear, plus what other load on the machine adds to the longer runs
ORIGIN = {"source": "made_up", "grade": "assumed"}
CORES = 16


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few realizations, once")
    quick = parser.parse_args().quick
    realizations, repeats = (64, 3) if quick else (1024, 7)
    print(measure.machine())
    rows, slopes = [], []
    for what, first, rule, count in (
        ("products", 1, "shares", realizations),
        ("bins", 1, "shares", realizations),
        ("scenarios", 1, "shares", realizations),
        ("scenarios", 1, "planner", max(8, realizations // 4)),
        # with one product there is nothing to choose
        ("products", 2, "planner", max(8, realizations // 4)),
        ("products", 2, "most_compute", max(8, realizations // 32)),
    ):
        numbers = [first * times for times in TIMES]
        seconds = measured(what, numbers, rule, count, repeats)
        slope = float(np.polyfit(np.log(numbers), np.log(seconds), 1)[0])
        each = [f"{1e3 * s / count:.3f}" for s in seconds]
        rows.append([f"{what} from {first}, {rule}", *each, f"{slope:.2f}"])
        slopes.append(slope)
    heads = ["CPU ms a realization", "first", *(f"{times} times" for times in TIMES[1:]), "slope"]
    measure.table("Growth of the time of a run (slope of log time; 1 is linear)", heads, rows)
    if max(slopes) > MOST_SLOPE:
        raise SystemExit(f"a run grows faster than linearly: slope {max(slopes):.2f}")


def measured(what: str, numbers: list[int], rule: str, count: int, repeats: int) -> list[float]:
    """The least processor time of a block for each of the numbers."""
    simulators = {str(number): simulator(what, number, rule) for number in numbers}
    for one in simulators.values():
        one.block(0, 1)
    best = measure.side_by_side(
        {name: lambda _, one=one: one.block(0, count) for name, one in simulators.items()}, repeats
    )
    return [best[name].cpu_s for name in simulators]


def simulator(what: str, number: int, rule: str) -> Simulator:
    """A model with ``number`` products, bins or scenarios and one of everything else."""
    products, bins = (number if what == name else 1 for name in ("products", "bins"))
    several = number if what == "scenarios" else 1
    raw = model(products, bins, rule)
    changes = {"processes": {"n2": {"alpha": 2.0}}}
    names = [f"s{k}" for k in range(several)]
    entry = {"title": "", **ORIGIN, "changes": changes}
    return Simulator(ModelFile("growth", raw, dict.fromkeys(names, entry)), names, SEED)


def model(products: int, bins: int, rule: str) -> dict[str, Any]:
    """One line; each product has its own design, and all share memory and packaging."""
    designs = [f"die_{k}" for k in range(products)]
    return {
        "name": "growth",
        **ORIGIN,
        "sources": {"made_up": {"title": "for timing only"}},
        "simulation": {"start": "2026Q1", "end": "2027Q4"},
        "allocation": {"rule": rule},
        "wafer": {"diameter_mm": 300, "edge_exclusion_mm": 3, "scribe_mm": 0.1, **ORIGIN},
        "processes": {
            "n2": {"d0_mature_per_cm2": 0.1, "alpha": 3, "raw_process_days": 70, **ORIGIN}
        },
        "fabs": {
            "line": {
                "plan": {"n2": 3000},
                "allocation": {"n2": {**dict.fromkeys(designs, 1), "other": 1}},
                **ORIGIN,
            }
        },
        "dies": {
            name: {
                "process": "n2",
                "width_mm": 20 + k / 2,
                "height_mm": 25,
                "cores": CORES,
                "core_fraction": 0.6,
                "bins": {f"b{b}": {"min_good_cores": CORES - b} for b in range(bins)},
                **ORIGIN,
            }
            for k, name in enumerate(designs)
        },
        "memory": {"stacks": {"deliveries": 3e5, **ORIGIN}},
        "packaging": {"line": {"capacity": 3000, **ORIGIN}},
        "products": {
            f"product_{k}": {
                "die": name,
                "start": "2026Q1",
                "memory": ["stacks"],
                "stacks_per_package": 4,
                "packaging": "line",
                "packages_per_interposer_wafer": 20 + k,
                "lag_days": 60,
                "performance": {f"b{b}": {"tflops_fp16": 400 + 20 * k - b} for b in range(bins)},
                **ORIGIN,
            }
            for k, name in enumerate(designs)
        },
    }


if __name__ == "__main__":
    main()
