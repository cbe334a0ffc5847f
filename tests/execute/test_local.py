import signal
import threading
import time

import pytest

from yieldsim.execute.local import run_blocks


def ctrl_c() -> None:
    signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)


@pytest.mark.parametrize("threads", [1, 2, 5, 64])
@pytest.mark.parametrize("count", [0, 1, 7, 40])
def test_each_block_is_run_once(threads: int, count: int) -> None:
    ran: list[int] = []
    results: list[tuple[int, int]] = []

    def work(block: int) -> int:
        ran.append(block)
        return 10 * block

    run_blocks(work, range(count), threads, lambda *result: results.append(result))
    assert sorted(ran) == list(range(count))
    assert sorted(results) == [(block, 10 * block) for block in range(count)]


def test_no_more_blocks_are_under_way_than_threads() -> None:
    lock = threading.Lock()
    under_way, most = 0, 0

    def work(block: int) -> int:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        time.sleep(0.002)
        with lock:
            under_way -= 1
        return 1

    run_blocks(work, range(30), 3)
    assert most == 3


def test_the_first_error_stops_the_run_and_is_raised() -> None:
    ran: list[int] = []

    def work(block: int) -> int:
        ran.append(block)
        if block == 3:
            raise ValueError("block 3")
        time.sleep(0.001)
        return 1

    with pytest.raises(ValueError, match="block 3"):
        run_blocks(work, range(1000), 2)
    assert len(ran) < 50


@pytest.mark.usefixtures("ctrl_c_is_heard")
def test_ctrl_c_ends_after_the_blocks_under_way() -> None:
    finished: list[int] = []
    told: list[str] = []

    def work(block: int) -> int:
        if block == 3:
            ctrl_c()
        time.sleep(0.05)  # the main thread has the time to notice
        finished.append(block)
        return 1

    with pytest.raises(KeyboardInterrupt):
        run_blocks(work, range(1000), 2, stopping=lambda: told.append("stopping"))
    # block 3 and the one beside it, each of which may be followed by one that was just begun
    assert 4 <= len(finished) <= 8
    assert told == ["stopping"]


@pytest.mark.usefixtures("ctrl_c_is_heard")
def test_a_second_ctrl_c_does_not_wait() -> None:
    release = threading.Event()

    def work(block: int) -> int:
        ctrl_c()
        release.wait(0.2)  # the main thread has the time to notice: two at once are one
        ctrl_c()
        release.wait(30.0)
        return 1

    start = time.perf_counter()
    with pytest.raises(KeyboardInterrupt):
        run_blocks(work, range(4), 1)
    release.set()
    assert time.perf_counter() - start < 15.0  # the block would take 30 s


@pytest.mark.usefixtures("ctrl_c_is_heard")
def test_ctrl_c_is_handed_back() -> None:
    run_blocks(lambda block: 1, range(3), 2)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.usefixtures("ctrl_c_is_heard")
def test_an_ignored_ctrl_c_stays_ignored() -> None:
    def work(block: int) -> int:
        ctrl_c()
        time.sleep(0.01)
        return 1

    results: list[int] = []
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the fixture puts back what was there before
    run_blocks(work, range(3), 1, lambda block, count: results.append(block))
    assert results == [0, 1, 2]
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_blocks_run_beside_the_main_thread() -> None:
    results: list[int] = []
    given = (lambda b: b, range(5), 2, lambda block, _: results.append(block))
    thread = threading.Thread(target=run_blocks, args=given)
    thread.start()
    thread.join(10.0)
    assert sorted(results) == [0, 1, 2, 3, 4]
