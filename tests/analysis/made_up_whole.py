"""A made-up ensemble with all that the page and the pictures show."""

import json

import numpy as np
import xarray as xr

from tests.analysis.made_up import with_outlook
from tests.analysis.made_up_parts import whole
from yieldsim.analysis.fab.losses import STORED

ROUTE = ("scenario", "realization", "quarter", "fab", "process")
ORDER = ("scenario", "realization", "quarter", "order")
PLANNED, STARTED = 300.0, (240.0, 150.0)  # wafers a quarter on each of two lines


def with_losses(ds: xr.Dataset, shares: tuple[float, ...] = (0.2, 0.1, 0.5, 0.15)) -> xr.Dataset:
    """The ensemble with losses: each is a share of the bad dies; what is left is lost at test."""
    bad = ds["gross_dies"] - ds["good_dies"].sum("bin")
    for variable, share in zip(STORED.values(), shares, strict=True):
        ds[variable] = (share * bad).assign_attrs(units="die")
    return ds


def with_lines(ds: xr.Dataset) -> xr.Dataset:
    """Two lines that start fewer wafers than planned, and the utilization of two tool groups."""
    sizes = (ds.sizes["scenario"], ds.sizes["realization"], ds.sizes["quarter"])
    shape = (*sizes, 2, 1)
    starts = np.broadcast_to(np.array(STARTED)[:, None], shape)
    busy = np.broadcast_to([[0.5, 0.8], [0.9, 0.7]], (*sizes, 2, 2))
    ds = ds.assign_coords(fab=["north", "south"], process=["n2"], tool_group=["etch", "litho"])
    return ds.assign(
        wafer_plan=(ROUTE, np.full(shape, PLANNED), {"units": "wafer"}),
        wafer_starts=(ROUTE, starts, {"units": "wafer"}),
        wafer_outs=(ROUTE, 0.9 * starts, {"units": "wafer"}),
        d0_per_cm2=(ROUTE, np.full(shape, 0.123), {"units": "cm-2"}),
        utilization=((*ROUTE[:3], "fab", "tool_group"), busy, {"units": "1"}),
    )


def with_draws(ds: xr.Dataset) -> xr.Dataset:
    """Three inputs: the luck of each realization, its sign, and one that plays no part."""
    count = ds.sizes["realization"]
    luck = np.log(ds["usable_chips"].to_numpy()[0, :, :, 0].astype(float).sum(axis=1))
    inert = np.random.default_rng(8).random(count)
    draws = np.stack([luck, np.where(luck > np.median(luck), 1.0, 0.0), inert], axis=1)
    stacked = np.broadcast_to(draws, (ds.sizes["scenario"], *draws.shape))
    values = (("scenario", "realization", "parameter"), stacked)
    pair = {"parameter_first": "luck", "parameter_second": "sign"}  # which go together
    named = {key: ("correlation", [name]) for key, name in pair.items()}
    ds = ds.assign(parameter_value=values, **named)
    return ds.assign_coords(parameter=["luck", "sign", "inert"])


def with_orders(ds: xr.Dataset) -> xr.Dataset:
    """Two orders: one filled at once, one that is filled as the chips of a realization go."""
    made = ds["usable_chips"].to_numpy()[..., 0].astype(float).cumsum(axis=2)
    size = np.stack([np.full(made.shape, 10.0), np.full(made.shape, 4.0e5)], axis=-1)
    delivered = np.minimum(size, made[..., None])
    about = {
        "first": {"title": "The first <cluster>", "kind": "cluster", "buyer": "all", "due": None},
        "second": {
            "title": "The second order",
            "kind": "order",
            "placed": "2024Q1",
            "due": "2025Q2",
        },
    }
    names = [str(name) for name in ds["scenario"].to_numpy()]
    text = json.dumps(dict.fromkeys(names, about))
    return ds.assign(
        order_size=(ORDER, size, {"units": "chip", "orders": text}),
        order_backlog=(ORDER, size - delivered, {"units": "chip"}),
        order_delivered=(ORDER, np.diff(delivered, axis=2, prepend=0.0), {"units": "chip"}),
    ).assign_coords(order=list(about))


def everything(
    realizations: int = 40,
    scenarios: tuple[str, ...] = ("baseline", "domestic_late", "more:memory"),
) -> xr.Dataset:
    """Eight quarters of 2024 and 2025, of which the last is an outlook."""
    ds = with_orders(with_draws(with_lines(with_losses(whole(realizations, scenarios)))))
    model = json.loads(ds.attrs["model_json"])
    outlook = json.loads(with_outlook(ds, "2025Q4").attrs["model_json"])
    raw = model["raw"] | {"simulation": outlook["raw"]["simulation"]}
    return ds.assign_attrs(model_json=json.dumps({"raw": raw}))
