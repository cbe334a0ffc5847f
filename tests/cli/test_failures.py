"""Failures of the machine and its settings are one line, and never called a bug."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest

from tests.paths import ROOT, VALID
from yieldsim.cli import main as frame
from yieldsim.cli.commands import COMMANDS
from yieldsim.cli.main import main
from yieldsim.execute import local

QUICK = "yieldsim yield --area 100 --d0 0.1"
# imports numba, but compiles nothing
DRAWN = "yieldsim yield --width 10 --height 10 --d0 0.1 --monte-carlo 1"


def in_a_shell(command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    functions = 'python() { "$PYTHON" "$@"; }; yieldsim() { python -m yieldsim "$@"; }; '
    return subprocess.run(
        ["bash", "-c", functions + command],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHON": sys.executable, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def raising(monkeypatch: pytest.MonkeyPatch, name: str, error: BaseException) -> None:
    """Makes the command ``name`` raise an error."""

    @click.command(name)
    def command() -> None:
        raise error

    monkeypatch.setattr(frame.LazyGroup, "get_command", lambda *_: command)


def test_a_closed_output_is_named() -> None:
    done = in_a_shell(f"{QUICK} >&-")
    line = "yieldsim: error: standard output: Bad file descriptor\n"
    assert (done.returncode, done.stderr) == (1, line)


def test_nothing_can_be_said_with_both_outputs_closed() -> None:
    done = in_a_shell(f"{QUICK} >&- 2>&-")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")


def test_no_file_takes_the_number_of_a_closed_stream() -> None:
    code = """import sys; from yieldsim.cli.failures import replace_closed_streams
replace_closed_streams()
sys.stderr.write(str(open("pyproject.toml").fileno() > 2))"""
    assert in_a_shell(f"python -c {shlex.quote(code)} >&- <&-").stderr == "True"


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ("NUMBA_NUM_THREADS=0", "the library numba cannot be loaded"),
        ("NUMBA_CPU_FEATURES=avx2", "NUMBA_CPU_FEATURES: is not valid, got 'avx2'"),
    ],
)
def test_a_bad_setting_of_numba_is_named(setting: str, reason: str) -> None:
    done = in_a_shell(f"{setting} {DRAWN}")
    assert (done.returncode, done.stdout) == (2 if "valid" in reason else 1, "")
    assert done.stderr.startswith(f"yieldsim: error: {reason}")
    assert setting.partition("=")[0] in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_bad_backend_of_matplotlib_is_named() -> None:
    code = """from yieldsim.cli.failures import failure
try:
    import yieldsim.plots.image
except Exception as error:
    print(failure(error))"""
    done = in_a_shell(f"python -c {shlex.quote(code)}", MPLBACKEND="nonsense")
    assert done.stdout.startswith("the library matplotlib cannot be loaded (Key backend: ")
    assert done.stdout.endswith("check the environment: MPLBACKEND=nonsense\n")


def test_a_vanished_working_folder_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert main(["run", str(VALID / "one_line.toml")]) == 1
    assert capsys.readouterr().err.splitlines()[-1] == (  # after notes of defaults
        "yieldsim: error: the working folder no longer exists; change to another folder"
    )


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("error", [MemoryError(), OSError(12, "Cannot allocate memory")])
def test_the_advice_for_memory_names_options_of_the_command(
    name: str, error: BaseException, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    options = {
        option
        for parameter in frame.cli.get_command(click.Context(frame.cli), name).params
        for option in parameter.opts
    }
    words = (word.strip(",") for word in COMMANDS[name].less_memory.split())
    advised = {word for word in words if word.startswith("--")}
    assert advised <= options
    raising(monkeypatch, name, error)
    assert main([name]) == 1
    assert capsys.readouterr().err == (
        f"yieldsim: error: out of memory: {COMMANDS[name].less_memory}\n"
    )


def test_a_file_that_ends_early_is_no_interruption(monkeypatch, capsys) -> None:
    raising(monkeypatch, "check", EOFError("Ran out of input"))
    assert main(["check"]) == 1
    assert "a file ends too early: Ran out of input" in capsys.readouterr().err


def test_a_thread_limit_is_named(monkeypatch, capsys) -> None:
    raising(monkeypatch, "run", RuntimeError("can't start new thread"))
    assert main(["run"]) == 1
    line = "no further thread can be started (see ulimit -u); try fewer --threads"
    assert capsys.readouterr().err == f"yieldsim: error: {line}\n"


@pytest.mark.parametrize("allowed", [0, 1, 2])
def test_a_run_goes_on_with_the_threads_that_could_be_started(
    allowed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    start, started, done = local.threading.Thread.start, [], []

    def limited(thread: local.threading.Thread) -> None:
        if len(started) == allowed:
            raise RuntimeError("can't start new thread")
        started.append(thread)
        start(thread)

    monkeypatch.setattr(local.threading.Thread, "start", limited)
    work = lambda block: (done.append(block), 1)[1]  # noqa: E731
    if allowed:
        local.run_blocks(work, range(7), threads=4)
        assert sorted(done) == list(range(7))
    else:
        with pytest.raises(RuntimeError, match="can't start new thread"):
            local.run_blocks(work, range(7), threads=4)
