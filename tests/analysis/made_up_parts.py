"""The made-up ensemble with packages by bin, compute and dies, and with lifted limits."""

import json

import numpy as np
import xarray as xr

from tests.analysis.made_up import ensemble

LIFTED = ("baseline", "domestic_late", "no_limit:memory", "domestic_late+no_limit:memory")
BIN_NAMES = {"ai": {"bin_1": "full", "bin_2": "cut"}, "soc": {"bin_1": "good"}}
DIES = ("ai", "soc", "never")


def whole(realizations: int = 40, scenarios: tuple[str, ...] = ("baseline",)) -> xr.Dataset:
    """Two bins of packages 3 : 1, and dies of three designs of which the last is never made."""
    ds = ensemble(realizations=realizations, scenarios=scenarios)
    chips = ds["usable_chips"]
    bins = xr.DataArray(np.array([0.75, 0.25], dtype="float32"), dims="bin")
    ds["packages_passed"] = (chips * bins).assign_attrs(units="package")
    ds["packages_passed"][..., 2, 1] = 0.0  # the phone's die has one bin
    ds["h100_equivalents"] = (0.4 * chips).assign_attrs(units="H100")
    ds["h100_equivalents_bandwidth"] = (0.5 * chips).assign_attrs(units="H100")
    products = {name: {"die": "ai"} for name in ("ascend_910b", "ascend_910c")}
    model = {"raw": {"name": "made_up", "products": products | {"kirin_n2": {"die": "soc"}}}}
    ds = ds.assign_coords(bin=["bin_1", "bin_2"], die=list(DIES)).assign_attrs(
        bin_names=json.dumps(BIN_NAMES), model_json=json.dumps(model)
    )
    return ds.assign(_dies(ds))


def _dies(ds: xr.Dataset) -> dict[str, tuple]:
    """Realization r gets r + 1 of a hundred dies good, in two bins 3 : 1; nothing before 2024Q3."""
    dims = ("scenario", "realization", "quarter", "die")
    count = ds.sizes["realization"]
    gross = np.zeros((ds.sizes["scenario"], count, ds.sizes["quarter"], 3), dtype="float32")
    gross[:, :, 2:, 0] = 400.0
    gross[:, 1:, :, 1] = 1_000.0  # the first realization makes none of the second
    share = (np.arange(count) + 1.0)[:, None, None] / 100.0
    good = gross[..., None] * np.array([0.75, 0.25])
    good[..., 1, :] = gross[..., 1, None] * np.array([1.0, 0.0])
    good = (good * share[..., None]).astype("float32")
    return {
        "gross_dies": (dims, gross, {"units": "die"}),
        "good_dies": ((*dims, "bin"), good, {"units": "die"}),
    }


def with_starts(ds: xr.Dataset) -> xr.Dataset:
    """The two variables of the share fit for mass production: half of the good dies are."""
    dims = ds["gross_dies"].dims
    return ds.assign(
        gross_dies_started=(dims, 2.0 * ds["gross_dies"].to_numpy()),
        saleable_dies=(dims, ds["good_dies"].sum("bin").to_numpy()),
    )
