"""The cost of the rule `most_compute`: the baseline by shares, and by a linear program's mix.

It prints the processor time of each, where the time of the mix goes, and how much compute the mix
adds under the same luck.
"""

from __future__ import annotations

import argparse

import measure
import numpy as np

import yieldsim
from yieldsim.supply import simulate
from yieldsim.supply.mix import mixer
from yieldsim.supply.simulate import Simulator

SEED = 7
RULES = {"shares": "baseline", "most compute": "most_compute"}
PLACES = {
    "three runs of the kernel": [(simulate, "simulate_block")],
    "what wafers and lines give": [(mixer, "lane_of"), (mixer, "supplies_of")],
    "linear program": [(mixer, "best_plan")],
    "the rest": [(Simulator, "block")],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few realizations, once")
    quick = parser.parse_args().quick
    realizations, repeats = (8, 1) if quick else (64, 5)
    print(measure.machine())
    file = yieldsim.load_file("baseline")
    simulators = {name: Simulator(file, [scenario], SEED) for name, scenario in RULES.items()}
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
    """Print how much compute the mix adds over all quarters, by realization."""
    made = []
    for simulator in simulators.values():
        (model,) = simulator.models.values()
        ai = [product.kind == "ai" for product in model.products.values()]
        found = simulator.block(0, count)["h100_equivalents"][0][:, :, ai]
        made.append(found.sum(axis=(1, 2), dtype=float))
    gain = made[1] / made[0] - 1.0
    quantiles = np.quantile(gain, [0.0, 0.1, 0.5, 0.9])
    heads = ["", "least", "P10", "P50", "P90"]
    row = ["H100-equivalents 2024 to 2028", *(f"{q:+.0%}" for q in quantiles)]
    measure.table("What the most compute adds under the same luck", heads, [row])
    if gain.min() < 0.0:
        raise SystemExit("the mix made less than the shares")


if __name__ == "__main__":
    main()
