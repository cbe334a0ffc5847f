"""Wafer starts beside chips: of all lines, and by the kind of product that uses a design."""

import json

import numpy as np
import pytest
import xarray as xr

from tests.analysis.made_up_parts import whole
from yieldsim.analysis import summarize
from yieldsim.analysis.supply.starts import start_records
from yieldsim.report.supply.summary import starts_table, summary_text

SCENARIOS = ("baseline", "domestic_late")


def with_starts(scenarios: tuple[str, ...] = SCENARIOS) -> xr.Dataset:
    """Two lines that start 100 and 200 wafers a quarter and realization number; of these 10, 20 and
    40 carry the dies `ai`, `soc` and `io`, which the accelerators need beside their own.
    """
    ds = whole(realizations=20, scenarios=scenarios)
    model = json.loads(ds.attrs["model_json"])
    model["raw"]["products"]["ascend_910c"]["other_dies"] = {"io": 1}
    model["raw"]["products"]["kirin_n2"]["kind"] = "phone"
    added = {"products": {"watch": {"die": "never", "kind": "other"}}}
    model["scenarios"] = {"more_products": {"changes": added}}
    ds = ds.drop_dims("die").assign_attrs(model_json=json.dumps(model))
    ds = ds.assign_coords(die=["ai", "soc", "io", "never"], fab=["a", "b"], process=["n2"])
    leading = (len(scenarios), 20, ds.sizes["quarter"])
    luck = (1.0 + np.arange(20.0))[None, :, None, None]
    lines = np.broadcast_to(luck * np.array([100.0, 200.0]), (*leading, 2))[..., None]
    dies = np.broadcast_to(luck * np.array([10.0, 20.0, 40.0, 0.0]), (*leading, 4))
    dims = ("scenario", "realization", "quarter")
    ds["wafer_starts"] = ((*dims, "fab", "process"), lines.astype("float32"), {"units": "wafer"})
    ds["die_wafer_starts"] = ((*dims, "die"), dies.astype("float32"), {"units": "wafer"})
    return ds


def test_starts_of_lines_and_kinds_of_design() -> None:
    records = start_records(with_starts())
    means = {
        r["designs"]: r["mean"]
        for r in records
        if (r["scenario"], r["year"]) == ("domestic_late", "2025")
    }
    year = 4 * 10.5  # quarters, mean of 1 to 20
    assert means == pytest.approx(
        {"all": 300 * year, "ai": 50 * year, "phone": 20 * year, "other": 0.0}
    )


def test_an_ensemble_without_starts_has_no_records() -> None:
    assert start_records(whole()) == []
    older = with_starts().drop_vars("die_wafer_starts")  # a store of an earlier version
    assert {r["designs"] for r in start_records(older)} == {"all"}


def test_starts_stand_beside_chips_where_scenarios_are_compared() -> None:
    summary = summarize(with_starts())
    header, _, *rows = starts_table(summary).splitlines()
    assert header.split("  ")[0] == "year"
    assert [word for word in ("all", "ai", "phone", "other") if f"starts, {word}" in header] == [
        "all",
        "ai",
        "phone",
        "other",
    ]
    assert len(rows) == 2 * 2
    total = next(r for r in summary["yearly"] if r["product"] == "total" and r["year"] == "2024")
    assert rows[0].split()[:3] == ["2024", "baseline", f"{round(total['mean']):,}"]
    assert rows[0].split()[4] == "12,600"
    title = "Usable AI chips and wafer starts per calendar year by scenario, means"
    assert title in summary_text(summary)
    assert title not in summary_text(summarize(with_starts(("baseline",))))
