"""Tools that lose their service: defects and overlay errors worsen per quarter, up to a number."""

import math

import numpy as np

from tests.supply.kernels.by_hand import FLOAT32, assert_all, run_tools

STEPS = 10  # a quarter of one_group.toml
LOSS = (
    'events.denied={{kind="service_loss", start="2026Q2", mttf_ratio=1, mttr_ratio=1, quarters=2,'
    ' source="made_up", grade="assumed", {}}}'
)


def per_quarter(ratio: float, quarter: int) -> np.ndarray:
    """The factor in the middle of each step of a quarter; the loss begins with quarter 1."""
    since = quarter - 1 + (np.arange(STEPS) + 0.5) / STEPS
    return ratio ** np.clip(since, 0.0, 2.0)


def test_defects_multiply_up_per_quarter() -> None:
    got = run_tools("processes.n2.d0_mature_per_cm2=0.1", LOSS.format("d0_ratio=2"))
    starts = got["wafer_starts"][:, 0, 0]
    assert_all(starts, starts[0])  # as many in each step
    expected = [0.1 * per_quarter(2.0, quarter).mean() for quarter in range(4)]
    np.testing.assert_allclose(got["d0_per_cm2"][:, 0, 0], expected, rtol=FLOAT32)


def test_overlay_errors_multiply_up_per_quarter() -> None:
    layers, tolerance, sigma = 10, 5.0, 2.0
    got = run_tools(
        f"processes.n2.overlay_layers={layers}",
        f"processes.n2.overlay_tolerance_nm={tolerance}",
        f"tool_groups.litho.imported.overlay_sigma_nm={sigma}",
        LOSS.format("overlay_ratio=1.5"),
    )
    fit = got["saleable_dies"][:, 0] / got["gross_dies_started"][:, 0]
    expected = [
        np.mean(
            [
                math.erf(tolerance / (sigma * ratio * math.sqrt(2.0))) ** (2 * layers)  # both axes
                for ratio in per_quarter(1.5, quarter)
            ]
        )
        for quarter in range(4)
    ]
    np.testing.assert_allclose(fit, expected, rtol=2 * FLOAT32)


def test_tools_of_another_class_or_group_stay_as_they_are() -> None:
    dirty = "processes.n2.d0_mature_per_cm2=0.1"
    other = LOSS.format('d0_ratio=2, overlay_ratio=2, tool_class="domestic"')
    for name, values in run_tools(dirty).items():
        assert values.tobytes() == run_tools(dirty, other)[name].tobytes(), name
