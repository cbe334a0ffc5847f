"""A made-up ensemble whose chips follow from its inputs by a formula."""

import json
from collections.abc import Callable

import numpy as np
import xarray as xr

from tests.analysis.made_up import quarters

INPUTS = ("up", "down", "hump", "inert", "constant", "switch")
PAIR = ("up", "down")


def inputs(realizations: int, seed: int = 5) -> np.ndarray:
    """Draws (realization, input): uniform, but for one that is constant and one of two values."""
    rng = np.random.default_rng(seed)
    values = rng.random((realizations, len(INPUTS)))
    values[:, 4] = 0.25
    values[:, 5] = np.where(values[:, 5] < 0.3, 1.0, 2.0)
    return values


def driven(
    realizations: int = 400,
    noise: float = 0.0,
    seed: int = 5,
    chips: Callable[[np.ndarray], np.ndarray] | None = None,
    process_noise: bool = True,
    given: dict[str, np.ndarray] | None = None,
) -> xr.Dataset:
    """One AI product and one phone over six quarters of 2026 and 2027.

    In 2026 chips are 100 + 40 up, in 2027 100 + 30 up - 20 down + 80 |hump - 0.5| + 10 switch, each
    with normal noise of sd ``noise``. ``chips`` (realization) of the inputs takes their place in
    every quarter. The phone follows the inert input alone, and has no chips in 2026. ``given``
    columns take the place of draws.
    """
    if given is not None:
        realizations = len(next(iter(given.values())))
    x = inputs(realizations, seed)
    for name, column in (given or {}).items():
        x[:, INPUTS.index(name)] = column
    rng = np.random.default_rng(seed + 1)
    up, down, hump, inert, _, switch = x.T
    first = 100.0 + 40.0 * up
    later = 100.0 + 30.0 * up - 20.0 * down + 80.0 * np.abs(hump - 0.5) + 10.0 * switch
    if chips is not None:
        first = later = chips(x)
    base = np.stack([first] * 4 + [later] * 2, axis=1)
    ai = base + noise * rng.standard_normal(base.shape)
    phone = np.stack([0.0 * inert] * 4 + [1_000.0 * inert] * 2, axis=1)
    labels = quarters(6, 2026)
    raw = {"name": "made_up", "simulation": {"process_noise": process_noise}}
    dims = ("scenario", "realization", "quarter", "product")
    return xr.Dataset(
        {
            "usable_chips": (dims, np.stack([ai, phone], axis=2)[None], {"units": "chip"}),
            "parameter_value": (("scenario", "realization", "parameter"), x[None]),
            "parameter_first": ("correlation", [PAIR[0]]),
            "parameter_second": ("correlation", [PAIR[1]]),
        },
        coords={
            "scenario": ["baseline"],
            "quarter_label": ("quarter", labels),
            "product": ["ascend", "kirin"],
            "product_kind": ("product", ["ai", "phone"]),
            "parameter": list(INPUTS),
        },
        attrs={"seed": "7", "model_json": json.dumps({"raw": raw})}
        | ({} if given is None else {"samples_digest": "made up"}),
    )
