"""Validation of raw tables, with one line per fault: place, value got, what is allowed."""

from __future__ import annotations

from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from yieldsim.errors import ModelError
from yieldsim.model.files.merge import Raw
from yieldsim.model.schema import Model
from yieldsim.model.schema.fields import PARAMETER_ERROR, spec_of
from yieldsim.model.schema.quantity import Quantity
from yieldsim.model.schema.schedule import Schedule
from yieldsim.model.schema.values import shown

# pydantic's kinds of error in the words of a model file; what was got is added
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


def validate(raw: Raw, where: str = "") -> Model:
    """The typed model of raw tables. Raises ModelError for the first fault, counting the rest."""
    try:
        return Model.model_validate(raw)
    except ValidationError as error:
        details = error.errors(include_url=False)
        raise _model_error(details[0], len(details) - 1, where) from None


def _model_error(detail: ErrorDetails, others: int, where: str) -> ModelError:
    loc, kind, got = detail["loc"], detail["type"], detail["input"]
    context = detail.get("ctx", {})
    more = f" (and {others} more)" if others else ""
    if kind == "extra_forbidden":
        allowed = _keys(_entity_at(loc[:-1]))
        return ModelError(
            where + _place(loc[:-1]), "unknown key", got=str(loc[-1]), allowed=allowed + more
        )
    place = where + _place(loc)
    if kind == PARAMETER_ERROR:
        return ModelError(".".join([place, *context["names"]]), context["text"] + more)
    if kind == "value_error":
        return ModelError(place, detail["msg"].removeprefix("Value error, ") + more)
    if kind == "missing":
        return ModelError(place, f"is missing{_hint(loc)}{more}")
    if kind in ("union_tag_not_found", "union_tag_invalid"):
        shown_kind = shown(got["kind"]) if isinstance(got, dict) and "kind" in got else "none"
        tags = _tags(loc) + more
        return ModelError(place, f"needs a known kind, got {shown_kind}", allowed=tags)
    if kind == "literal_error":
        allowed = ", ".join(map(str, _choices(loc))) or context["expected"]
        return ModelError(place, f"is not known, got {shown(got)}", allowed=allowed + more)
    if kind in _BOUNDS:
        key, sign = _BOUNDS[kind]
        allowed = f"{sign} {context[key]:g}{more}"
        return ModelError(place, f"out of range, got {shown(got)}", allowed=allowed)
    if kind in ("too_short", "too_long"):
        count = context.get("min_length", context.get("max_length"))
        return ModelError(
            place, f"has {context['actual_length']} items, got {shown(got)}", allowed=f"{count}"
        )
    problem = _WORDS.get(kind, detail["msg"][0].lower() + detail["msg"][1:])
    return ModelError(place, f"{problem}, got {shown(got)}{more}")


def _hint(loc: tuple[int | str, ...]) -> str:
    """What belongs in a place where nothing is."""
    owner, key = _entity_at(loc[:-1]), str(loc[-1])
    if owner in (Quantity, Schedule):
        return _NEEDS_ORIGIN
    field = owner.model_fields.get(key) if owner else None
    if owner is None or field is None or not field.description:
        return ""
    spec = spec_of(owner, key)
    return f": {field.description}{f', in {spec.unit}' if spec and spec.unit != '1' else ''}"


def _place(loc: tuple[int | str, ...]) -> str:
    """The dotted place in the file: without the tags that pydantic puts after a tagged union."""
    steps = [
        str(step)
        for number, step in enumerate(loc)
        if not (number and loc[number - 1] == "learning")
        and not (number == 2 and loc[0] == "events")
    ]
    return ".".join(steps) or "model"


def _keys(owner: type[BaseModel] | None) -> str:
    return ", ".join(owner.model_fields) if owner else "none"


def _choices(loc: tuple[int | str, ...]) -> tuple[Any, ...]:
    """What the literal field at a place may say."""
    owner = _entity_at(loc[:-1])
    field = owner.model_fields.get(str(loc[-1])) if owner else None
    if field is None:
        return ()
    kinds = [field.annotation, *get_args(field.annotation)]
    return next((get_args(kind) for kind in kinds if get_origin(kind) is Literal), ())


def _tags(loc: tuple[int | str, ...]) -> str:
    kinds = [kind for kind in _classes_at(loc) if "kind" in kind.model_fields]
    return ", ".join(str(get_args(kind.model_fields["kind"].annotation)[0]) for kind in kinds)


def _entity_at(loc: tuple[Any, ...]) -> type[BaseModel] | None:
    """The model class that stands at a place, None where there is none."""
    return next(iter(_classes_at(loc)), None)


def _classes_at(loc: tuple[Any, ...]) -> list[type[BaseModel]]:
    kinds: list[Any] = [Model]
    for step in loc:
        kinds = [found for kind in kinds for found in _inside(kind, step)]
    return [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)]


def _inside(kind: Any, step: Any) -> list[Any]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        if step in kind.model_fields:
            return _unwrap(kind.model_fields[step].annotation)
        tagged = kind.model_fields.get("kind")
        return [kind] if tagged and step in get_args(tagged.annotation) else []
    if get_origin(kind) in (dict, tuple, list):
        return _unwrap(get_args(kind)[-1])
    return []


def _unwrap(kind: Any) -> list[Any]:
    """The classes that an annotation admits."""
    if get_origin(kind) in (dict, tuple, list):
        return [kind]
    members = get_args(kind)
    if not members:
        return [kind]
    return [found for member in members for found in _unwrap(member)]
