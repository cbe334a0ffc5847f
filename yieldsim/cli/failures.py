"""One line for failures of the machine or its settings, which are neither bugs nor wrong input."""

from __future__ import annotations

import errno
import io
import os
import sys
import textwrap
import traceback
from pathlib import Path

import click

STANDARD_OUTPUT = "standard output"
LONGEST_REASON = 120
# the environment variables that can keep a library from loading
_SETTINGS = {"numba": "NUMBA_", "matplotlib": "MPL", "numpy": "NPY_", "zarr": "ZARR_"}
_OPERATING_SYSTEM_THREADS = "can't start new thread"


class ClosedOutput(io.TextIOBase):
    """Standard output of a process that was started without one: writing to it is an error."""

    def write(self, text: str) -> int:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF), STANDARD_OUTPUT)


def replace_closed_streams() -> None:
    """Give every closed standard stream a place, so that no file of ours takes its number."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest free number: the closed one
    if sys.stdout is None:
        sys.stdout = ClosedOutput()  # type: ignore[unreachable]
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # type: ignore[unreachable]  # noqa: SIM115


def failure(error: BaseException) -> str | None:
    """What the machine or a setting refused, in a line; None for any other error."""
    if isinstance(error, OSError):
        return _system_failure(error)
    if isinstance(error, RuntimeError) and _OPERATING_SYSTEM_THREADS in str(error):
        return "no further thread can be started (see ulimit -u); try fewer --threads"
    return _library_failure(error)


def _system_failure(error: OSError) -> str:
    reason = error.strerror or str(error)
    if error.filename is not None:
        return f"{error.filename}: {reason}"
    if error.errno == errno.ENOENT and not _has_working_folder():
        return "the working folder no longer exists; change to another folder"
    # a failed write of a file does not name it either
    wrote = Path(traceback.extract_tb(error.__traceback__)[-1].filename)
    to_output = wrote in (Path(click.utils.__file__), Path(__file__).with_name("main.py"))
    return f"{STANDARD_OUTPUT}: {reason}" if to_output else reason


def _has_working_folder() -> bool:
    try:
        os.getcwd()
    except OSError:
        return False
    return True


def _library_failure(error: BaseException) -> str | None:
    """The line for a library that cannot be loaded, with the settings that may be why."""
    for frame in traceback.extract_tb(error.__traceback__):
        path = Path(frame.filename)
        if (
            frame.name == "<module>"
            and path.name == "__init__.py"
            and path.parent.name in _SETTINGS
        ):
            library = path.parent.name
            names = sorted(name for name in os.environ if name.startswith(_SETTINGS[library]))
            given = ", ".join(f"{name}={os.environ[name]}" for name in names)
            check = f"; check the environment: {given}" if given else ""
            reason = textwrap.shorten(str(error), LONGEST_REASON, placeholder=" ...")
            return f"the library {library} cannot be loaded ({reason}){check}"
    return None
