"""Validation of raw tables: each fault of pydantic as one line of place, value and what is allowed.

A wafer model (`yieldsim.wafer.model`) is validated here too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from yieldsim.errors import ModelError
from yieldsim.model.files.merge import Raw
from yieldsim.model.schema.fields import PARAMETER_ERROR, SHARED, spec_of
from yieldsim.model.schema.quantity import Quantity
from yieldsim.model.schema.schedule import Schedule
from yieldsim.model.schema.values import shown

Tables = TypeVar("Tables", bound=BaseModel)
Place = Sequence[int | str]

# pydantic's kinds of error in the words of a model file; the value got is added
_WORDS = {
    "string_type": "must be a text",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "tuple_type": "must be a list",
    "dict_type": "must be a table",
    "model_type": "must be a table",
    "model_attributes_type": "must be a table",
}
_BOUNDS = {
    "greater_than": ("gt", ">"),
    "greater_than_equal": ("ge", ">="),
    "less_than": ("lt", "<"),
    "less_than_equal": ("le", "<="),
}
_NEEDS_ORIGIN = ": every parameter needs one, its own or its table's"


def validate(root: type[Tables], raw: Raw, name: str = "model") -> Tables:
    """The typed tables of raw ones.

    Raises ModelError for the first fault and counts the others. ``name`` stands for the top of the
    file.
    """
    try:
        return root.model_validate(raw, context=SHARED)
    except ValidationError as error:
        details = error.errors(include_url=False)
        raise _model_error(root, details[0], len(details) - 1, name) from None


def _model_error(root: type[BaseModel], detail: ErrorDetails, others: int, name: str) -> ModelError:
    loc, kind, got = detail["loc"], detail["type"], detail["input"]
    context = detail.get("ctx", {})
    more = f" (and {others} more)" if others else ""
    unknown_key = kind == "extra_forbidden"
    steps, _ = _follow(root, loc[:-1] if unknown_key else loc)
    owner = next(iter(_tables_at(root, loc[:-1])), None)
    place = ".".join(map(str, steps)) or name
    if unknown_key:
        allowed = ", ".join(owner.model_fields) if owner else "none"
        return ModelError(place, "unknown key", got=str(loc[-1]), allowed=allowed + more)
    if kind == PARAMETER_ERROR:
        return ModelError(".".join([place, *context["names"]]), context["text"] + more)
    if kind == "value_error":
        return ModelError(place, detail["msg"].removeprefix("Value error, ") + more)
    if kind == "missing":
        return ModelError(place, f"is missing{_hint(owner, str(loc[-1]))}{more}")
    if kind in ("union_tag_not_found", "union_tag_invalid"):
        shown_kind = shown(got["kind"]) if isinstance(got, dict) and "kind" in got else "none"
        tags = [str(tag) for table in _tables_at(root, loc) for tag in _tags(table)]
        problem = f"needs a known kind, got {shown_kind}"
        return ModelError(place, problem, allowed=", ".join(tags) + more)
    if kind == "literal_error":
        allowed = ", ".join(map(str, _choices(owner, str(loc[-1])))) or context["expected"]
        return ModelError(place, f"is not known, got {shown(got)}", allowed=allowed + more)
    if kind in _BOUNDS:
        key, sign = _BOUNDS[kind]
        allowed = f"{sign} {context[key]:g}{more}"
        return ModelError(place, f"out of range, got {shown(got)}", allowed=allowed)
    if kind in ("too_short", "too_long"):
        count = context.get("min_length", context.get("max_length"))
        problem = f"has {context['actual_length']} items, got {shown(got)}"
        return ModelError(place, problem, allowed=f"{count}")
    problem = _WORDS.get(kind, detail["msg"][0].lower() + detail["msg"][1:])
    return ModelError(place, f"{problem}, got {shown(got)}{more}")


def _hint(owner: type[BaseModel] | None, key: str) -> str:
    """What a missing field holds."""
    if owner in (Quantity, Schedule):
        return _NEEDS_ORIGIN
    field = owner.model_fields.get(key) if owner else None
    if owner is None or field is None or not field.description:
        return ""
    spec = spec_of(owner, key)
    return f": {field.description}{f', in {spec.unit}' if spec and spec.unit != '1' else ''}"


def _choices(owner: type[BaseModel] | None, key: str) -> tuple[Any, ...]:
    """The values of a literal field."""
    field = owner.model_fields.get(key) if owner else None
    if field is None:
        return ()
    kinds = [field.annotation, *get_args(field.annotation)]
    return next((get_args(kind) for kind in kinds if get_origin(kind) is Literal), ())


def _tags(table: type[BaseModel]) -> tuple[Any, ...]:
    """The ``kind`` by which a member of a union is told."""
    return get_args(table.model_fields["kind"].annotation) if "kind" in table.model_fields else ()


def _tables_at(root: type[BaseModel], loc: Place) -> list[type[BaseModel]]:
    """The tables that may stand at a place."""
    return _tables(_follow(root, loc)[1])


def _tables(kinds: list[Any]) -> list[type[BaseModel]]:
    return [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)]


def _follow(root: type[BaseModel], loc: Place) -> tuple[list[int | str], list[Any]]:
    """Follow pydantic's place: the steps that a file has, and the types admitted there.

    Pydantic adds a step for the member of a union that it tried: a table's kind, or the member's
    type with its brackets.
    """
    kinds: list[Any] = [root]
    steps: list[int | str] = []
    for step in loc:
        tagged = [table for table in _tables(kinds) if step in _tags(table)]
        if len(_tables(kinds)) > 1 and tagged:
            kinds = tagged
        elif not (isinstance(step, str) and any(mark in step for mark in "[(")):
            steps.append(step)
            kinds = [inner for kind in kinds for inner in _inside(kind, step)]
    return steps, kinds


def _inside(kind: Any, step: int | str) -> list[Any]:
    """The types admitted one step below a type."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        field = kind.model_fields.get(str(step))
        return _members(field.annotation) if field else []
    if get_origin(kind) in (dict, tuple, list):
        return _members(get_args(kind)[-1])
    return []


def _members(kind: Any) -> list[Any]:
    """The types that an annotation admits."""
    members = get_args(kind)
    if not members or get_origin(kind) in (dict, tuple, list):
        return [kind]
    return [inner for member in members for inner in _members(member)]
