"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

__all__ = [
    "allow_outside",
    "as_json",
    "changes",
    "model_argument",
    "run_options",
    "store_argument",
    "weights",
]

_Function = TypeVar("_Function", bound=Callable[..., Any])

model_argument = click.argument("model", metavar="MODEL")
store_argument = click.argument("store", metavar="STORE", type=click.Path())
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
weights = click.option(
    "--weights",
    metavar="NAME",
    help="Weight realizations by evidence, with weights that `yieldsim condition` stored as NAME.",
)
changes = click.option(
    "--set",
    "changes",
    metavar="PATH=VALUE",
    multiple=True,
    help="Set a parameter of the model, such as processes.n2.alpha=1.5; can be repeated.",
)
allow_outside = click.option(
    "--allow-outside",
    metavar="FOLDER",
    multiple=True,
    help="A folder beside the model's own that its parts may lie in; can be repeated.",
)

_RUN_OPTIONS = (
    click.option(
        "--scenario",
        "scenarios",
        metavar="NAME",
        multiple=True,
        help="A scenario of the model, a+b for b on top of a, or all; can be repeated.  "
        "[default: baseline]",
    ),
    click.option(
        "--realizations",
        type=click.IntRange(1, 2**32),
        help="Number of realizations.  [default: 256, or the rows of --samples]",
    ),
    click.option(
        "--seed",
        type=click.IntRange(0, 2**64 - 1),
        default=0,
        show_default=True,
        help="Key of all random draws: the same seed gives the same results.",
    ),
    changes,
    click.option(
        "--samples",
        metavar="FILE",
        type=click.Path(),
        help="Values of uncertain parameters, CSV or npz: one column per parameter path, one row "
        "per realization. Other parameters are drawn as usual.",
    ),
    click.option(
        "--design",
        type=click.Choice(["random", "sobol"]),
        default="random",
        show_default=True,
        help="How draws are spread: independent, or along a scrambled Sobol' sequence.",
    ),
    click.option(
        "--block-size",
        type=click.IntRange(1),
        help="Realizations per stored block; results do not depend on it.",
    ),
)


def run_options(function: _Function) -> _Function:
    """The options that identify a run: scenarios, realizations, seed, inputs, block size."""
    for option in reversed(_RUN_OPTIONS):
        function = option(function)
    return function
