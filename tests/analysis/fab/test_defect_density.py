"""D0 by process, line and period: weighted by the wafers started, with its unit."""

import re

import numpy as np
import pytest
import xarray as xr

from tests.analysis.made_up import quarters
from tests.analysis.made_up_parts import whole
from yieldsim.analysis import totals
from yieldsim.analysis.fab.defect_density import d0_records
from yieldsim.analysis.fab.die_yield import yield_summary
from yieldsim.report.die_yield import yield_text

DIMS = ("scenario", "realization", "quarter", "fab", "process")
FABS, PROCESSES = ["north", "south"], ["n2", "n3"]


def two_lines(realizations: int = 40) -> xr.Dataset:
    """Two scenarios, eight quarters; n3 runs in the north alone, from 2025 on, in half of them."""
    rng = np.random.default_rng(5)
    shape = (2, realizations, 8, 2, 2)
    wafers = rng.uniform(1e3, 5e3, shape).astype("float32")
    wafers[..., 1, 1] = 0.0
    wafers[:, :, :4, :, 1] = 0.0
    wafers[:, ::2, :, :, 1] = 0.0
    density = rng.lognormal(-1.0, 0.4, shape).astype("float32")
    density[wafers == 0.0] = np.nan  # what it is where nothing is started must not matter
    return xr.Dataset(
        {
            "d0_per_cm2": (DIMS, density, {"units": "cm-2"}),
            "wafer_starts": (DIMS, wafers, {"units": "wafer"}),
        },
        coords={
            "scenario": ["baseline", "other"],
            "quarter": np.arange(8),
            "quarter_label": ("quarter", quarters(8)),
            "fab": FABS,
            "process": PROCESSES,
        },
    )


def chosen(records: list[dict], **place) -> list[dict]:
    return [r for r in records if all(r[key] == value for key, value in place.items())]


def test_a_line_in_a_quarter_has_the_density_of_the_store() -> None:
    ds = two_lines()
    (record,) = chosen(
        d0_records(ds, "quarter"), scenario="other", process="n2", fab="south", quarter="2024Q3"
    )
    density = ds["d0_per_cm2"].to_numpy()[1, :, 2, 1, 0].astype(float)
    # times the wafers and over them again, in double precision
    assert record["p90"] == pytest.approx(np.quantile(density, 0.9), rel=1e-14)
    assert record["se_mean"] == pytest.approx(density.std(ddof=1) / 40**0.5, rel=1e-12)
    assert (record["units"], record["made"]) == ("cm-2", 1.0)


@pytest.mark.parametrize(("fab", "lines"), [(None, [0, 1]), ("north", [0])])
def test_lines_and_quarters_are_joined_by_the_wafers_started(fab, lines) -> None:
    ds = two_lines()
    (record,) = chosen(
        d0_records(ds, "year"), scenario="baseline", process="n2", fab=fab, year="2025"
    )
    at = (0, slice(None), slice(4, 8), lines, 0)
    wafers = ds["wafer_starts"].to_numpy().astype(float)[at]
    density = ds["d0_per_cm2"].to_numpy().astype(float)[at]
    axes = tuple(i for i, count in enumerate(wafers.shape) if count != 40)
    by_hand = (density * wafers).sum(axis=axes) / wafers.sum(axis=axes)
    assert record["mean"] == pytest.approx(by_hand.mean(), rel=1e-12)
    assert record["p10"] == pytest.approx(np.quantile(by_hand, 0.1), rel=1e-12)
    assert record["quarters"] == 4


def test_only_wafers_that_are_started_count() -> None:
    records = chosen(d0_records(two_lines(), "year"), process="n3")
    assert {(r["fab"], r["year"], r["made"]) for r in records} == {
        (None, "2025", 0.5),
        ("north", "2025", 0.5),
    }
    for r in records:  # the only line of a process is the process
        (same,) = chosen(records, scenario=r["scenario"], fab=None)
        assert r["mean"] == same["mean"] > 0.0


def test_the_batches_that_are_gathered_make_no_difference(monkeypatch) -> None:
    ds = two_lines()
    expected = d0_records(ds, "quarter")
    monkeypatch.setattr(totals, "BUDGET_BYTES", 1)
    monkeypatch.setattr(totals, "BLOCK_BYTES", 3_000)
    assert d0_records(ds, "quarter") == expected


def test_every_table_of_d0_says_its_unit() -> None:
    summary = yield_summary(two_lines())  # an ensemble without dies has D0 all the same
    missing = ["good_dies", "gross_dies", "saleable_dies", "gross_dies_started"]
    assert summary["missing"][:4] == missing  # and what the losses need
    blocks = yield_text(summary).split("\n\n")
    titles, tables = blocks[:-1:2], blocks[1:-1:2]
    assert len(titles) == 2
    assert all("1/cm2" in title for title in titles)
    yearly, by_quarter = (table.splitlines() for table in tables)
    assert [row.split()[:3] for row in yearly[2:5]] == [
        ["2024", "n2", "all"],
        ["2024", "n2", "north"],
        ["2024", "n2", "south"],
    ]
    (first,) = chosen(summary["d0"], scenario="baseline", process="n2", fab=None, quarter="2024Q1")
    heads = [head.strip() for head in re.split("  +", by_quarter[0])]
    assert heads == ["quarter", "n2 all", "n2 north", "n2 south", "n3 all"]
    assert by_quarter[2].split()[:3] == [
        "2024Q1",
        f"{first['p50']:.3f}",
        f"±{first['se_p50']:.3f}",
    ]


def test_an_ensemble_without_d0_says_so() -> None:
    summary = yield_summary(whole())
    assert summary["d0"] == summary["d0_yearly"] == []
    assert "D0 is not given: the ensemble lacks d0_per_cm2 and wafer_starts" in summary["notes"]
    assert "1/cm2" not in yield_text(summary)
