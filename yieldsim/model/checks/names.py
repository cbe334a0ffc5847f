"""Names in a model: what they may look like, and that the tables they refer to exist."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import BaseModel

from yieldsim.errors import ModelError
from yieldsim.model.limits import NO_LIMITS
from yieldsim.model.scenario_names import ALL, TOTAL
from yieldsim.model.schema import Model
from yieldsim.model.schema.chips import FloorplanTables
from yieldsim.model.schema.fields import LEAF_KEYS, ORIGIN
from yieldsim.model.schema.quantity import Quantity
from yieldsim.model.schema.schedule import Schedule
from yieldsim.model.schema.values import shown

_NAME = re.compile(r"[A-Za-z0-9_-]+")
_RESERVED = (*LEAF_KEYS, *ORIGIN, "note")
# a tool group's name lifts its limit, as these names lift others
_RESERVED_IN = {"tool_groups": (*NO_LIMITS, ALL)}


def check_names(model: Model) -> None:
    """Raise ModelError for a name that cannot be part of a path or would be read as another."""
    for place, name in _names(model, ""):
        # paths join names with dots, and the store uses them as labels
        if _NAME.fullmatch(name) is None:
            problem = f"has a name that cannot be used, got {shown(name)}"
            raise ModelError(place, problem, allowed="letters, digits, _ and -")
        if name in (*_RESERVED, *_RESERVED_IN.get(place, ())):
            raise ModelError(place, "has a reserved name", got=name, allowed="another name")
        if name == TOTAL:
            problem = "has the name that stands for the sum of all"
            raise ModelError(place, problem, got=name, allowed="another name")


def _names(item: Any, place: str) -> Iterator[tuple[str, str]]:
    """Every name that a model gives, after the table that holds it."""
    if isinstance(item, dict):
        for name, entry in item.items():
            yield place, name
            yield from _names(entry, f"{place}.{name}")
    elif isinstance(item, BaseModel) and not isinstance(
        item, Quantity | Schedule | FloorplanTables
    ):
        for name in type(item).model_fields:
            yield from _names(getattr(item, name), f"{place}.{name}".lstrip("."))


def known(where: str, name: str, names: Iterable[str], what: str) -> None:
    """Raise ModelError unless ``name`` is one of ``names``."""
    if name not in names:
        allowed = ", ".join(names) or f"none: the model has no {what}"
        raise ModelError(where, f"unknown {what}", got=name, allowed=allowed)
