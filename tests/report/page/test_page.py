import json
import re

import numpy as np
import pytest
import xarray as xr

from tests.analysis import made_up_demand, made_up_driven
from tests.analysis.made_up import ensemble, with_outlook
from tests.analysis.made_up_parts import LIFTED, whole
from tests.analysis.made_up_whole import everything
from tests.quantiles import least_reaching
from tests.report.page.parsed import Page, unpacked
from yieldsim.analysis.overview.fans import BY_QUARTER
from yieldsim.analysis.overview.overview import overview, provenance
from yieldsim.analysis.weights import with_weights
from yieldsim.errors import UsageError
from yieldsim.report.page import document
from yieldsim.report.page.document import as_script, page
from yieldsim.report.page.tables import cell_text


def made(ds: xr.Dataset, *scenarios: str) -> Page:
    return Page(page(overview(ds, scenarios)))


@pytest.fixture(scope="module")
def text() -> str:
    return page(overview(ensemble(realizations=40)))


def test_the_page_loads_nothing(text: str) -> None:
    found = Page(text)
    assert found.loads == ["data:,"]  # the empty icon, so that a browser asks for none
    assert not re.search(r"@import|url\(|fetch\(|XMLHttpRequest|import\(", text)
    assert "default-src 'none'" in text
    assert len(text.encode()) < 150_000
    assert len(found.ids) == len(set(found.ids))


def test_tables_hold_the_figures_of_the_ensemble(text: str) -> None:
    total = ensemble(realizations=40)["usable_chips"].to_numpy().astype(float)[0, :, :, :2]
    by_quarter = total.sum(axis=2)
    by_year = by_quarter.reshape(40, 2, 4).sum(axis=2)
    tables = Page(text).tables
    assert [row[0] for row in tables["year"]] == ["period", "2024", "2025"]
    for row, values in zip(tables["year"][1:], by_year.T, strict=True):
        wanted = [*np.quantile(values, [0.1, 0.5, 0.9]), values.mean()]
        shown = [float(cell.replace(",", "")) for cell in row[1::2]]
        assert shown == pytest.approx(wanted, rel=0.0, abs=0.5)  # whole chips
    for row, values in zip(tables["quarter"][1:], by_quarter.T, strict=True):
        wanted = [*np.quantile(values, [0.1, 0.25, 0.5, 0.75, 0.9]), values.mean()]
        shown = [float(cell.replace(",", "")) for cell in row[1:]]
        assert shown == pytest.approx(wanted, rel=0.0, abs=0.5)


def test_the_data_hold_the_fan_of_every_scenario_and_product(text: str) -> None:
    ds = ensemble(realizations=40)
    data = Page(text).data
    assert data["scenarios"] == ["baseline", "domestic_late"]
    assert data["products"] == ["total", "ascend_910b", "ascend_910c", "kirin_n2"]
    values = unpacked(data["fans"]["quarter"]["values"]).reshape(2, 4, 8, len(BY_QUARTER))
    chips = ds["usable_chips"].to_numpy().astype(float)
    p90 = np.quantile(chips[1, :, :, 2], 0.9, axis=0)
    np.testing.assert_allclose(values[1, 3, :, BY_QUARTER.index("p90")], p90, rtol=0.0, atol=0.5)


def test_the_answer_comes_first() -> None:
    found = made(with_outlook(ensemble(realizations=40, quarter_count=12), "2026Q1"))
    first = [word for word in found.words if word.startswith("2024: ")]
    assert len(first) == 1
    assert "; 2025: " in first[0]  # the last whole years before the outlook
    assert "2026" not in first[0]


def test_texts_of_a_model_are_no_markup() -> None:
    wicked = "</script><script>alert(1)</script>"
    ds = ensemble(realizations=20)
    ds = ds.assign_coords(scenario_title=("scenario", [wicked, "b & <b>"]))
    text = page(overview(ds.assign_attrs(title=wicked)))
    assert text.count("<script") == 2
    found = Page(text)
    assert found.data["titles"]["scenario"]["baseline"] == wicked
    assert json.loads(as_script({"a": "\u2028<"})) == {"a": "\u2028<"}


def test_scenarios_of_more_and_no_limit_are_shown_on_request_only() -> None:
    ds = whole(scenarios=LIFTED)
    assert made(ds).data["scenarios"] == ["baseline", "domestic_late"]
    assert made(ds, "no_limit:memory").data["scenarios"] == ["no_limit:memory"]
    with pytest.raises(UsageError, match="scenario: is not in the ensemble, got 'x'; allowed: bas"):
        overview(ds, ["x"])


def test_the_provenance_names_the_scenarios() -> None:
    found = provenance(everything().assign_attrs(scenarios='["as text"]'))
    assert found["scenarios"] == "baseline, domestic_late, more:memory"


def test_what_an_ensemble_lacks_is_said() -> None:
    words = " ".join(made(ensemble(realizations=20, scenarios=("baseline",))).words)
    for said in ("the page shows one scenario", "has no scenario with more of an input"):
        assert said in words


def test_orders_are_told_by_scenario() -> None:
    ds = made_up_demand.ensemble(("baseline", "other"))
    found = made(ds)
    rows = {row[0]: row for row in found.tables["orders"][1:]}
    assert rows["slow"][6:9] == ["2026Q2", "later", "later"]
    assert set(found.data["tables"]["orders"]["rows"]) == {"baseline|", "other|"}


def test_the_drivers_are_those_of_the_sensitivity() -> None:
    found = made(made_up_driven.driven(realizations=200))
    leading = {(row[1], row[0]) for row in found.tables["drivers"][1:]}
    assert ("2026", "up") in leading
    assert ("2027", "hump") in leading


def test_every_section_is_there_with_its_chart() -> None:
    found = made(everything())
    titles = {
        *("Usable chips", "What drives the spread", "What holds chips down", "What 10 % more adds"),
        *("What scenarios change", "Capacity of the lines", "What costs yield", "Assumptions"),
        *("When each pod, cluster and order is filled", "Beside what others say", "Provenance"),
    }
    assert titles <= set(found.words)
    charts = set(found.data["charts"])
    assert charts >= {
        "fan",
        "drivers",
        "binding",
        "gains",
        "differences",
        "orders",
        "lines",
        "yield",
    }
    assert all(f"chart-{name}" in found.ids for name in charts)


def test_lines_are_told_in_wafers_a_month() -> None:
    rows = made(everything()).tables["lines"][1:]
    assert [row[:3] for row in rows] == [
        ["n2: north", "2024", "100"],
        ["n2: north", "2025", "100"],
        ["n2: south", "2024", "100"],
        ["n2: south", "2025", "100"],
    ]
    assert [row[6] for row in rows] == ["80", "80", "50", "50"]
    assert [row[9:] for row in rows[::2]] == [["litho", "80.0 %"], ["etch", "90.0 %"]]


def test_losses_on_the_page_add_up_to_one() -> None:
    for row in made(everything()).tables["yield"][1:]:
        shares = [float(cell.removesuffix(" %")) for cell in row[2::2]]
        assert sum(shares) == pytest.approx(100.0, abs=0.05 * len(shares) + 1e-9)  # one decimal


def test_a_page_too_large_to_mail_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "MOST_BYTES", 10_000)
    with pytest.raises(UsageError, match="--html: the page would be too large to mail, got '"):
        page(overview(ensemble(realizations=20)))


@pytest.mark.parametrize(
    ("format", "value", "text"),
    [
        ("count", 1234567.5, "1,234,568"),
        ("count", -0.2, "0"),
        ("count", -1234.5, "-1,235"),
        ("share", 0.0625, "6.3 %"),
        ("share", 1.0, "100.0 %"),
        ("density", 0.1235, "0.123"),
        ("text", "a", "a"),
        ("count", None, "–"),
    ],
)
def test_cells_read_as_in_the_script(format: str, value: object, text: str) -> None:
    assert cell_text(format, value) == text  # tests/report/page/test_browser.py compares the script


def test_a_weighted_ensemble_gives_weighted_figures() -> None:
    ds = everything(60)
    weights = np.linspace(0.0, 1.0, 60)
    about = {"name": "made", "evidence": "made_up.csv", "effective_sample_size": 45.0}
    found = made(with_weights(ds, weights, about))
    year = ds["usable_chips"].to_numpy()[0, :, :4, :2].astype(float).sum(axis=(1, 2))
    wanted = least_reaching(year, weights, [0.1, 0.5, 0.9])
    shown = [float(cell.replace(",", "")) for cell in found.tables["year"][1][1:7:2]]
    assert shown == pytest.approx(wanted, rel=0.0, abs=0.5)
    base = unpacked(found.data["draws"]["base"])
    np.testing.assert_allclose(base, weights / weights.sum(), rtol=1e-6)
    words = " ".join(found.words)
    assert words.count("Weighted by made_up.csv (weights made)") > 5
    assert "of the variance" not in " ".join(found.words[:20])  # of the answer
