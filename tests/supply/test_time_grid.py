"""Yearly chips of the baseline at the default steps and at the finest."""

import numpy as np
import pytest

from yieldsim.model.load import load_file
from yieldsim.supply.simulate import Simulator

REALIZATIONS = 1024  # few, where a choice of the planner tips, make most of the rms
FINEST = 52
CALM = "simulation.process_noise=false"  # luck has other draws on another grid
KEPT = 'simulation.outputs=["usable_chips"]'


def yearly(steps: int | None) -> np.ndarray:
    """Usable AI chips, (realization, year); at the default steps for None."""
    grid = [] if steps is None else [f"simulation.steps_per_quarter={steps}"]
    file = load_file("baseline").with_changes([CALM, KEPT, *grid])
    chips = Simulator(file, ["baseline"], 7).block(0, REALIZATIONS)["usable_chips_total"][0]
    return chips.astype(float).reshape(REALIZATIONS, -1, 4).sum(axis=2)


@pytest.mark.slow
def test_yearly_chips_hardly_depend_on_the_time_grid() -> None:
    """Half a percent in the mean and 1.5 % rms by realization: what the project allows itself."""
    default, finest = yearly(None), yearly(FINEST)
    np.testing.assert_allclose(default.mean(axis=0), finest.mean(axis=0), rtol=0.005)
    assert np.all(np.sqrt(((default / finest - 1.0) ** 2).mean(axis=0)) < 0.015)
