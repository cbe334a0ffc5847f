"""Read a wafer model from TOML; an error is one line."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from yieldsim.errors import ModelError
from yieldsim.model.files.messages import validate
from yieldsim.model.files.origins import located
from yieldsim.model.files.toml import read_model
from yieldsim.wafer.model.wafer_model import WaferModel, check_wafer_model

__all__ = ["load_wafer_model", "wafer_model"]


def load_wafer_model(path: str | Path, allow_outside: Iterable[str | Path] = ()) -> WaferModel:
    """Return the checked model of a TOML file.

    Its parts must lie in the model's folder, or in one of the folders ``allow_outside``.
    Raises ModelError, one line with place, value and what is allowed, for a file that is missing,
    truncated or not TOML, unknown keys, values out of range and contradictions.
    """
    tables = read_model(Path(path), allow_outside)
    if "products" in tables.raw and "die" not in tables.raw:
        allowed = "a wafer model; `yieldsim wafer MODEL --product NAME` draws a die of this one"
        raise ModelError(Path(path).name, "is a supply model", allowed=allowed)
    if tables.scenarios:
        raise ModelError(
            "scenarios", "unknown key", got="scenarios", allowed=", ".join(WaferModel.model_fields)
        )
    try:
        return wafer_model(tables.raw)
    except ModelError as error:
        raise located(error, tables.places) from None


def wafer_model(raw: dict[str, Any]) -> WaferModel:
    """Return the checked model of plain tables. Raises as `load_wafer_model` does."""
    model = validate(WaferModel, raw, name="wafer model")
    check_wafer_model(model)
    return model
