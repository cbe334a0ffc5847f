"""Wafers into and out of a route: the rule of release, first in and first out, conservation."""

import numpy as np
import pytest

from tests.paths import VALID
from tests.supply.kernels.records_by_hand import FORMS, form_of
from yieldsim.model.load import load_file
from yieldsim.supply.kernels import cohorts
from yieldsim.supply.simulate import Simulator, _Run


@pytest.mark.parametrize("form", FORMS)
def test_release_starts_the_plan_unless_wip_forbids(form: str) -> None:
    release = form_of(cohorts.release, form)
    assert release(100.0, 100.0, True, 0.0, 0.0, 1e9, 4.0) == (100.0, False)
    # a route with tools buffers the wafers that they cannot process, one without has no buffer
    assert release(100.0, 25.0, True, 0.0, 0.0, 1e9, 4.0) == (100.0, False)
    assert release(100.0, 25.0, False, 0.0, 0.0, 1e9, 4.0) == (25.0, False)
    # cap 2 x 100 x 4 = 800 wafers: room for 30 more, and for those that leave
    assert release(100.0, 100.0, True, 770.0, 0.0, 2.0, 4.0) == (30.0, True)
    assert release(100.0, 100.0, True, 770.0, 45.0, 2.0, 4.0) == (75.0, True)
    assert release(100.0, 100.0, True, 770.0, 70.0, 2.0, 4.0) == (100.0, False)
    assert release(100.0, 100.0, True, 900.0, 60.0, 2.0, 4.0) == (0.0, True)
    full = 800.0 * (1.0 - 1e-12)  # but for rounding
    assert release(100.0, 100.0, True, full, 0.0, 2.0, 4.0) == (0.0, True)
    # cap 2 x 25 x 4 = 200 wafers: it follows what tools can do
    assert release(100.0, 25.0, True, 170.0, 0.0, 2.0, 4.0) == (30.0, True)
    assert release(100.0, 25.0, False, 170.0, 0.0, 2.0, 4.0) == (25.0, False)
    # a route without raw process time never fills, and starts what tools can do
    assert release(100.0, 25.0, True, 900.0, 0.0, 2.0, 0.0) == (25.0, False)


ROUTES = [
    ("one_line", ("processes.n2.raw_process_days=50",)),
    ("one_group", ("simulation.process_noise=true", "fabs.line.plan.n2=1200")),
    ("one_group", ("fabs.line.plan.n2=2000", "simulation.segments=3")),  # above capacity
    ("two_fabs", ()),
    ("overload", ()),
    ("layers", ()),
    ("shocks", ("simulation.flow_steps=5",)),
]


@pytest.mark.parametrize(("name", "changes"), ROUTES)
def test_wafers_leave_in_order_and_segments_hold_all_of_them(
    name: str, changes: tuple[str, ...]
) -> None:
    """The routes after some numbers of steps, the last ones included."""
    simulator = Simulator(load_file(VALID / f"{name}.toml").with_changes(changes), ["baseline"], 7)
    compiled = simulator.compiled["baseline"]
    run = _Run(7, compiled, simulator._layouts["baseline"])
    _, worlds = compiled.draw(7, 0, 3)
    state, structure, full = run.state, compiled.structure, 0.0
    for steps in (1, 2, 7, compiled.clock.steps - 1, compiled.clock.steps):
        run(compiled.clock._replace(steps=steps), worlds, 0)
        for number, route in enumerate(structure.route):
            cohort, wip = state.cohort[number, :steps], state.route["wip"][number, :3]
            started, left = cohort["started"][:, :3], cohort["remaining"][:, :3]
            assert np.all((left >= 0.0) & (left <= started))
            for k in range(3):  # all of one leave before any of the next
                waiting = (left[:, k] > 0.0) & (started[:, k] > 0.0)
                touched = np.flatnonzero(left[:, k] < started[:, k])
                assert not waiting[: max(touched, default=0)].any()
            np.testing.assert_allclose(wip, left.sum(axis=0), rtol=1e-9, atol=1e-6)
            empty = left.sum(axis=0) == 0.0
            assert np.all(wip[empty] == 0.0)  # rounding leaves no wafer in an empty route
            if structure.fab[route.fab].equipped:
                inside = state.segment["wafers"][number, :, :3]
                assert np.all(inside >= -1e-9)
                assert np.all(inside[:, empty] == 0.0)
                assert not inside[route.segments :].any()
                np.testing.assert_allclose(inside.sum(axis=0), wip, rtol=1e-9, atol=1e-6)
            full += wip.sum()
    assert full > 0.0
