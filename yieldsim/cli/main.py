"""The command ``yieldsim``: calls the subcommand, and reports every error in a single line.

Only click and the standard library are imported here, so that ``yieldsim --help`` is fast; a
subcommand is imported when it is called. Exit codes: 0 done, 1 error, 2 usage, 3 incomplete,
4 verification failed, 5 evidence that hardly any realization fits, 75 try again; 130 after Ctrl-C
and 141 after a closed pipe, as in shells.
"""

from __future__ import annotations

import atexit
import errno
import gc
import importlib
import io
import os
import signal
import sys
import threading
from collections.abc import Sequence
from types import FrameType

import click

from yieldsim.cli.commands import COMMANDS, Subcommand
from yieldsim.cli.environment import check_environment
from yieldsim.cli.failures import failure, replace_closed_streams
from yieldsim.errors import YieldsimError

PROGRAM = "yieldsim"
DEBUG_VARIABLE = "YIELDSIM_DEBUG"
_NEW_OBJECTS = 500_000  # until the next search for dead ones
EXIT_ERROR, EXIT_INTERRUPTED, EXIT_BROKEN_PIPE = 1, 130, 141


class _Stopped(Exception):
    """Ctrl-C or a closed pipe; click, which would handle both its own way, lets it pass."""


class _OutOfMemory(Exception):
    """A MemoryError, with the advice of its command."""


class LazyGroup(click.Group):
    """A group that imports a subcommand when it is called, not when it is listed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].target.partition(":")
        command: click.Command = getattr(importlib.import_module(module, __package__), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, command.help) for name, command in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except (KeyboardInterrupt, BrokenPipeError) as error:
            # click would print an empty line after Ctrl-C, and exit 1 after a closed pipe
            raise _Stopped from error
        except EOFError as error:  # click would call it an interruption
            raise RuntimeError(f"a file ends too early: {error}") from error
        except (MemoryError, OSError) as error:
            if isinstance(error, OSError) and error.errno != errno.ENOMEM:
                raise
            command = COMMANDS.get(ctx.invoked_subcommand or "", Subcommand("", ""))
            raise _OutOfMemory(command.less_memory) from error


def _print_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if not wanted or ctx.resilient_parsing:
        return
    from yieldsim.version import VERSION

    click.echo(f"{PROGRAM} {VERSION}")
    ctx.exit()


@click.group(cls=LazyGroup, name=PROGRAM, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the version and exit.",
)
def cli() -> None:
    """Monte Carlo engine from tool fleets and defects to usable AI chips per quarter.

    MODEL is a TOML file or the name of a model that ships with the package, such as baseline.
    STORE is an ensemble that `yieldsim run` wrote.
    """


def entry() -> int:
    """`main` as a program. A Ctrl-C while it ends prints no traceback."""
    code = main()
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    if not _is_waited_for(sys._getframe(1)):
        _end_at_once(code)
    return code


def _is_waited_for(caller: FrameType) -> bool:
    """Whether something has work to do once the module that calls `entry` has ended.

    A profiler, a debugger, the prompt of ``python -i``, or a thread that Python waits for.
    """
    others = [thread for thread in threading.enumerate() if thread is not threading.main_thread()]
    below = caller.f_back
    while below is not None and below.f_globals.get("__name__") == "runpy":  # as of python -m
        below = below.f_back
    asked = bool(sys.flags.inspect) or below is not None
    return asked or not all(thread.daemon for thread in others)


def _end_at_once(code: int) -> None:
    """End the process, but leave its memory to the system: Python takes 0.2 s to free 10^5 objects.

    What is registered to be done at exit is done. It returns if a stream cannot be written, so that
    Python reports it.
    """
    gc.disable()
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):
        return
    os._exit(code)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; no traceback reaches the user.

    With YIELDSIM_DEBUG=1 in the environment the traceback is printed before the line.
    """
    replace_closed_streams()
    _never_fail_on_characters()
    usual = gc.get_threshold()
    try:
        # Libraries and models make 300,000 objects that stay. Python would look through them for
        # dead ones at every 700 new ones, which takes a tenth of a small run.
        gc.set_threshold(_NEW_OBJECTS, *usual[1:])
        check_environment()
        code = cli.main(arguments, prog_name=PROGRAM, standalone_mode=False)
        sys.stdout.flush()
    except _Stopped as stop:
        return _close_quietly() if isinstance(stop.__cause__, BrokenPipeError) else _interrupted()
    except (KeyboardInterrupt, click.Abort):
        return _interrupted()
    except BrokenPipeError:
        return _close_quietly()
    except click.ClickException as error:
        return _usage(error)
    except YieldsimError as error:
        return _fail(f"error: {error}", error.exit_code)
    except _OutOfMemory as error:
        return _fail(f"error: out of memory: {error}", EXIT_ERROR)
    except Exception as error:
        line = failure(error)
        return _fail(f"error: {line}" if line else _bug(error), EXIT_ERROR)
    finally:
        gc.set_threshold(*usual)
    return code if isinstance(code, int) else 0


def _usage(error: click.ClickException) -> int:
    """Report a usage error of click in a single line that names the help."""
    context = getattr(error, "ctx", None)
    if context is None:
        return _fail(f"error: {error.format_message()}", error.exit_code)
    if type(error).__name__ == "NoArgsIsHelpError":  # click 8.2 and later: the help is the message
        error.show()
        return error.exit_code
    message = error.format_message().rstrip(".")
    message = message.replace("is not a valid integer range", "is not a valid integer")
    return _fail(f"error: {message} (see {context.command_path} --help)", error.exit_code)


def _bug(error: Exception) -> str:
    return (
        f"error: this is a bug in {PROGRAM}: {type(error).__name__}: {error} "
        f"(set {DEBUG_VARIABLE}=1 to see the traceback)"
    )


def _interrupted() -> int:
    return _fail("interrupted", EXIT_INTERRUPTED)


def _fail(message: str, code: int) -> int:
    """Print a line on stderr, after the traceback if YIELDSIM_DEBUG asks for it."""
    if os.environ.get(DEBUG_VARIABLE, "") not in ("", "0") and sys.exc_info()[0] is not None:
        import traceback

        traceback.print_exc()
    click.echo(f"{PROGRAM}: {' '.join(message.split())}", err=True)
    return code


def _close_quietly() -> int:
    """The reader has closed the pipe: print nothing, now or when the interpreter exits."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, sys.stdout.fileno())
    return EXIT_BROKEN_PIPE


def _never_fail_on_characters() -> None:
    """Print a question mark for characters that the terminal lacks."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
