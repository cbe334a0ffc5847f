import math

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from tests.ensemble.fake import FakeSimulator, analyst_file
from yieldsim.ensemble import RunPlan, bytes_per_realization, default_block_size
from yieldsim.ensemble.layout import MAX_BLOCKS, block_specs


@given(
    realizations=st.integers(1, 10**7),
    size_bytes=st.integers(1, 10**6),
    scenarios=st.integers(1, 50),
)
@example(realizations=10**6, size_bytes=10**9, scenarios=1)
@example(realizations=10**6, size_bytes=100, scenarios=1)
@example(realizations=256, size_bytes=40_000, scenarios=1)
def test_default_blocks_are_as_large_as_memory_and_eight_blocks_allow(
    realizations: int, size_bytes: int, scenarios: int
) -> None:
    size = default_block_size(realizations, size_bytes, scenarios)
    fewest = math.ceil(realizations / MAX_BLOCKS)  # files of a store come before memory
    least, most = min(max(16, fewest), realizations), min(max(16_384, fewest), realizations)
    assert least <= size <= most

    def allowed(larger: int) -> bool:
        """Whether eight blocks or more of this size fit, up to a realization, into memory."""
        fits = (larger - 1) * size_bytes <= min(16 * 2**20, 48 * 2**20 // scenarios)
        return fits and math.ceil(realizations / larger) >= 8

    assert size == least or allowed(size)
    # blocks are about equal, so twice the size would be too large
    assert size == most or 2 * size > most or not allowed(2 * size)


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
