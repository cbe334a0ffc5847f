"""Which blocks a task computes, by its options and by the variables of schedulers."""

import pytest

from yieldsim.errors import UsageError
from yieldsim.execute.share import chosen_blocks, share, task_of


@pytest.mark.parametrize("blocks", [1, 7, 8, 100])
@pytest.mark.parametrize("tasks", [1, 3, 8, 20])
def test_shares_are_even_and_cover_every_block_once(blocks: int, tasks: int) -> None:
    shares = [share(blocks, task, tasks) for task in range(tasks)]
    assert [block for own in shares for block in own] == list(range(blocks))
    sizes = {len(own) for own in shares}
    assert max(sizes) - min(sizes) <= 1


def slurm(number: int, first: int, last: int, count: int, step: int = 1) -> dict[str, str]:
    names = {"ID": number, "MIN": first, "MAX": last, "COUNT": count, "STEP": step}
    return {f"SLURM_ARRAY_TASK_{name}": str(value) for name, value in names.items()}


def sge(number: object, first: int, last: int, step: int = 1) -> dict[str, str]:
    names = {"ID": number, "FIRST": first, "LAST": last, "STEPSIZE": step}
    return {f"SGE_TASK_{name}": str(value) for name, value in names.items()}


LSF = {"LSB_JOBINDEX": "3", "LSB_JOBINDEX_END": "8", "LSB_JOBINDEX_STEP": "1"}


@pytest.mark.parametrize(
    ("task", "tasks", "environ", "expected"),
    [
        (2, 8, {}, (2, 8)),
        (2, 8, slurm(5, 0, 15, 16), (2, 8)),  # options come first
        (None, None, slurm(5, 0, 7, 8), (5, 8)),
        (None, None, slurm(5, 1, 8, 8), (4, 8)),
        (None, None, slurm(30, 10, 50, 5, step=10), (2, 5)),
        (None, 8, slurm(5, 0, 7, 8), (5, 8)),
        (None, 8, slurm(5, 5, 5, 1), (5, 8)),  # a single task is run again
        (None, 8, slurm(5, 2, 5, 2, step=3), (5, 8)),
        (None, 8, {"PBS_ARRAY_INDEX": "7"}, (7, 8)),
        (None, 8, {"PBS_ARRAYID": "0"}, (0, 8)),
        (None, None, sge(1, 1, 8), (0, 8)),
        (None, None, sge(8, 1, 8), (7, 8)),
        (None, None, sge(21, 1, 41, step=10), (2, 5)),
        (None, 8, sge(3, 3, 3), (2, 8)),
        (None, None, LSF, (2, 8)),
        (None, 9, LSF, (2, 9)),
        (None, 3, {"SGE_TASK_ID": "undefined", "LSB_JOBINDEX": "0", "PBS_ARRAYID": "1"}, (1, 3)),
    ],
)
def test_the_number_of_a_task(
    task: int | None, tasks: int | None, environ: dict[str, str], expected: tuple[int, int]
) -> None:
    assert task_of(task, tasks, environ) == expected


@pytest.mark.parametrize(
    ("task", "tasks", "environ", "where", "words"),
    [
        (None, None, {}, "--task", "none of SLURM_ARRAY_TASK_ID"),
        (None, 8, {}, "--task", "is missing"),
        (3, None, {}, "--tasks", "is missing"),
        (None, None, {"PBS_ARRAY_INDEX": "7"}, "--tasks", "PBS_ARRAY_INDEX does not tell it"),
        (None, None, slurm(3, 1, 7, 3), "--tasks", "is missing"),  # --array=1,3,7
        (8, 8, {}, "--task", "got 8; allowed: 0 to 7"),
        (None, 8, {"PBS_ARRAY_INDEX": "8"}, "PBS_ARRAY_INDEX", "got 8; allowed: 0 to 7"),
        (0, 0, {}, "--task", "out of range"),
        (None, None, sge("undefined", 1, 1), "--task", "is missing"),
    ],
)
def test_no_task_or_a_wrong_one_is_refused(
    task: int | None, tasks: int | None, environ: dict[str, str], where: str, words: str
) -> None:
    with pytest.raises(UsageError, match=words) as error:
        task_of(task, tasks, environ)
    assert error.value.where == where


def test_a_span_of_blocks() -> None:
    assert chosen_blocks(8, span="2-5") == range(2, 6)
    assert chosen_blocks(8, span="7") == range(7, 8)
    assert chosen_blocks(8, task=1, tasks=4) == range(2, 4)


@pytest.mark.parametrize("span", ["5-2", "2-8", "-1", "a", "", "1-2-3", "1,2"])
def test_a_wrong_span_is_refused(span: str) -> None:
    with pytest.raises(UsageError, match=r"^--blocks: out of range, got .* from 0 to 7"):
        chosen_blocks(8, span=span)


def test_a_span_and_a_task_are_refused() -> None:
    with pytest.raises(UsageError, match="--blocks: is given beside"):
        chosen_blocks(8, span="1-2", tasks=4)
