"""The three rules of allocation on the baseline: shares, the planner, and a program with foresight.

It prints the processor time of each, where the time of the program's mix goes, how much compute the
planner and the mix add to the shares under the same luck, and what part of it the planner reaches.
"""

from __future__ import annotations

import argparse

import measure
import numpy as np

import yieldsim
from yieldsim.supply import simulate
from yieldsim.supply.mix import mixer
from yieldsim.supply.mix.program import Program
from yieldsim.supply.simulate import Simulator

SEED = 7
RULES = {"shares": "shares", "planner": "planner", "most compute": "most_compute"}
ROUNDING = 2e-6  # results are in single precision, and the engine takes a millionth more for none
PLACES = {
    "runs of the kernel": [(simulate, "simulate_block")],
    "what wafers and lines give": [(mixer, "supplies_of")],
    "linear program": [(Program, "best_plan")],
    "the rest": [(Simulator, "block")],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few realizations, once")
    quick = parser.parse_args().quick
    realizations, repeats = (8, 1) if quick else (64, 5)
    print(measure.machine())
    file = yieldsim.load_file("baseline")
    simulators = {
        name: Simulator(file.with_changes([f"allocation.rule={rule}"]), ["baseline"], SEED)
        for name, rule in RULES.items()
    }
    for one in simulators.values():
        one.block(0, 1)  # loads the kernel and the solver
    rates(simulators, realizations, repeats)
    parts(simulators["most compute"], realizations)
    gains(simulators, realizations)


def rates(simulators: dict[str, Simulator], count: int, repeats: int) -> None:
    """Print the time of a block by each rule; every round runs each rule once."""
    best = measure.side_by_side(
        {name: lambda _, one=one: one.block(0, count) for name, one in simulators.items()}, repeats
    )
    first = best["shares"].cpu_s
    rows = [
        [name, f"{1e3 * t.cpu_s / count:.2f}", f"{count / t.cpu_s:.0f}", f"{t.cpu_s / first:.1f}"]
        for name, t in best.items()
    ]
    title = f"Baseline by rule of allocation, {count} realizations in a block"
    measure.table(title, ["", "CPU ms each", "per CPU s", "of shares"], rows)


def parts(simulator: Simulator, count: int) -> None:
    """Print where the time of the mix goes."""
    clock = measure.Parts()
    with clock.watching(PLACES):
        simulator.block(0, count)
    total = sum(clock.seconds.values())
    rows = [
        [name, f"{1e3 * clock.seconds[name] / count:.2f}", f"{clock.seconds[name] / total:.0%}"]
        for name in PLACES
    ]
    measure.table("Where the time of the mix goes", ["", "CPU ms each", "share"], rows)


def gains(simulators: dict[str, Simulator], count: int) -> None:
    """Print the compute of all quarters that planner and mix add to the shares, by realization."""
    made = {name: compute(one, count) for name, one in simulators.items()}
    shares, planner, most = made.values()
    rows = []
    for name, total in made.items():
        gain = total / shares - 1.0
        quantiles = [f"{q:+.0%}" for q in np.quantile(gain, [0.0, 0.1, 0.5, 0.9])]
        rows.append([name, f"{total.mean() / 1e3:,.0f}", *quantiles])
    heads = ["thousand H100-equivalents", "mean", "least", "P10", "P50", "P90"]
    measure.table("What each rule adds under the same luck, all quarters", heads, rows)
    reached = (planner - shares).mean() / (most - shares).mean()
    print(f"the planner reaches {reached:.1%} of what the most compute adds to the shares (means)")
    if (most < np.maximum(shares, planner) * (1.0 - ROUNDING)).any():
        raise SystemExit("the mix made less than the shares or the planner")


def compute(simulator: Simulator, count: int) -> np.ndarray:
    """The H100-equivalents of all AI chips of all quarters, by realization."""
    (model,) = simulator.models.values()
    ai = [product.kind == "ai" for product in model.products.values()]
    found = simulator.block(0, count)["h100_equivalents"][0][:, :, ai]
    return found.sum(axis=(1, 2), dtype=float)


if __name__ == "__main__":
    main()
