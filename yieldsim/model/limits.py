"""Constraints that a scenario ``no_limit:NAME`` can lift, to see what each of them costs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

TOOLS = "tools"  # every tool group; a single one is lifted by its own name
NO_LIMITS = ("memory", "packaging", "demand", "defects", "wafers", TOOLS)


def limits_of(raw: Mapping[str, Any]) -> list[str]:
    """Return the names of `NO_LIMITS` that apply to a model given as raw tables."""
    products = raw.get("products", {})
    tables = products.values() if isinstance(products, dict) else ()
    applies = {
        "memory": bool(raw.get("memory")),
        "packaging": bool(raw.get("packaging")),
        "demand": any(isinstance(table, dict) and "demand" in table for table in tables),
        "defects": True,
        "wafers": bool(raw.get("tool_groups")),
        TOOLS: bool(raw.get("tool_groups")),
    }
    return [name for name in NO_LIMITS if applies[name]]
