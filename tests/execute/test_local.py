import io
import signal
import sys
import threading
import time

import pytest

from yieldsim.execute.local import (
    Interrupted,
    available_cores,
    progress_bar,
    run_blocks,
    say_stopping,
)


def ctrl_c() -> None:
    signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)


@pytest.mark.parametrize("threads", [1, 2, 5, 64])
@pytest.mark.parametrize("count", [0, 1, 7, 40])
def test_each_block_is_run_once(threads: int, count: int) -> None:
    ran: list[int] = []
    results: list[int] = []

    def work(block: int) -> int:
        ran.append(block)
        return 10 * block

    run_blocks(work, range(count), threads, results.append)
    assert sorted(ran) == list(range(count))
    assert sorted(results) == [10 * block for block in range(count)]


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

    with pytest.raises(Interrupted) as error:
        run_blocks(work, range(1000), 2, stopping=lambda: told.append("stopping"))
    # block 3 and the one beside it, each of which may be followed by one that was just begun
    assert 4 <= len(finished) <= 8
    assert error.value.finished == len(finished)
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
    with pytest.raises(Interrupted) as error:
        run_blocks(work, range(4), 1)
    release.set()
    assert error.value.finished == 0
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
    run_blocks(work, range(3), 1, results.append)
    assert results == [1, 1, 1]
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_blocks_run_beside_the_main_thread() -> None:
    results: list[int] = []
    thread = threading.Thread(target=run_blocks, args=(lambda b: b, range(5), 2, results.append))
    thread.start()
    thread.join(10.0)
    assert sorted(results) == [0, 1, 2, 3, 4]


def test_the_cores_are_those_of_this_process() -> None:
    assert available_cores() >= 1


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_a_bar_of_realizations(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with progress_bar(10, 4, True) as bar:
        assert bar is not None
        bar.update(6)
    assert "10/10" in terminal.getvalue()
    with progress_bar(10, 0, False) as bar:
        assert bar is None


def test_a_terminal_is_told_why_a_stopped_run_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    say_stopping()
    assert terminal.getvalue() == "stopping after the blocks under way (Ctrl-C again: at once)\n"


def test_no_bar_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bar(10, 0, True) as bar:
        assert bar is None
    assert capsys.readouterr().err == ""
