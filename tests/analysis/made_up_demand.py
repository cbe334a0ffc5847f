"""A made-up ensemble with orders and a market, whose figures can be worked out by hand."""

import json

import numpy as np
import xarray as xr

from tests.analysis.made_up import quarters

ORDERS = ("fast", "slow", "never", "later")
LEADING = ("scenario", "realization", "quarter")
COUNT = 20  # realizations


def ensemble(scenarios: tuple[str, ...] = ("baseline",)) -> xr.Dataset:
    """Eight quarters from 2025Q1.

    ``fast`` (10 chips) is filled at once. ``slow`` (100) gets 1 + r chips a quarter in realization
    r, so it is filled by quarter ceil(100 / (1 + r)). ``never`` (1000) gets 10 a quarter. ``later``
    (8) is placed in the last quarter and filled in the first half of the realizations.
    """
    labels = quarters(8, 2025)
    shape = (len(scenarios), COUNT, 8, len(ORDERS))
    delivered, size = np.zeros(shape), np.zeros(shape)
    size[..., 0], size[..., 1], size[..., 2] = 10.0, 100.0, 1000.0
    delivered[:, :, 0, 0] = 10.0
    each = 1.0 + np.arange(COUNT)[:, None]
    got = np.minimum(100.0, each * np.arange(1, 9))
    delivered[..., 1] = np.diff(got, prepend=0.0, axis=1)
    delivered[..., 2] = 10.0
    size[:, :, -1, 3] = 8.0
    delivered[:, : COUNT // 2, -1, 3] = 8.0
    backlog = size - np.cumsum(delivered, axis=2)
    rate = np.linspace(1.0, 2.0, COUNT)[:, None] * np.ones(8)
    market = {
        "demand": 1000.0 * rate,
        "gap_without_imports": 1000.0 * rate - 300.0,
        "gap_with_imports": 1000.0 * rate - 400.0,
    }
    imports = np.broadcast_to([60.0, 40.0], (len(scenarios), COUNT, 8, 2))
    usable = np.broadcast_to([300.0, 999.0], (len(scenarios), COUNT, 8, 2))
    about = {
        "fast": {"kind": "order", "claims": True, "placed": "2025Q1", "due": "2025Q2"},
        "slow": {"kind": "pods", "claims": True, "placed": "2025Q1", "due": "2026Q2"},
        "never": {"kind": "cluster", "claims": False, "placed": "2025Q1", "due": None},
        "later": {"kind": "plan", "claims": True, "placed": "2026Q4", "due": "2029Q4"},
    }
    variables = {
        "order_size": ((*LEADING, "order"), size),
        "order_delivered": ((*LEADING, "order"), delivered),
        "order_backlog": ((*LEADING, "order"), backlog),
        "imports": ((*LEADING, "import_source"), imports),
        "usable_chips": ((*LEADING, "product"), usable),
        "h100_equivalents": ((*LEADING, "product"), usable / 2.0),
        "imports_h100_equivalents": ((*LEADING, "import_source"), imports / 4.0),
    }
    for name, values in market.items():
        stacked = np.broadcast_to(values, (len(scenarios), COUNT, 8))
        variables[name] = (LEADING, stacked)
        variables[f"{name}_h100_equivalents"] = (LEADING, stacked / 4.0)
    ds = xr.Dataset(
        {name: (dims, values.astype("float32")) for name, (dims, values) in variables.items()},
        coords={
            "scenario": list(scenarios),
            "quarter": np.arange(8),
            "quarter_label": ("quarter", labels),
            "order": list(ORDERS),
            "import_source": ["h20", "grey"],
            "product": ["chip", "handset"],
            "product_kind": ("product", ["ai", "phone"]),
        },
        attrs={"model_name": "made_up", "seed": "7"},
    )
    ds["order_size"].attrs["orders"] = json.dumps({name: about for name in scenarios})
    for name in ds.data_vars:
        ds[name].attrs["units"] = "H100" if "h100" in str(name) else "chip"
    return ds
