"""The frame of the command line: help, exit codes, one line for every kind of trouble."""

import gc
import os
import signal
import subprocess
import sys
import time

import click
import pytest

from tests.paths import ROOT
from yieldsim import errors
from yieldsim.cli import main as frame
from yieldsim.cli.commands import COMMANDS
from yieldsim.cli.main import cli, main


def outcome(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    code = main(arguments)
    out, err = capsys.readouterr()
    return code, out, err


def in_a_shell(command: str) -> subprocess.CompletedProcess[str]:
    script = f"set -o pipefail; {command.replace('yieldsim', f'{sys.executable} -m yieldsim')}"
    return subprocess.run(
        ["bash", "-c", script], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch):
    """Makes ``yieldsim check X`` raise what the test hands over."""

    def install(error: BaseException) -> None:
        @click.command()
        @click.argument("model")
        def check(model: str) -> None:
            raise error

        monkeypatch.setattr(frame.LazyGroup, "get_command", lambda *_: check)

    return install


def test_help_is_quick() -> None:
    """Issue 2: under 0.3 s; the best of three, as the machine may be busy with other tests."""
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "yieldsim", "--help"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 0.3
    assert all(f"\n  {name} " in done.stdout for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_loads_and_its_help_is_in_the_table(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert isinstance(command, click.Command)
    assert command.get_short_help_str(limit=200) == COMMANDS[name].help
    assert any("--json" in parameter.opts for parameter in command.params)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = outcome([name, "--help"], capsys)
    assert (code, err) == (0, "")
    assert out.startswith(f"Usage: yieldsim {name} ")


def test_a_command_seldom_looks_for_dead_objects(capsys: pytest.CaptureFixture[str]) -> None:
    searches: list[str] = []
    usual = gc.get_threshold()
    gc.collect()
    gc.callbacks.append(lambda phase, info: searches.append(phase))
    try:
        assert main(["show", "baseline"]) == 0
    finally:
        gc.callbacks.pop()
    capsys.readouterr()
    # 270 in a new process by default, at every 700 objects; 17 at every 10,000
    assert len(searches) / 2 < 60
    assert gc.get_threshold() == usual


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    from yieldsim import __version__

    assert outcome(["--version"], capsys) == (0, f"yieldsim {__version__}\n", "")


def test_without_a_command_the_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = outcome([], capsys)
    assert "Commands:" in out + err
    assert code in (0, 2)  # click before 8.2 exits 0


WHOLE = "Invalid value for '--realizations': 'ten' is not a valid integer (see yieldsim run"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nonsense"], "No such command 'nonsense'"),
        (["--nonsense"], "No such option"),
        (["check"], "Missing argument 'MODEL' (see yieldsim check --help)"),
        (["check", "a.toml", "b.toml"], "Got unexpected extra argument (b.toml)"),
        (["run", "baseline", "--realizations", "0"], "Invalid value for '--realizations'"),
        (["run", "baseline", "--realizations", "ten"], WHOLE),
        (["plot"], "Missing argument 'STORE'"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = outcome(arguments, capsys)
    assert (code, out) == (2, "")
    assert err.startswith(f"yieldsim: error: {message}")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (errors.ModelError, 1),
        (errors.StoreError, 1),
        (errors.UsageError, 2),
        (errors.IncompleteError, 3),
        (errors.VerificationError, 4),
        (errors.RetryError, 75),
    ],
)
def test_known_errors_are_one_line_with_their_code(kind, code, broken, capsys) -> None:
    broken(kind("dies.ai.width_mm", "must be\n> 0", got=-1, allowed="> 0"))
    printed = outcome(["check", "x"], capsys)
    line = "yieldsim: error: dies.ai.width_mm: must be > 0, got -1; allowed: > 0\n"
    assert printed == (code, "", line)


def test_a_bug_says_that_it_is_one(broken, capsys, monkeypatch) -> None:
    monkeypatch.delenv("YIELDSIM_DEBUG", raising=False)
    broken(ZeroDivisionError("three\nlines\nlong"))
    code, out, err = outcome(["check", "x"], capsys)
    assert (code, out) == (1, "")
    assert err == (
        "yieldsim: error: this is a bug in yieldsim: ZeroDivisionError: three lines long "
        "(set YIELDSIM_DEBUG=1 to see the traceback)\n"
    )


def test_the_traceback_is_there_for_who_asks(broken, capsys, monkeypatch) -> None:
    monkeypatch.setenv("YIELDSIM_DEBUG", "1")
    broken(ZeroDivisionError("x"))
    _, _, err = outcome(["check", "x"], capsys)
    assert err.startswith("Traceback (most recent call last):")
    assert err.splitlines()[-1].startswith("yieldsim: error: this is a bug")


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (KeyboardInterrupt(), 130, "yieldsim: interrupted"),
        (PermissionError(13, "Permission denied", "x.png"), 1, "x.png: Permission denied"),
        (OSError(28, "No space left on device"), 1, "error: No space left on device"),
        (MemoryError(), 1, "out of memory"),
        (click.FileError("x.toml", "no such file"), 1, "Could not open file 'x.toml'"),
    ],
)
def test_other_trouble_is_one_line(error, code, line, broken, capsys) -> None:
    broken(error)
    printed, out, err = outcome(["check", "x"], capsys)
    assert (printed, out) == (code, "")
    assert line in err
    assert err.startswith("yieldsim: ")
    assert err.count("\n") == 1


def test_a_reader_that_leaves_early_is_no_error() -> None:
    done = in_a_shell("yieldsim yield --help | head -n 1")
    assert (done.stdout, done.stderr) == ("Usage: yieldsim yield [OPTIONS]\n", "")
    # 0 where the pipe took everything before the reader left, as its buffer may
    assert done.returncode in (0, 141)


def test_a_closed_output_is_no_error() -> None:
    # the reader is gone before the first byte: this cannot succeed by chance
    done = in_a_shell("{ sleep 0.2; yieldsim yield --area 100 --d0 0.1; } | true")
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")
def test_a_full_disk_under_the_output_is_one_line() -> None:
    done = in_a_shell("yieldsim yield --area 100 --d0 0.1 > /dev/full")
    assert done.returncode == 1
    assert done.stderr == "yieldsim: error: standard output: No space left on device\n"


def test_letters_that_the_terminal_lacks_are_replaced() -> None:
    done = in_a_shell("PYTHONIOENCODING=ascii yieldsim show $'sch\\xc3\\xb6n.toml'")
    assert done.returncode == 1
    assert done.stderr.startswith("yieldsim: error: sch")
    assert "Traceback" not in done.stderr


INTERRUPTED = """
import os, signal, sys, time
import yieldsim.model
from yieldsim.cli.main import main

def load_file(name, allow_outside):
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(30)

yieldsim.model.load_file = load_file
sys.exit(main(["show", "x"]))
"""


@pytest.mark.usefixtures("ctrl_c_is_heard")
def test_ctrl_c_ends_a_command_with_one_line() -> None:
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=25,
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "yieldsim: interrupted\n")


# a thread that Python waits for at its end, when the exit code stands, and that presses Ctrl-C
LATE = """
import os, signal, sys, threading, time
from yieldsim.cli.main import entry

def press():
    while threading.main_thread().is_alive():
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(30)

threading.Thread(target=press).start()
sys.argv[1:] = ["--version"]
sys.exit(entry())
"""


@pytest.mark.usefixtures("ctrl_c_is_heard")
def test_ctrl_c_while_python_ends_prints_nothing() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LATE], cwd=ROOT, capture_output=True, check=False, timeout=25
    )
    assert (done.returncode, done.stderr) == (-signal.SIGINT, b"")


# what a library has registered to be done at the end, and an object that only Python's end frees
ENDING = """
import atexit, sys
from yieldsim.cli.main import entry

class Freed:
    def __del__(self):
        print("freed")

kept = Freed()
print("before")
atexit.register(print, "registered")
sys.argv[1:] = ARGUMENTS
sys.exit(entry())
"""


@pytest.mark.parametrize(("arguments", "code"), [(["--version"], 0), (["show", "none.toml"], 1)])
def test_a_program_ends_without_freeing_its_memory(arguments: list[str], code: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ENDING.replace("ARGUMENTS", repr(arguments))],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code
    lines = done.stdout.splitlines()
    assert (lines[0], lines[-1]) == ("before", "registered")
    assert done.stderr.count("\n") == code  # a line for an error


PROFILED = """
import sys
from yieldsim.cli.main import entry

def program():
    sys.exit(entry())

sys.argv[1:] = ["--version"]
try:
    program()
finally:
    print("after")
"""


@pytest.mark.parametrize("how", [["-c", PROFILED], ["-i", "-m", "yieldsim", "--version"]])
def test_a_program_returns_to_a_profiler_and_to_the_prompt(how: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, *how],
        cwd=ROOT,
        input="print('after')",
        capture_output=True,
        text=True,
        check=False,
    )
    version, after = done.stdout.splitlines()
    assert version.startswith("yieldsim ")
    assert after.endswith("after")
