"""Validation of raw tables, with one line per fault: place, value got, what is allowed."""

from __future__ import annotations

from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from ..errors import ModelError
from .merge import Raw
from .schema import Model


def validate(raw: Raw, where: str = "") -> Model:
    """The typed model of raw tables. Raises ModelError for the first fault, counting the rest."""
    try:
        return Model.model_validate(raw)
    except ValidationError as error:
        details = error.errors(include_url=False)
        raise _model_error(details[0], len(details) - 1, where) from None


def _model_error(detail: ErrorDetails, others: int, where: str) -> ModelError:
    steps = [step for step in detail["loc"] if not _is_tag(step)]
    place = where + (".".join(str(step) for step in steps) or "model")
    more = f" (and {others} more)" if others else ""
    kind, got = detail["type"], detail["input"]
    if kind == "extra_forbidden":
        key = str(steps[-1])
        owner = _entity_at(detail["loc"][:-1])
        place = where + (".".join(str(step) for step in steps[:-1]) or "model")
        return ModelError(place, "unknown key", got=key, allowed=_keys(owner) + more)
    if kind == "missing":
        return ModelError(place, "is missing" + _hint(str(steps[-1])) + more)
    if kind in ("union_tag_not_found", "union_tag_invalid"):
        allowed = detail.get("ctx", {}).get("expected_tags") or "see models/README.md"
        return ModelError(place, "needs a known kind", got=_kind(got), allowed=f"{allowed}{more}")
    message = detail["msg"].removeprefix("Value error, ")
    if kind == "value_error":
        return ModelError(place, message + more)
    shown = got if not isinstance(got, dict) else "a table"
    return ModelError(place, message[0].lower() + message[1:] + more, got=shown)


def _kind(got: Any) -> Any:
    return got.get("kind", "none") if isinstance(got, dict) else got


_TAGS = frozenset({"exponential", "power", "service_loss", "deliveries_stop", "accident"})


def _is_tag(step: Any) -> bool:
    # pydantic puts the discriminator's value into the place; the file has no such key
    return step in _TAGS


def _hint(key: str) -> str:
    if key in ("source", "grade"):
        return ": every parameter needs one, its own or its table's"
    return ""


def _keys(owner: type[BaseModel] | None) -> str:
    return ", ".join(owner.model_fields) if owner else "see models/README.md"


def _entity_at(loc: tuple[Any, ...]) -> type[BaseModel] | None:
    """The model class that stands at a place, None where there is none."""
    kinds: list[Any] = [Model]
    for step in loc:
        kinds = [found for kind in kinds for found in _inside(kind, step)]
    classes = [k for k in kinds if isinstance(k, type) and issubclass(k, BaseModel)]
    return classes[0] if classes else None


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
