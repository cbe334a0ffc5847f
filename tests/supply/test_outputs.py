"""A model may keep only some of the variables; what a summary needs is always kept."""

from pathlib import Path

import numpy as np
import pytest

import yieldsim
from tests.paths import ROOT
from yieldsim.analysis import summarize
from yieldsim.errors import ModelError
from yieldsim.outputs import ALWAYS, DEMAND_OUTPUTS, OUTPUTS, TOTAL_CHIPS, chosen_outputs

ANALYST = ROOT / "benchmarks" / "analyst.toml"
ALL = f"simulation.outputs={[v.name for v in OUTPUTS]}"


DETAILS = [
    "tool_load",
    "sampling_kept",
    "tools",
    "tool_availability",
    "tool_passes_possible",
    "tool_passes",
]


def test_none_named_keeps_all_but_details() -> None:
    assert [v.name for v in OUTPUTS if v.on_request] == DETAILS
    kept = tuple(v for v in OUTPUTS if v.name not in DETAILS)
    assert chosen_outputs(()) == (*kept, TOTAL_CHIPS)
    assert chosen_outputs((), DEMAND_OUTPUTS) == (*kept, TOTAL_CHIPS, *DEMAND_OUTPUTS)


def test_details_are_kept_on_request() -> None:
    assert [v.name for v in chosen_outputs(DETAILS)] == [
        v.name for v in (*OUTPUTS, TOTAL_CHIPS) if v.name in (*DETAILS, *ALWAYS)
    ]
    assert chosen_outputs([v.name for v in OUTPUTS]) == (*OUTPUTS, TOTAL_CHIPS)


def test_a_request_changes_nothing_else() -> None:
    plain = yieldsim.run(ANALYST, realizations=3, seed=3, changes=["simulation.outputs=[]"])
    full = yieldsim.run(ANALYST, realizations=3, seed=3, changes=[ALL])
    assert set(full) - set(plain) == set(DETAILS)
    for name in set(plain) & {v.name for v in OUTPUTS}:
        np.testing.assert_array_equal(full[name].values, plain[name].values)


def test_a_variable_that_the_model_lacks_is_left_out() -> None:
    names = [v.name for v in chosen_outputs(("demand", "imports"), DEMAND_OUTPUTS)]
    assert set(names) == {*ALWAYS, "demand"}


def test_kept_variables_are_the_same_as_in_a_full_run(tmp_path: Path) -> None:
    few = yieldsim.run(
        ANALYST,
        realizations=9,
        seed=3,
        changes=['simulation.outputs=["good_dies"]'],
        out=tmp_path / "few.zarr",
    )
    full = yieldsim.run(ANALYST, realizations=9, seed=3, changes=[ALL])
    names = {"good_dies", *ALWAYS}
    assert {v.name for v in (*OUTPUTS, TOTAL_CHIPS)} & set(few) == names
    for name in names:
        np.testing.assert_array_equal(few[name].values, full[name].values)
    assert summarize(few)["records"] == summarize(full)["records"]


def test_an_unknown_variable_is_refused() -> None:
    with pytest.raises(ModelError, match="unknown output, got 'dice'; allowed: wafer_"):
        yieldsim.load_model(ANALYST, changes=['simulation.outputs=["dice"]'])
