"""Constraints that can be lifted, to see what each of them costs.

A scenario ``no_limit:memory`` is made of any model: the same world in which memory limits nothing.
It may be combined, ``memory_slow+no_limit:packaging``; ``no_limit:all`` asks for each in turn.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from yieldsim.errors import ModelError

PREFIX = "no_limit:"
ALL = "all"
TOOLS = "tools"  # every tool group
NO_LIMITS = ("memory", "packaging", "demand", "defects", "wafers", TOOLS)


def lifted(part: str) -> str | None:
    """What a part of a scenario's name lifts, None for an ordinary scenario."""
    return part.removeprefix(PREFIX) if part.startswith(PREFIX) else None


def check_limits(names: Iterable[str], groups: Iterable[str], where: str) -> None:
    """Raise ModelError for a name that is no constraint of the model."""
    allowed = [*NO_LIMITS, *(group for group in groups if group not in NO_LIMITS)]
    for name in names:
        if name not in allowed:
            raise ModelError(where, "unknown limit", got=name, allowed=", ".join(allowed))


def scenarios_without_limits(raw: Mapping[str, Any]) -> list[str]:
    """The names of the scenarios that lift one constraint that a model has, each."""
    products = raw.get("products", {})
    tables = products.values() if isinstance(products, dict) else ()
    demanded = any(isinstance(one, dict) and "demand" in one for one in tables)
    there = {
        "memory": bool(raw.get("memory")),
        "packaging": bool(raw.get("packaging")),
        "demand": demanded,
        "defects": True,
        "wafers": bool(raw.get("tool_groups")),
        TOOLS: bool(raw.get("tool_groups")),
    }
    return [PREFIX + name for name in NO_LIMITS if there[name]]
