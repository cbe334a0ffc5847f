"""The command ``yieldsim``: calls the subcommand, and reports every error in a single line.

Only click and the standard library are imported here, so that ``yieldsim --help`` is fast; a
subcommand is imported when it is called. Exit codes: 0 done, 1 error, 2 usage, 3 incomplete,
4 verification failed, 5 evidence that hardly any realization fits, 75 try again; 130 after Ctrl-C
and 141 after a closed pipe, as in shells.
"""

from __future__ import annotations

import errno
import gc
import importlib
import io
import os
import signal
import sys
from collections.abc import Sequence
from typing import NamedTuple

import click

from yieldsim.cli.environment import check_environment
from yieldsim.cli.failures import failure, replace_closed_streams
from yieldsim.errors import YieldsimError

PROGRAM = "yieldsim"
DEBUG_VARIABLE = "YIELDSIM_DEBUG"
_NEW_OBJECTS = 500_000  # until the next search for dead ones
EXIT_ERROR, EXIT_INTERRUPTED, EXIT_BROKEN_PIPE = 1, 130, 141


class Subcommand(NamedTuple):
    """Where a subcommand is defined (relative to this package), and its line in the help.

    ``less_memory`` completes "out of memory: ", and says how the command can do with less.
    """

    target: str
    help: str
    less_memory: str = "close other programs, or use a machine with more"


COMMANDS = {
    "run": Subcommand(
        ".supply.run:run",
        "Simulate MODEL into an ensemble store, or continue a store.",
        "try a smaller --block-size or fewer --threads",
    ),
    "init": Subcommand(".store.init:init", "Make a store without results, for `yieldsim work`."),
    "work": Subcommand(".store.work:work", "Compute a task's share of the blocks of a store."),
    "finalize": Subcommand(
        ".store.finalize:finalize",
        "Check every block of a store, add its summaries and mark it as complete.",
    ),
    "slurm": Subcommand(
        ".store.slurm:slurm", "Print the script of a Slurm array that computes a store."
    ),
    "status": Subcommand(
        ".store.status:status", "Print how many blocks of a store are stored, missing and damaged."
    ),
    "verify": Subcommand(
        ".store.verify:verify",
        "Check every byte of a store: chunks, coordinates, summaries and metadata.",
    ),
    "extend": Subcommand(
        ".store.extend:extend", "Add realizations or scenarios to a finished store."
    ),
    "merge": Subcommand(
        ".store.merge:merge",
        "Join stores of one model, seed, number of realizations and block size.",
    ),
    "summary": Subcommand(
        ".supply.summary:summary",
        "Print the results of an ensemble with Monte Carlo errors.",
        "try a single --scenario",
    ),
    "compare": Subcommand(
        ".supply.compare:compare",
        "Compare ensembles side by side: usable chips, and differences from the first.",
        "try a single --scenario",
    ),
    "compare-evidence": Subcommand(
        ".evidence.compare_evidence:compare_evidence",
        "Compare an ensemble with published counts and forecasts.",
        "try an ensemble of fewer realizations",
    ),
    "condition": Subcommand(
        ".evidence.condition:condition",
        "Weight the realizations of an ensemble by published figures.",
        "try an ensemble of fewer realizations",
    ),
    "sensitivity": Subcommand(
        ".supply.sensitivity:sensitivity",
        "Print which uncertain inputs drive a figure of an ensemble.",
        "try a single --period",
    ),
    "plot": Subcommand(
        ".supply.plot:plot",
        "Draw an ensemble: by default its fan chart.",
        "try a single --scenario",
    ),
    "report": Subcommand(
        ".supply.report:report",
        "Write an ensemble as one interactive HTML page.",
        "try a single --scenario",
    ),
    "check": Subcommand(
        ".supply.check:check",
        "Validate a model file and all its scenarios.",
        "try a single --scenario",
    ),
    "show": Subcommand(
        ".supply.show:show", "List a model's inputs with sources, grades and defaults."
    ),
    "dies": Subcommand(
        ".wafers.dies:dies",
        "Count the whole dies on a round wafer or a panel, by exact geometry.",
        "try a smaller --diameter or a larger die",
    ),
    "yield": Subcommand(
        ".wafers.yield_:yield_",
        "Print the yield of a die from its area and the defect density D0, or D0 from a yield.",
        "try fewer wafers with --monte-carlo",
    ),
    "wafer": Subcommand(
        ".wafers.wafer:wafer",
        "Simulate wafers defect by defect, and draw them.",
        "try fewer --wafers",
    ),
    "maps": Subcommand(
        ".wafers.maps:maps",
        "Show the yields of wafer maps by lot and wafer, or convert the maps to another format.",
        "try fewer maps",
    ),
    "defects": Subcommand(
        ".wafers.defects:defects",
        "Show the defects of inspections: density, clusters, classes, repeaters.",
        "try fewer files",
    ),
    "capacity": Subcommand(
        ".fab.capacity:capacity",
        "Show the capacity, bottlenecks and cycle times of a fab.",
        "try fewer --realizations or --threads",
    ),
    "flow": Subcommand(
        ".fab.flow:flow",
        "Simulate a re-entrant line event by event (SMT2020 format).",
        "try fewer --days, --replications or --threads",
    ),
    "fit": Subcommand(
        ".wafers.fit:fit",
        "Fit defect density, clustering and signatures to wafer maps.",
        "try fewer maps",
    ),
}


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
    """`main` as a program. Python takes a while to end, and a Ctrl-C then prints no traceback."""
    code = main()
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    return code


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
