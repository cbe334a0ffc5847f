"""A small made-up ensemble with the shape of a real one, for the tests of what reads ensembles."""

import json

import numpy as np
import xarray as xr

from yieldsim.outputs import constraint_names

PRODUCTS = ("ascend_910b", "ascend_910c", "kirin_n2")
KINDS = ("ai", "ai", "phone")
SCENARIOS = ("baseline", "domestic_late")
GROUPS = ["arf_immersion", "etch"]


def quarters(count: int, first_year: int = 2024) -> list[str]:
    return [f"{first_year + i // 4}Q{i % 4 + 1}" for i in range(count)]


def ensemble(
    realizations: int = 64, quarter_count: int = 8, seed: int = 3, scenarios=SCENARIOS
) -> xr.Dataset:
    """Lognormal supply with a common luck per realization; the second scenario is 10 % lower."""
    rng = np.random.default_rng(seed)
    names = constraint_names(GROUPS)
    luck = np.exp(0.4 * rng.standard_normal((realizations, 1, 1)))
    noise = np.exp(0.2 * rng.standard_normal((realizations, quarter_count, len(PRODUCTS))))
    growth = np.linspace(40_000.0, 90_000.0, quarter_count)[:, None] * np.array([1.0, 0.5, 3.0])
    chips = luck * noise * growth
    chips[:, :2, 1] = 0.0
    factors = 0.9 ** np.arange(len(scenarios))
    usable = factors[:, None, None, None] * chips[None]
    held = rng.integers(2, len(names), size=usable.shape).astype("int16")
    held[:, :, :2, 1] = 0
    dims = ("scenario", "realization", "quarter", "product")
    labels = quarters(quarter_count)
    starts = [np.datetime64(f"{q[:4]}-{3 * int(q[-1]) - 2:02d}-01", "ns") for q in labels]
    return xr.Dataset(
        {
            "usable_chips": (dims, usable.astype("float32"), {"units": "chip"}),
            "packages_started": (dims, (1.2 * usable).astype("float32"), {"units": "package"}),
            "packages_wip": (dims, usable.astype("float32"), {"units": "package"}),
            "binding": (
                dims,
                held,
                {"flag_values": list(range(len(names))), "flag_names": names},
            ),
        },
        coords={
            "scenario": list(scenarios),
            "quarter": starts,
            "quarter_label": ("quarter", labels),
            "product": list(PRODUCTS),
            "product_kind": ("product", list(KINDS)),
        },
        attrs={"title": "made up", "seed": "7", "model_name": "made_up"},
    )


def with_outlook(ds: xr.Dataset, first: str) -> xr.Dataset:
    """The ensemble of a model that calls its results an outlook from a quarter on."""
    raw = {"name": "made_up", "simulation": {"outlook_from": first}}
    return ds.assign_attrs(model_json=json.dumps({"raw": raw}))
