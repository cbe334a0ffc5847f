"""Inputs that a scenario ``more:NAME`` raises by 10 %, to see what more of each would add.

``more:memory`` raises an input everywhere, ``more:memory.cxmt`` for one entry of its table. A
memory pool that is made from a DRAM line stands for the line, whose pools divide what it makes.
Raising multiplies the values of a model after they are drawn, so every draw stays as it was.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from yieldsim.errors import ModelError
from yieldsim.model.references import largest_multiple
from yieldsim.model.schema import Model
from yieldsim.model.schema.quantity import Quantity
from yieldsim.model.schema.schedule import Schedule

MORE = 1.1
LESS = 0.9  # of an input of which less is better


@dataclass(frozen=True)
class Input:
    """An input: what 10 % more of it means, and by what it multiplies the parameters at some paths.

    A step ``*`` of a path stands for every name, and a step ``@`` too unless an entry is named. No
    value passes ``most``.
    """

    meaning: str
    ratios: Mapping[str, float]  # by path
    most: float = math.inf


def _more(*paths: str) -> dict[str, float]:
    return dict.fromkeys(paths, MORE)


INPUTS: Mapping[str, Input] = {
    "memory": Input(
        "10 % more memory: stacks delivered, and DRAM wafers of their makers",
        _more("memory.@.deliveries", "memory.@.maker.wafers", "dram_lines.@.wafers"),
    ),
    "stack_yield": Input(
        "10 % more good stacks of the stacks that makers build, up to all of them",
        _more("memory.@.maker.stack_yield"),
        most=1.0,
    ),
    "wafers": Input("10 % more planned wafer starts", _more("fabs.@.plan.*")),
    # tools count in whole numbers, so each makes more; as many as before are bought for the plan
    "tools": Input(
        "10 % more wafers an hour of every tool, as of 10 % more tools",
        {
            "tool_groups.@.imported.wafers_per_hour": MORE,
            "tool_groups.@.domestic.wafers_per_hour": MORE,
            "fabs.*.fleets.@.*.planned_use": 1.0 / MORE,
        },
    ),
    "yield": Input(
        "10 % lower killer defect density of mature processes",
        {"processes.@.d0_mature_per_cm2": LESS},
    ),
    "packaging": Input("10 % more capacity of packaging lines", _more("packaging.@.capacity")),
    "dies": Input("10 % more dies from die banks", _more("die_banks.@.draw")),
    "demand": Input("10 % more demand of products with a limit of it", _more("products.@.demand")),
}


def meaning(name: str) -> str:
    """What ``more:name`` raises, in words."""
    what, _, entry = name.partition(".")
    if what not in INPUTS:
        return name
    return INPUTS[what].meaning + (f" ({entry})" if entry else "")


def inputs_of(raw: Mapping[str, Any]) -> list[str]:
    """The names of `INPUTS` that a model given as raw tables has."""
    return [
        name
        for name, own in INPUTS.items()
        if any(next(_reached(raw, path.split(".")), None) is not None for path in own.ratios)
    ]


def check_inputs(model: Model) -> None:
    """Raise ModelError for an input in ``simulation.more`` that does not exist."""
    for name in model.simulation.more:
        what, dot, entry = name.partition(".")
        if what not in INPUTS:
            allowed = ", ".join(INPUTS)
            raise ModelError("simulation.more", "unknown input", got=name, allowed=allowed)
        ratios = INPUTS[what].ratios
        entries = dict.fromkeys(key for path in ratios for key in _reached(model, path.split(".")))
        if what == "memory":
            entries |= dict.fromkeys(_pools_of_lines(model))
        if dot and entry not in entries:
            allowed = ", ".join(f"{what}.{key}" for key in entries) or f"none: no {what} to raise"
            raise ModelError("simulation.more", "unknown input", got=name, allowed=allowed)


def with_more(model: Model) -> Model:
    """A checked model with the inputs raised that its ``simulation.more`` names."""
    for name in model.simulation.more:
        what, _, entry = name.partition(".")
        if what == "memory":
            entry = _pools_of_lines(model).get(entry, entry)
        for path, ratio in INPUTS[what].ratios.items():
            steps = path.replace("@", entry or "*").split(".")
            model = _raised(model, model, steps, ratio, INPUTS[what].most)
    return model


def _pools_of_lines(model: Model) -> dict[str, str]:
    """The DRAM line of each memory pool that is made from one."""
    makers = {name: pool.maker for name, pool in model.memory.items()}
    return {name: own.dram_line for name, own in makers.items() if own and own.dram_line}


def _reached(item: Any, steps: Sequence[str], entry: str = "") -> Iterator[str]:
    """The name at the step ``@`` of each parameter of raw or typed tables at a path."""
    if item is None:
        return
    if not steps:
        yield entry
        return
    step, rest = steps[0], steps[1:]
    if step in ("*", "@"):
        for key, below in item.items() if isinstance(item, Mapping) else ():
            yield from _reached(below, rest, key if step == "@" else entry)
    else:
        below = item.get(step) if isinstance(item, Mapping) else getattr(item, step, None)
        yield from _reached(below, rest, entry)


def _raised(item: Any, model: Model, steps: Sequence[str], ratio: float, most: float) -> Any:
    """An item of a model with the parameters at a path below it multiplied."""
    if not steps:
        return _multiplied(item, model, ratio, most)
    step, rest = steps[0], steps[1:]
    if isinstance(item, dict):
        return {
            key: _raised(entry, model, rest, ratio, most) if step in ("*", key) else entry
            for key, entry in item.items()
        }
    below = getattr(item, step, None) if isinstance(item, BaseModel) else None
    if below is None:
        return item
    return item.model_copy(update={step: _raised(below, model, rest, ratio, most)})


def _multiplied(item: Any, model: Model, ratio: float, most: float) -> Any:
    """A parameter with all its values multiplied."""
    if isinstance(item, Schedule):
        # scale and factors multiply the points of a series, and may themselves be above 1
        return item.raised(ratio, most / max(1.0, largest_multiple(model, item)))
    return item.raised(ratio, most) if isinstance(item, Quantity) else item
