"""A perfect model: histories simulated from one realization, and what conditioning says of later.

The same on a made-up ensemble, in a second, is in `tests/analysis/conditioning/test_condition.py`.
"""

from pathlib import Path

import numpy as np
import pytest

import yieldsim
from tests.analysis.conditioning.worlds import evidence, row
from tests.paths import ROOT
from yieldsim.analysis.conditioning.likelihood import pieces_of
from yieldsim.analysis.conditioning.reliability import weigh
from yieldsim.analysis.statistics.weighted import weighted_quantile

TRUTHS, OTHERS = 100, 3_000
SEEN, LATER = 4, slice(8, None)  # quarters: the first year; from the third year on


@pytest.mark.slow  # compiles the simulation
@pytest.mark.statistical
def test_later_quarters_of_the_small_model_lie_inside_as_often_as_they_should(
    tmp_path: Path,
) -> None:
    model = ROOT / "benchmarks" / "analyst.toml"
    ds = yieldsim.run(model, realizations=TRUTHS + OTHERS, seed=5)
    chips = ds["usable_chips"].sel(scenario="baseline").sum("product").to_numpy().astype(float)
    labels = [str(label) for label in ds["quarter_label"].to_numpy()]
    others = ds.isel(realization=slice(TRUTHS, None))
    rng = np.random.default_rng(3)
    error = 0.3 * np.median(chips[:, :SEEN], axis=0)
    inside, narrower, held = [], [], 0
    for truth in chips[:TRUTHS]:
        seen = np.clip(truth[:SEEN] + error * rng.standard_normal(SEEN), 0.0, None)
        rows = [row(labels[q], central=seen[q], spread=str(error[q])) for q in range(SEEN)]
        found = weigh(pieces_of(others, evidence(tmp_path, *rows)))
        later = chips[TRUTHS:, LATER].T
        low, high = weighted_quantile(later, found.weights, (0.1, 0.9)).T
        inside.append((low <= truth[LATER]) & (truth[LATER] <= high))
        before = np.quantile(later, (0.1, 0.9), axis=1)
        narrower.append((high - low) / (before[1] - before[0]))
        held += not found.collapsed
    assert held > 70  # truths in the tails of the prior have few realizations like them
    # 80 % of 100 truths are known to 4 %, two of these; the quarters of a truth go together
    assert np.mean(inside) == pytest.approx(0.80, abs=0.08)
    assert np.mean(narrower) < 0.9  # and it has learned something
