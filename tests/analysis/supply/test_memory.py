"""The balance of memory stacks closes, year by year and between pools and products."""

import json
from functools import cache

import numpy as np
import pytest
import xarray as xr

import yieldsim
from tests.paths import VALID
from yieldsim.analysis.supply.memory import memory_summary
from yieldsim.errors import StoreError
from yieldsim.report.supply.memory import BALANCE, NOTHING, USERS, memory_text

# stores are in single precision: stocks of four pools and the flows of four quarters
FLOAT32 = 1e-6
YEARS = "per calendar year"


@cache
def two_years() -> xr.Dataset:
    changes = ["simulation.end=2027Q4", "memory.own.deliveries=5000"]
    changes += ["products.a.demand=1000", "products.b.demand=3000"]  # leaves stacks in stock
    return yieldsim.run(str(VALID / "memory.toml"), realizations=16, seed=7, changes=changes)


def test_stocks_carry_over_from_year_to_year() -> None:
    records = memory_summary(two_years())["balance"]
    pools = list(dict.fromkeys(r["pool"] for r in records))
    assert pools == ["total", "stacks", "plain", "fast", "own", "given"]
    for pool in pools:
        first, second = (r for r in records if r["pool"] == pool)
        assert first["start"] == pytest.approx(0.0, abs=FLOAT32 * first["in"])  # no warm-up
        assert second["start"] == pytest.approx(first["end"], abs=FLOAT32 * second["in"])


def test_halves_of_a_year_join_to_the_year() -> None:
    ds = two_years()
    halves = memory_summary(ds, ["2026H1", "2026H2"])
    years = {r["pool"]: r for r in memory_summary(ds)["balance"] if r["year"] == "2026"}
    assert [r["period"] for r in halves["balance"]] == ["2026H1", "2026H2"] * len(years)
    for pool, year in years.items():
        first, second = (r for r in halves["balance"] if r["pool"] == pool)
        near = {"rel": FLOAT32, "abs": FLOAT32 * year["in"]}
        assert first["start"] == pytest.approx(year["start"], **near)
        assert second["start"] == pytest.approx(first["end"], **near)
        assert second["end"] == pytest.approx(year["end"], **near)
        for key in ("in", "used"):
            assert first[key] + second[key] == pytest.approx(year[key], **near)
    used = {r["product"]: r["used"] for r in memory_summary(ds)["users"] if r["year"] == "2026"}
    for product, whole_year in used.items():
        parts = [r["used"] for r in halves["users"] if r["product"] == product]
        assert sum(parts) == pytest.approx(whole_year, rel=FLOAT32)
    assert "2026H2" in memory_text(halves)


def test_pools_add_up_to_the_total_and_users_to_what_was_used() -> None:
    summary = memory_summary(two_years())
    for year in ("2026", "2027"):
        rows = [r for r in summary["balance"] if r["year"] == year]
        total = next(r for r in rows if r["pool"] == "total")
        for key in ("start", "in", "used", "end"):
            parts = sum(r[key] for r in rows if r["pool"] != "total")
            assert total[key] == pytest.approx(parts, rel=FLOAT32, abs=FLOAT32 * total["in"])
        users = sum(r["used"] for r in summary["users"] if r["year"] == year)
        assert users == pytest.approx(total["used"], rel=FLOAT32)


def test_a_pool_has_its_generation_origin_and_spread() -> None:
    ds = two_years()
    (own, _) = (r for r in memory_summary(ds)["balance"] if r["pool"] == "own")
    assert (own["generation"], own["origin"]) == ("B", "there")
    came = ds["stacks_in"].sel(memory="own", scenario="baseline").to_numpy()[:, :4].astype(float)
    assert own["in_p90"] == pytest.approx(np.quantile(came.sum(axis=1), 0.9), rel=1e-12)


def test_the_text_shows_both_tables() -> None:
    text = memory_text(memory_summary(two_years()))
    assert text.startswith(f"{BALANCE.format(per=YEARS)}, scenario baseline\n")
    assert f"{USERS.format(per=YEARS)}, scenario baseline\n" in text
    assert all(len(line) <= 130 for line in text.splitlines())


def test_an_ensemble_without_these_variables_says_so() -> None:
    summary = memory_summary(two_years().drop_vars("stacks_used"))
    assert summary["balance"] == []
    assert memory_text({**summary, "users": []}).startswith(NOTHING)
    assert "does not keep stacks_used" in memory_text(summary)


def test_a_damaged_model_is_refused() -> None:
    broken = two_years().assign_attrs(model_json=json.dumps({"raw": {"memory": {"own": 1}}}))
    with pytest.raises(StoreError, match="model_json: is damaged: memory is no table of tables"):
        memory_summary(broken)
