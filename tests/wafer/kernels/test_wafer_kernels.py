"""Kernels of wafers beside plain Python, SciPy and one another."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import special, stats

from tests.wafer.made_up_wafers import ALL, OPTIONS, make_model
from yieldsim.kernels.philox import STREAM_DEFECT_COUNT, STREAM_DEFECT_PLACE, philox4x32
from yieldsim.wafer import simulate
from yieldsim.wafer.compile.compiled import compile_wafer
from yieldsim.wafer.compile.cubics import gamma_nodes
from yieldsim.wafer.defects import Defects
from yieldsim.wafer.kernels import sorting
from yieldsim.wafer.kernels.points_plain import pair_of
from yieldsim.wafer.shortcuts import make_plain
from yieldsim.wafer.simulate import run_compiled


@pytest.mark.parametrize("alpha", [0.1, 2.0, 300.0, math.inf])
def test_gamma_nodes(alpha: float) -> None:
    x, weight = gamma_nodes(alpha)
    assert weight.sum() == pytest.approx(1.0, rel=1e-12)
    assert weight @ x == pytest.approx(1.0, rel=1e-9)
    exact = math.exp(-1.5) if math.isinf(alpha) else (1.0 + 1.5 / alpha) ** -alpha
    assert weight @ np.exp(-1.5 * x) == pytest.approx(exact, rel=1e-9)


@pytest.mark.parametrize("r", [-0.99, -0.5, 0.0, 0.3, 0.9, 0.99])
def test_normal_pair(r: float) -> None:
    x, w = np.polynomial.legendre.leggauss(32)
    nodes, weights = 0.5 * (x + 1.0), 0.5 * w
    law = stats.multivariate_normal([0.0, 0.0], [[1.0, r], [r, 1.0]])
    for h, k in ((0.3, -1.0), (2.0, 1.9), (-1.5, -1.4), (0.0, 0.0), (-3.0, 3.0)):
        got = sorting.normal_pair_below(h, k, r, nodes, weights)
        # SciPy's own error is near 1e-8
        assert got == pytest.approx(law.cdf([h, k]), abs=2e-7)
    assert sorting.normal_pair_below(np.inf, 0.5, r, nodes, weights) == pytest.approx(
        special.ndtr(0.5)
    )
    assert sorting.normal_pair_below(-np.inf, 0.5, r, nodes, weights) == 0.0


def plain_wafer_by_integers(seed: int, wafer: int, below: list[int], dies: int) -> int:
    """Good dies of a wafer, from the words one by one."""

    def word(number: int) -> int:
        entity = 0xFFFFFFFF
        four = philox4x32.py_func(
            *map(np.uint32, (number // 4, entity, STREAM_DEFECT_COUNT, wafer)),
            np.uint64(seed & 0xFFFFFFFF),
            np.uint64(seed >> 32),
        )
        return int(four[number % 4])

    count = next(n for n, top in enumerate(below) if word(0) < top)
    if dies > 64:
        return dies - len({word(j + 1) * dies >> 32 for j in range(count)})
    pairs = [divmod(word(j // 2 + 1) * dies**2 >> 32, dies) for j in range(count)]
    return dies - len({pair[j % 2] for j, pair in enumerate(pairs)})


@given(dies=st.integers(1, 64), data=st.data())
def test_two_dies_of_a_word(dies: int, data: st.DataObject) -> None:
    """A pair's words are those between two thresholds, of which each pair has 2^32 / dies^2."""
    pair = data.draw(st.integers(0, dies**2 - 1))
    first = -(-pair * 2**32 // dies**2)
    last = -(-(pair + 1) * 2**32 // dies**2) - 1
    for word in (first, last):
        found = pair_of(np.uint32(word), np.uint64(dies))
        assert tuple(map(int, found)) == divmod(pair, dies)


@pytest.mark.parametrize("size", [(26, 33), (12, 11), (60, 70)])
def test_plain_block_by_integers(size: tuple[float, float]) -> None:
    """64 dies and fewer go by a mask, more by marks."""
    change = {"die.blocks": {}, "bins": {}, "wafer": {}, "reticle": None}
    change |= {"die.width_mm": size[0], "die.height_mm": size[1], "process.d0_per_cm2": 0.05}
    compiled = compile_wafer(make_model(change), 2**40 + 3)
    plain = make_plain(compiled)
    one = run_compiled(compiled, 130, "points", first_wafer=2**32 - 130, keep_maps=True)
    dies = len(compiled.sites)
    for wafer in (0, 1, 63, 64, 129):
        number = 2**32 - 130 + wafer
        exact = plain_wafer_by_integers(2**40 + 3, number, plain.count_below.tolist(), dies)
        assert one.good[wafer, 0] == exact
    assert one.bin_map is not None
    assert np.array_equal((one.bin_map == 0).sum(axis=1), one.good[:, 0])


def listed(cores: int, d0: float, wafers: int, seed: int) -> Defects:
    """The defects of wafers of the reference die, whose places come from two counters."""
    blocks = {"core": {"kind": "core", "count": cores, "area_mm2": 12.0}}
    change = {"die.blocks": blocks, "bins": {}, "process.d0_per_cm2": d0}
    compiled = compile_wafer(make_model(change), seed)
    found = run_compiled(compiled, wafers, "points", keep_maps=True).defects
    assert found is not None
    return found


def number_in_die(defects: Defects) -> NDArray[np.int64]:
    """The number of each defect on its die; they are listed die by die."""
    die = defects.wafer * 1000 + defects.die
    start = np.flatnonzero(np.r_[True, die[1:] != die[:-1]])
    return np.arange(die.size) - np.repeat(start, np.diff(np.r_[start, die.size]))


def test_heights_by_integers() -> None:
    seed = 5
    defects = listed(4, 2.0, 1, seed)
    numbers = number_in_die(defects)
    assert numbers.max() > 6
    key = np.uint64(seed), np.uint64(0)
    sites = compile_wafer(make_model({}), seed).sites
    for row in range(0, len(defects), 7):
        die, j = int(defects.die[row]), int(numbers[row])
        block = philox4x32.py_func(
            np.uint32(die), *map(np.uint32, (0, STREAM_DEFECT_COUNT, 0)), *key
        )
        own = philox4x32.py_func(*map(np.uint32, (die, j, STREAM_DEFECT_PLACE, 0)), *key)
        height = int(own[0])
        if j < 6:
            upper = int(block[1 + j // 2]) >> (0 if j % 2 else 16)
            height = (upper & 0xFFFF) << 16 | height & 0xFFFF
        up = (defects.y_mm[row] - sites.y_mm[die]) / sites.height_mm
        assert up == pytest.approx((height + 0.5) / 2**32 - 0.5, abs=1e-12)


def test_heights_are_uniform_and_independent() -> None:
    """Chi-square over an 8 x 8 grid of the heights of two defects of a die, number by number."""
    defects = listed(4, 1.5, 60, 11)
    numbers = number_in_die(defects)
    sites = compile_wafer(make_model({}), 11).sites
    up = (defects.y_mm - sites.y_mm[defects.die]) / sites.height_mm + 0.5
    cell = np.minimum((8.0 * up).astype(int), 7)
    for j in range(1, 8):
        later = np.flatnonzero(numbers == j)
        for step in {1, min(j, 3)}:
            table = np.bincount(8 * cell[later - step] + cell[later], minlength=64)
            assert stats.chisquare(table).pvalue > 1e-4, (j, step)


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 2**64 - 1),
    d0=st.floats(0.0, 3.0),
    cores=st.integers(1, 62),
    option=st.sampled_from(["die", "lot", "profile"]),
)
def test_the_vector_loop_is_the_scalar_one(seed: int, d0: float, cores: int, option: str) -> None:
    """`flat_points` gives what `points` gives defect by defect, and what the general tree gives."""
    blocks = {"core": {"kind": "core", "count": cores, "area_mm2": 200.0 / cores}}
    bins = {str(k): {"min_good_cores": k} for k in sorted({cores, cores // 2, 1}, reverse=True)}
    change = {**OPTIONS[option], "die.blocks": blocks, "bins": bins, "process.d0_per_cm2": d0}
    compiled = compile_wafer(make_model(change), seed)
    fast = run_compiled(compiled, 4, "points", keep_maps=True)
    assert compiled.layout.cell_node.size > 0
    empty = np.zeros(0, np.uint8)
    for layout in (
        compiled.layout._replace(cell_node=empty),
        compiled.layout._replace(cell_node=empty, flat=False),
    ):
        compiled.layout = layout
        slow = run_compiled(compiled, 4, "points", keep_maps=True)
        assert np.array_equal(fast.bin_map, slow.bin_map)
        assert np.array_equal(fast.truly_good, slow.truly_good)


def test_a_wafer_by_table_is_the_sum_of_its_dies(monkeypatch: pytest.MonkeyPatch) -> None:
    """`expected_from_scale` against `expected_block`, die by die."""
    change = {**OPTIONS["die"], **OPTIONS["lot"], **OPTIONS["profile"], **OPTIONS["test"]}
    compiled = compile_wafer(make_model(change), 1)
    by_table = run_compiled(compiled, 300, "expected")
    monkeypatch.setattr(simulate, "is_scaled", lambda compiled: False)
    by_die = run_compiled(compiled, 300, "expected")
    # two cubic tables of a relative error near 1e-7, summed over 96 dies
    for name in ("good", "truly_good", "escapes", "variance", "total_variance"):
        assert getattr(by_table, name) == pytest.approx(getattr(by_die, name), abs=1e-4), name


def test_pieces_error() -> None:
    for changes in (OPTIONS["nested"], OPTIONS["die"], ALL):
        compiled = compile_wafer(make_model(changes), 0)
        x = np.geomspace(1e-4, 30.0, 3000)
        x = x[x * compiled.floorplan.die_cm2 < 10.0]
        exact = compiled.floorplan.tails(x)
        assert np.abs(compiled.pieces(x) - exact).max() < 1e-6
        assert compiled.pieces(np.zeros(1)) == pytest.approx(
            compiled.floorplan.tails(np.zeros(1)), abs=1e-15
        )
