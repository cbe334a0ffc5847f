"""Which published counts test the model, and how many of them it holds."""

import numpy as np
import pytest

from tests.analysis.made_up import ensemble
from yieldsim.analysis.evidence.checks import checks_of, widths


def record(house: str, *, inside: bool = True, role: str = "check", **other) -> dict:
    base = {
        "compared": True,
        "role": role,
        "house": house,
        "variable": "usable_chips",
        "select": "product=a",
        "per": "period",
        "period": "2025",
        "inside": inside,
    }
    return base | other


@pytest.mark.parametrize(
    ("records", "checks", "inside", "outside"),
    [
        ([record("a"), record("b", inside=False)], 2, 1, [1]),
        # two figures of a house for one thing are one check, and one that fails fails it
        ([record("a"), record("a", inside=False)], 1, 0, [1]),
        ([record("a"), record("a", period="2025H1")], 1, 1, []),
        ([record("a"), record("a", period="2024")], 2, 2, []),
        ([record("a"), record("a", select="product=b")], 2, 2, []),
        # what the model rests on, a forecast, and what is not compared test nothing
        ([record("a", role="input", inside=False), record("b")], 1, 1, []),
        ([record("a", role="forecast", inside=False)], 0, 0, []),
        ([record("a", compared=False, inside=None)], 0, 0, []),
    ],
)
def test_separate_checks_are_counted_once(records, checks, inside, outside) -> None:
    found = checks_of(records)
    assert (found["checks"], found["inside"], found["outside"]) == (checks, inside, outside)
    assert found["inputs"] == [i for i, r in enumerate(records) if r["role"] == "input"]


def test_the_width_of_a_year_is_that_of_its_total() -> None:
    ds = ensemble()
    chips = ds["usable_chips"].to_numpy().astype(float)[1, :, :4, :2].sum(axis=(1, 2))
    first, second = widths(ds, "domestic_late")
    assert (first["year"], second["year"]) == ("2024", "2025")
    p10, p90 = np.quantile(chips, (0.1, 0.9))
    # sums of float32 figures in double precision, in another order
    assert first["ratio"] == pytest.approx(p90 / p10, rel=1e-12)
    ds["usable_chips"][:] = 0.0
    assert widths(ds, "baseline")[0]["ratio"] is None
