import json

import numpy as np
import pytest

from tests.analysis.made_up_parts import LIFTED, whole
from yieldsim.analysis.supply.binding import binding_shares
from yieldsim.analysis.supply.lifted import binding_summary
from yieldsim.errors import StoreError, UsageError
from yieldsim.report.supply.binding import binding_text


def test_what_a_lifted_limit_adds_is_paired_with_its_own_base() -> None:
    ds = whole(scenarios=LIFTED)  # each scenario has nine tenths of the one before it
    summary = json.loads(json.dumps(binding_summary(ds), allow_nan=False))
    pairs = {(r["scenario"], r["base"], r["lifted"]) for r in summary["lifted"]}
    assert pairs == {
        ("no_limit:memory", "baseline", "memory"),
        ("domestic_late+no_limit:memory", "domestic_late", "memory"),
    }
    total = ds["usable_chips"].to_numpy().astype(float)[..., :2].sum(axis=3)
    for other, base in ((2, 0), (3, 1)):
        (record,) = (
            r
            for r in summary["lifted"]
            if (r["scenario"], r["product"], r["year"]) == (LIFTED[other], "total", "2025")
        )
        added = (total[other] - total[base])[:, 4:].sum(axis=1)
        # sums of float32 figures in double precision, in another order
        assert record["p10"] == pytest.approx(np.quantile(added, 0.1), rel=1e-11)
        assert record["se_mean"] == pytest.approx(added.std(ddof=1) / 40**0.5, rel=1e-11)
        assert record["quarters"] == 4


def test_shares_are_those_of_binding_shares_for_the_scenarios_asked_for() -> None:
    ds = whole(scenarios=LIFTED)
    assert binding_summary(ds)["binding"] == binding_shares(ds)
    summary = binding_summary(ds, ["no_limit:memory"])
    assert {r["scenario"] for r in summary["binding"]} == {"no_limit:memory"}
    # its base is compared with though it is not shown
    assert {r["base"] for r in summary["lifted"]} == {"baseline"}
    with pytest.raises(UsageError, match="scenario: is not in the ensemble, got 'x'"):
        binding_summary(ds, ["x"])


def test_a_lifted_limit_without_its_base_is_said() -> None:
    summary = binding_summary(whole(scenarios=("domestic_late", "no_limit:memory")))
    assert summary["lifted"] == []
    (note,) = summary["notes"]
    assert note.startswith("no_limit:memory ")
    assert note.endswith(" baseline")
    assert f"{note}." in binding_text(summary)


def test_an_ensemble_that_does_not_say_what_binds_is_one_line() -> None:
    with pytest.raises(StoreError, match="binding: is not kept in this ensemble"):
        binding_summary(whole().drop_vars("binding"))


def test_the_text_has_the_shares_by_quarter() -> None:
    ds = whole(realizations=50)
    held = np.full(ds["binding"].shape, 2, dtype="int16")  # memory
    held[:, :10] = 3  # packaging in a fifth of the realizations
    held[:, :1, :1] = 4  # defects in one of them, once
    ds["binding"][:] = held
    summary = binding_summary(ds)
    text = binding_text(summary, products=["ascend_910b"])
    table = text.split("\n\n")[1].splitlines()
    assert table[0].split() == ["quarter", "memory", "packaging", "others"]
    # the standard error of a share of fifty: sqrt(0.8 x 0.2 / 49)
    assert table[2].split() == ["2024Q1", "80", "±6", "18", "±5", "2"]
    assert table[3].split() == ["2024Q2", "80", "±6", "20", "±6"]
    assert "no_limit:NAME" in text


def test_the_text_has_what_lifting_adds() -> None:
    summary = binding_summary(whole(scenarios=LIFTED))
    text = binding_text(summary)
    assert text.count("What each lifted limit adds") == 1
    block = text.split("\n\n")[3].splitlines()
    assert block[2].split()[:3] == ["2024", "memory", "baseline"]
    assert block[3].split()[:3] == ["2024", "memory", "domestic_late"]
    record = next(r for r in summary["lifted"] if (r["product"], r["year"]) == ("total", "2024"))
    assert block[2].split()[3] == f"{record['p10']:,.0f}"
    assert "no_limit:NAME" not in text
    both = binding_text(summary, ["baseline"], ["total", "ascend_910c"])
    assert "What each lifted limit adds per calendar year, usable chips, ascend_910c" in both
