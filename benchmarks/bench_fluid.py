"""The line model beside the event simulator: wafers out by quarter, two lines, three plans.

`fluid_cases` has the lines and the plans: a ramp, an overload, and an overload with a tool loss.
The line model is not fitted to any plan that is scored. Errors are of the wafers out in a quarter,
all processes of the line together, against the mean over replications of the event simulator.
SMT2020's HVLM is left out if it does not stand beside the repository.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time

import fluid_cases as fc
import measure
import numpy as np

sys.path.insert(0, str(measure.ROOT))

from yieldsim.supply.simulate import Simulator

REALIZATIONS = 256


def beside(plan: str, case: fc.Case, replications: int, by_quarter: bool) -> list[str]:
    """Compare one line under one plan; return its row of the table."""
    planned, started, outs = fc.fluid_outs(case)
    start = time.perf_counter()
    due, event_started, event_outs = fc.event_outs(case, replications)
    seconds = (time.perf_counter() - start) / replications
    off = np.abs(due.sum(axis=1) / planned.sum(axis=1) - 1.0).max()
    if off > 0.01:
        raise RuntimeError(f"{case.name}, {plan}: the plans differ by {off:.1%}")
    error = fc.errors(outs, event_outs)
    if by_quarter:
        columns = (planned, started, event_started, outs, event_outs)
        rows = [
            [fc.quarter_name(q), *(f"{column[q].sum():,.0f}" for column in columns), f"{e:+.1%}"]
            for q, e in enumerate(error)
        ]
        head = ["quarter", "plan", "started, fluid", "events", "out, fluid", "events", "error"]
        measure.table(f"{case.name}, {plan}: wafers", head, rows)
    each = np.abs(outs / np.maximum(event_outs, 1.0) - 1.0)
    return [
        case.name,
        plan,
        f"{np.abs(error).mean():.2%}",
        f"{np.abs(error).max():.1%}",
        f"{each.mean():.1%}",
        f"{seconds:.1f}",
    ]


def speed(case: fc.Case, realizations: int, rounds: int) -> list[str]:
    """Processor time of the line model on one core: median, least and most over the rounds."""
    simulator, spent = Simulator(case.file, ["baseline"], 1), []
    simulator.block(0, 1)
    for _ in range(rounds):
        start = measure.cpu_s()
        simulator.block(0, realizations)
        spent.append(1e3 * (measure.cpu_s() - start) / realizations)
    return [case.name, *(f"{ms:.2f}" for ms in (statistics.median(spent), min(spent), max(spent)))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a ramp of two quarters")
    parser.add_argument("--replications", type=int, default=2)
    parser.add_argument("--ranking", choices=("downstream", "data"), default="downstream",
                        help="ranking of lots in the event simulator")  # fmt: skip
    parser.add_argument("--plan", choices=(*fc.PLANS, *fc.BLIND_PLANS, *fc.DRAWN),
                        action="append")  # fmt: skip
    parser.add_argument("--quarters", action="store_true", help="show each quarter")
    options = parser.parse_args()
    quick = options.quick
    line = None
    if fc.HVLM.is_dir():
        line = fc.calibrated(*((40.0, 30.0) if quick else ()))
        print(f"hvlm: arrival_cv2 {line.arrival_cv2:.2f} by the steady run")
    quarters, replications = (2, 1) if quick else (16, options.replications)
    downstream, rows, last = options.ranking == "downstream", [], []
    for plan in options.plan or (["ramp"] if quick else list(fc.PLANS)):
        last = fc.cases(plan, line, downstream=downstream, quarters=quarters)
        rows += [beside(plan, case, replications, options.quarters) for case in last]
    measure.table(
        f"Wafers out by quarter, line model against events ({options.ranking} first)",
        ["line", "plan", "mean absolute error", "largest", "by process", "s per replication"],
        rows,
    )
    count, rounds = (16, 1) if quick else (REALIZATIONS, 5)
    measure.table(
        f"The line model, {quarters} quarters", ["line", "ms per realization", "least", "most"],
        [speed(case, count, rounds) for case in last],
    )  # fmt: skip


if __name__ == "__main__":
    main()
