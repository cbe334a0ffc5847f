"""The options of every command that reads wafer maps."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from yieldsim.errors import UsageError

if TYPE_CHECKING:
    from yieldsim.wafer.maps.options import ReadOptions

__all__ = ["map_files", "read_options", "reading"]

_Function = TypeVar("_Function", bound=Callable[..., Any])

map_files = click.argument("maps", metavar="MAPS...", type=click.Path(), nargs=-1, required=True)

_OPTIONS = (
    click.option(
        "--pass-bins",
        metavar="A,B",
        help="Bins that pass; all others fail, whatever the files say.  [default: what the files "
        "say; bin 1 in tables of bins]",
    ),
    click.option(
        "--bins",
        type=click.Choice(("hard", "soft")),
        default="hard",
        show_default=True,
        help="Which bins to use where a table has both.",
    ),
    click.option(
        "--overlay",
        metavar="NAME",
        help="Map to use where an E142 file has several for a wafer.  "
        "[default: SortGrade, or the first]",
    ),
    click.option(
        "--retest",
        type=click.Choice(("last", "first", "best")),
        default="last",
        show_default=True,
        help="Which result to use where a die was tested more than once.",
    ),
)


def reading(function: _Function) -> _Function:
    """The options that say how maps are read."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def read_options(pass_bins: str | None, bins: Any, overlay: str | None, retest: Any) -> ReadOptions:
    """Return the options as the readers take them. Notes go to stderr."""
    from yieldsim.wafer.maps.options import ReadOptions, bin_text

    wanted = None
    if pass_bins is not None:
        wanted = frozenset(bin_text(part) for part in pass_bins.split(",") if part.strip())
        if not wanted:
            raise UsageError("--pass-bins", "names no bin", got=pass_bins, allowed="as 1,2")
    return ReadOptions(
        wanted, bins, overlay, retest, lambda text: click.echo(f"note: {text}", err=True)
    )
