"""What must not matter to a block of realizations: how it is split, and threads beside it."""

import threading
from collections.abc import Iterable, Sequence

import numpy as np

from yieldsim.supply.simulate import Simulator

Block = dict[str, np.ndarray]


def assert_same(first: Block, second: Block) -> None:
    """Bit for bit: NaN equals NaN, and -0 differs from 0."""
    assert first.keys() == second.keys()
    for name in first:
        assert first[name].dtype == second[name].dtype
        assert first[name].shape == second[name].shape
        assert first[name].tobytes() == second[name].tobytes(), name


def assert_any_split_is_the_same(engine: Simulator, splits: Iterable[Sequence[int]]) -> None:
    """Each split gives the sizes of parts; they are run one after another."""
    for sizes in splits:
        ends = np.cumsum((0, *sizes)).tolist()
        whole = engine.block(0, ends[-1])
        parts = [engine.block(e, n) for e, n in zip(ends[:-1], sizes, strict=True)]
        joined = {key: np.concatenate([p[key] for p in parts], axis=1) for key in whole}
        assert_same(whole, joined)


def assert_threads_do_not_meet(engine: Simulator) -> None:
    expected = [engine.block(first, 5) for first in (0, 5, 10, 15)]
    blocks: dict[int, Block] = {}

    def work(number: int) -> None:
        blocks[number] = engine.block(5 * number, 5)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number, block in enumerate(expected):
        assert_same(block, blocks[number])
