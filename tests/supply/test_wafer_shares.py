"""Shares of the AI wafers of a line: exact, and the other weights keep their ratios."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.supply.kernels.by_hand import FLOAT32, ONE_LINE
from yieldsim.model.load import ModelFile, load_file
from yieldsim.supply.simulate import Simulator

ORIGIN = {"source": "made_up", "grade": "assumed"}
STARTS = 3000.0  # wafers a quarter of one_line.toml
DIES = ("chip", "second", "io", "soc")


def line_of(allocation: dict[str, Any]) -> ModelFile:
    """one_line.toml with a second accelerator, which needs I/O dies, and a phone chip."""
    file = load_file(ONE_LINE)
    chip = file.raw["dies"]["chip"]
    file.raw["dies"] |= {name: dict(chip) for name in DIES[1:]}
    kind: dict[str, Any] = {"start": "2026Q1", **ORIGIN}
    file.raw["products"] |= {
        "big": {**kind, "die": "second", "other_dies": {"io": 1}},
        "phone": {**kind, "die": "soc", "kind": "phone"},
    }
    for name in ("a", "b"):
        del file.raw["products"][name]["performance"]
    del file.raw["products"]["b"]
    file.raw["products"]["a"]["performance"] = {"good": {"tflops_fp16": 100}}
    file.raw["products"]["big"]["performance"] = {"good": {"tflops_fp16": 100}}
    weights = {k: v if isinstance(v, dict) else {"value": v} for k, v in allocation.items()}
    weights.setdefault("io", {"value": 0})  # each design must have wafers somewhere
    entries = {name: {**weight, **ORIGIN} for name, weight in weights.items()}
    file.raw["fabs"]["line"]["allocation"] = {"n2": entries}
    return file


def wafers(allocation: dict[str, Any]) -> dict[str, np.ndarray]:
    """Wafers started a quarter by design, and those of no design."""
    engine = Simulator(line_of(allocation), ["baseline"], 1)
    block = engine.block(0, 1)
    got = dict(zip(DIES, block["die_wafer_starts"][0, 0].astype(float).T, strict=True))
    starts = block["wafer_starts"][0, 0, :, 0, 0]
    np.testing.assert_allclose(starts, STARTS, rtol=FLOAT32)
    return {**got, "other": starts - sum(got.values())}


def percent(value: float) -> dict[str, Any]:
    return {"value": value, "unit": "%", "share_of": "ai"}


def test_a_share_by_hand() -> None:
    got = wafers({"chip": 1, "second": percent(40), "soc": 2, "other": 1})
    # weights 1, 2/3, 2, 1: two of five AI wafers
    total = 1 + 2 / 3 + 2 + 1
    for name, weight in {"chip": 1, "second": 2 / 3, "io": 0, "soc": 2, "other": 1}.items():
        # `other` is a difference of numbers in single precision
        np.testing.assert_allclose(got[name], STARTS * weight / total, rtol=1e-6, atol=1e-3)


@settings(max_examples=25, deadline=None)
@given(
    st.floats(0.0, 60.0),
    st.floats(0.0, 39.0),
    st.floats(0.1, 5.0),
    st.floats(0.0, 5.0),
    st.floats(0.1, 5.0),
)
def test_shares_are_exact_and_other_weights_keep_their_ratios(
    second: float, io: float, chip: float, soc: float, other: float
) -> None:
    got = wafers(
        {"chip": chip, "second": percent(second), "io": percent(io), "soc": soc, "other": other}
    )
    ai = got["chip"] + got["second"] + got["io"]
    np.testing.assert_allclose(got["second"], second / 100.0 * ai, rtol=1e-5, atol=1e-3)
    np.testing.assert_allclose(got["io"], io / 100.0 * ai, rtol=1e-5, atol=1e-3)
    np.testing.assert_allclose(got["soc"] * chip, got["chip"] * soc, rtol=1e-5, atol=1e-3)


def test_a_share_may_change_with_time_and_needs_another_ai_design_then() -> None:
    series = {"quarters": ["2026Q1", "2026Q3"], "values": [20, 50], "interpolate": "step"}
    share = {**series, "unit": "%", "share_of": "ai"}
    late = {"quarters": ["2026Q2"], "values": [1], "interpolate": "step", "before": "zero"}
    got = wafers({"chip": late, "second": share, "soc": 1})
    np.testing.assert_allclose(got["second"][0], 0.0)  # no AI wafers to share
    np.testing.assert_allclose(got["soc"][0], STARTS, rtol=FLOAT32)
    ai = got["chip"] + got["second"]
    np.testing.assert_allclose(got["second"][1:] / ai[1:], [0.2, 0.5, 0.5], rtol=1e-6)


@pytest.mark.parametrize("name", ["chip", "second"])
def test_a_weight_that_gives_the_same_share_gives_the_same_wafers(name: str) -> None:
    by_share = wafers({"chip": 1, "second": percent(25), "soc": 2})
    by_weight = wafers({"chip": 3, "second": 1, "soc": 6})
    np.testing.assert_allclose(by_share[name], by_weight[name], rtol=1e-6)
