import json

import numpy as np
import pytest

from tests.analysis.made_up_parts import whole, with_starts
from yieldsim.analysis import totals
from yieldsim.analysis.fab.die_yield import FIT, GOOD, yield_summary
from yieldsim.errors import StoreError
from yieldsim.report.die_yield import TITLES, yield_text


def chosen(summary: dict, key: str, **place) -> list[dict]:
    return [r for r in summary[key] if all(r[name] == value for name, value in place.items())]


def test_shares_are_known_quantiles_by_bin() -> None:
    # one to 41 percent, in steps of one
    summary = json.loads(json.dumps(yield_summary(whole(realizations=41)), allow_nan=False))
    (both,) = chosen(summary, "yearly", die="ai", bin=None, year="2025")
    # dies are stored in single precision
    assert [both[name] for name in ("p10", "p50", "p90")] == pytest.approx(
        [0.05, 0.21, 0.37], rel=1e-6
    )
    (full,) = chosen(summary, "records", die="ai", bin="full", quarter="2025Q3")
    assert full["mean"] == pytest.approx(0.75 * 0.21, rel=1e-6)
    assert full["made"] == 1.0
    (cut,) = chosen(summary, "records", die="ai", bin="cut", quarter="2025Q3")
    assert full["p90"] + cut["p90"] == pytest.approx(both["p90"], rel=1e-6)
    assert {r["bin"] for r in chosen(summary, "yearly", die="soc")} == {None, "good"}


def test_only_realizations_that_make_the_die_count() -> None:
    summary = yield_summary(whole(realizations=41))
    (soc,) = chosen(summary, "yearly", die="soc", bin=None, year="2024")
    assert soc["made"] == pytest.approx(40 / 41)
    # the first of 41, with a yield of one percent, makes none: 2 to 41 percent are left
    assert soc["p50"] == pytest.approx(0.215, rel=1e-6)
    assert soc["se_mean"] == pytest.approx(np.arange(2, 42).std(ddof=1) / 100 / 40**0.5, rel=1e-6)


def test_periods_without_dies_are_left_out() -> None:
    summary = yield_summary(whole())
    quarters = [r["quarter"] for r in chosen(summary, "records", die="ai", bin=None)]
    assert quarters == summary["quarters"][2:]
    assert chosen(summary, "records", die="never") == chosen(summary, "yearly", die="never") == []


def test_the_share_of_a_year_is_of_its_sums() -> None:
    ds = whole(realizations=3)
    ds["gross_dies"][:, :, 4, 0] = 2_000.0  # with as many good ones as before
    summary = yield_summary(ds)
    (year,) = chosen(summary, "yearly", die="ai", bin=None, year="2025")
    assert year["p50"] == pytest.approx(0.02 * 1_600.0 / 3_200.0, rel=1e-6)


def test_the_share_fit_for_mass_production_is_of_the_dies_started() -> None:
    ds = whole(realizations=41)
    summary = yield_summary(ds)
    assert summary["missing"][:2] == ["saleable_dies", "gross_dies_started"]
    assert {r["figure"] for r in summary["records"]} == {GOOD}
    assert f"{FIT} is not given" in summary["notes"][0]
    assert summary["notes"][0][1:] in yield_text(summary)
    summary = yield_summary(with_starts(ds))
    (fit,) = chosen(summary, "records", figure=FIT, die="ai", quarter="2025Q1")
    assert (fit["bin"], fit["p50"]) == (None, pytest.approx(0.105, rel=1e-6))
    assert not any(FIT in note for note in summary["notes"])
    assert TITLES[FIT] in yield_text(summary)


def test_the_batches_that_are_gathered_make_no_difference(monkeypatch) -> None:
    ds = whole(scenarios=("a", "b"))
    expected = yield_summary(ds)
    monkeypatch.setattr(totals, "BUDGET_BYTES", 1)
    assert yield_summary(ds) == expected


def test_an_ensemble_without_dies_is_one_line() -> None:
    with pytest.raises(StoreError, match="good_dies, gross_dies: are not kept in this ensemble"):
        yield_summary(whole().drop_vars("gross_dies"))


def test_the_text_has_years_by_bin_and_quarters_by_die() -> None:
    summary = yield_summary(whole(realizations=41))
    years, quarters = (block.splitlines() for block in yield_text(summary).split("\n\n")[1:4:2])
    (first,) = chosen(summary, "yearly", die="ai", bin=None, year="2024")
    error = f"{100.0 * first['se_p10']:.1f}"
    assert years[2].split()[:6] == ["2024", "ai", "all", "5.0", "%", error]
    # a die of one bin has no row for it
    assert [line.split()[1:3] for line in years[2:6]] == [
        ["ai", "all"],
        ["ai", "full"],
        ["ai", "cut"],
        ["soc", "all"],
    ]
    assert quarters[0].split() == ["quarter", "ai", "soc"]
    assert quarters[2].split()[0] == "2024Q1"
    assert len(quarters[2].split()) == 3  # no AI die yet
    assert quarters[-1].split()[:2] == ["2025Q4", "21.0"]
