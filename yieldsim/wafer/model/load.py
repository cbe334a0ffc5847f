"""Reading a wafer model from TOML, with one line for whatever is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from yieldsim.errors import ModelError
from yieldsim.model.files.toml import read_model
from yieldsim.model.schema.values import shown
from yieldsim.wafer.model.wafer_model import WaferModel, check_wafer_model

__all__ = ["load_wafer_model", "wafer_model"]

_BOUNDS = {
    "greater_than": ("gt", ">"),
    "greater_than_equal": ("ge", ">="),
    "less_than": ("lt", "<"),
    "less_than_equal": ("le", "<="),
}
_NO_TABLE = {"model_type", "model_attributes_type", "dict_type"}


def load_wafer_model(path: str | Path) -> WaferModel:
    """The checked model of a TOML file.

    Raises ModelError, one line with place, value and what is allowed, for a file that is missing,
    truncated or not TOML, unknown keys, values out of range and contradictions.
    """
    raw, scenarios = read_model(Path(path))
    if scenarios:
        raise ModelError("scenarios", "unknown key", got="scenarios", allowed=_keys(WaferModel))
    return wafer_model(raw)


def wafer_model(raw: dict[str, Any]) -> WaferModel:
    """The checked model of plain tables, as `load_wafer_model`."""
    try:
        model = WaferModel.model_validate(raw)
    except ValidationError as error:
        details = error.errors(include_url=False)
        raise _one_line(details[0]) from None
    check_wafer_model(model)
    return model


def _one_line(detail: ErrorDetails) -> ModelError:
    place = tuple(step for step in detail["loc"] if not _is_tag(step))
    kind, got = detail["type"], detail["input"]
    where = ".".join(map(str, place)) or "wafer model"
    context = detail.get("ctx", {})
    if kind == "extra_forbidden":
        holder = ".".join(map(str, place[:-1])) or "wafer model"
        allowed = _keys(_table_at(place[:-1]))
        return ModelError(holder, "unknown key", got=str(place[-1]), allowed=allowed)
    if kind == "missing":
        return ModelError(where, "is missing")
    if kind in _BOUNDS:
        key, sign = _BOUNDS[kind]
        return ModelError(
            where, f"out of range, got {shown(got)}", allowed=f"{sign} {context[key]:g}"
        )
    if kind == "literal_error":
        return ModelError(where, f"is not known, got {shown(got)}", allowed=context["expected"])
    if kind == "value_error":
        return ModelError(where, detail["msg"].removeprefix("Value error, "))
    if kind in _NO_TABLE:
        return ModelError(where, f"must be a table, got {shown(got)}", allowed=f"[{where}]")
    words = detail["msg"][0].lower() + detail["msg"][1:]
    return ModelError(where, f"{words}, got {shown(got)}")


def _is_tag(step: int | str) -> bool:
    """Whether pydantic put the step in to name a member of a union."""
    return isinstance(step, str) and any(mark in step for mark in "[(")


def _table_at(place: tuple[int | str, ...]) -> type[BaseModel] | None:
    here: Any = WaferModel
    for step in place:
        if isinstance(here, type) and issubclass(here, BaseModel):
            field = here.model_fields.get(str(step))
            here = field.annotation if field else None
        else:  # dict[str, Table]: the step is a name
            here = get_args(here)[-1] if get_args(here) else None
        members = [one for one in get_args(here) if isinstance(one, type)]
        tables = [one for one in members if issubclass(one, BaseModel)]
        if tables and str not in members:
            here = tables[0]
    return here if isinstance(here, type) and issubclass(here, BaseModel) else None


def _keys(table: type[BaseModel] | None) -> str:
    return ", ".join(table.model_fields) if table else "none"
