import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ensemble.fake import FakeSimulator, analyst_file
from yieldsim.ensemble import RunPlan, bytes_per_realization, default_block_size
from yieldsim.ensemble.layout import block_specs


@pytest.mark.parametrize(
    ("realizations", "one", "scenarios", "expected"),
    [
        (1, 1000, 1, 1),
        (10, 1000, 1, 10),  # no block is larger than the run
        (100, 1000, 1, 16),  # nor smaller than 16
        (256, 40_000, 1, 32),  # eight blocks
        (10_000, 40_000, 1, 417),  # 24 blocks of 16 MiB or less
        (10_000, 40_000, 6, 209),  # six scenarios share 48 MiB
        (10**6, 100, 1, 16_384),  # nor larger than this, however small a realization
        (10**6, 10**9, 1, 16),
    ],
)
def test_default_block_sizes(realizations: int, one: int, scenarios: int, expected: int) -> None:
    assert default_block_size(realizations, one, scenarios) == expected


@given(realizations=st.integers(1, 10**7), one=st.integers(1, 10**6), scenarios=st.integers(1, 50))
def test_a_default_block_fits_into_memory(realizations: int, one: int, scenarios: int) -> None:
    size = default_block_size(realizations, one, scenarios)
    assert 1 <= size <= min(16384, realizations)
    # one realization more than fits is rounding up to a whole one; 16 are the least
    assert size <= 16 or (size - 1) * one * scenarios <= 48 * 2**20
    assert size <= 16 or math.ceil(realizations / size) >= 8


@given(realizations=st.integers(1, 2000), size=st.integers(1, 300))
def test_blocks_cover_every_realization_once(realizations: int, size: int) -> None:
    plan = RunPlan(analyst_file(), ("baseline",), 0, realizations, size)
    spans = [plan.span(block) for block in range(plan.blocks)]
    assert [r for first, count in spans for r in range(first, first + count)] == list(
        range(realizations)
    )


def test_bytes_per_realization_are_those_of_a_block() -> None:
    source = FakeSimulator(analyst_file(), ["baseline"], 1)
    arrays = source.block(0, 7)
    assert bytes_per_realization(source) * 7 == sum(a.nbytes for a in arrays.values())


def test_what_was_never_written_is_no_possible_result() -> None:
    plan = RunPlan(analyst_file(), ("baseline",), 1, 7, 4)
    specs = block_specs(FakeSimulator(plan.file, plan.scenarios, 1), plan)
    assert {np.dtype(spec.dtype).name for spec in specs} == {"float32", "float64", "int16"}
    for spec in specs:
        assert spec.fill == -1 if spec.dtype == "int16" else math.isnan(spec.fill)
