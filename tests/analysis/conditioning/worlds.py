"""Made-up ensembles whose posterior is known, and files of evidence on them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from tests.analysis.made_up import quarters

HEADER = (
    "entity,period,low,central,high,unit,source,variable,select,role,spread,independence_group\n"
)
INPUTS = ("level", "growth", "idle")


def world(
    chips: np.ndarray, draws: np.ndarray | None = None, inputs: Sequence[str] = INPUTS
) -> xr.Dataset:
    """An ensemble of one AI product: chips (realization, quarter), draws (realization, input)."""
    dims = ("scenario", "realization", "quarter", "product")
    content: dict = {"usable_chips": (dims, chips[None, :, :, None], {"units": "chip"})}
    coords: dict = {
        "scenario": ["baseline"],
        "quarter_label": ("quarter", quarters(chips.shape[1])),
        "product": ["a"],
        "product_kind": ("product", ["ai"]),
    }
    if draws is not None:
        content["parameter_value"] = (("scenario", "realization", "parameter"), draws[None])
        coords["parameter"] = list(inputs)
    return xr.Dataset(content, coords=coords, attrs={"model_name": "world", "seed": "7"})


def linear(realizations: int, seed: int = 1) -> xr.Dataset:
    """Two years: chips of a quarter are 100 + 5 level + 3 growth, then 120 + 5 level + 6 growth.

    The inputs are standard normal, and ``idle`` has no effect.
    """
    x = np.random.default_rng(seed).standard_normal((realizations, 3))
    first, second = 100.0 + x @ (5.0, 3.0, 0.0), 120.0 + x @ (5.0, 6.0, 0.0)
    return world(np.repeat(np.stack([first, second], axis=1), 4, axis=1), x)


def evidence(folder: Path, *rows: str, header: str = HEADER) -> Path:
    """A file with these rows."""
    path = folder / "evidence.csv"
    path.write_text(header + "".join(f"{row}\n" for row in rows), encoding="utf-8")
    return path


def row(
    period: str = "2024",
    low: float | str = "",
    central: float | str = "",
    high: float | str = "",
    spread: str = "20%",
    group: str = "",
    role: str = "check",
) -> str:
    """A row on the chips of all AI products."""
    return f"all,{period},{low},{central},{high},chips,source,usable_chips,,{role},{spread},{group}"
