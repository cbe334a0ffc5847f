import pytest

from tests.analysis.made_up import PRODUCTS, ensemble, with_outlook
from yieldsim.analysis import summarize
from yieldsim.report import (
    align,
    correlation_table,
    count,
    difference_table,
    period_table,
    quarter_table,
    scenario_table,
    summary_text,
)

MOST = "binds most often"


@pytest.fixture(scope="module")
def summary() -> dict:
    return summarize(ensemble())


def columns(table: str) -> list[list[str]]:
    """The cells of a table, cut where its rule says that columns stand."""
    header, rule, *rows = table.splitlines()
    edges = [i for i, c in enumerate(rule) if c == "-" and (i == 0 or rule[i - 1] == " ")]
    ends = [*edges[1:], None]
    return [
        [line[a:b].strip() for a, b in zip(edges, ends, strict=True)] for line in (header, *rows)
    ]


def test_columns_are_aligned() -> None:
    table = align(("name", "count"), [("a", "1"), ("bcdefg", "1,000")], right=[1])
    assert table == "name    count\n------  -----\na           1\nbcdefg  1,000"
    assert align(("a", "b"), []) == "a  b\n-  -"


@pytest.mark.parametrize(
    ("number", "text"),
    [(812_345.6, "812,346"), (0.0, "0"), (-0.3, "0"), (-1_234.0, "-1,234"), (None, "-")],
)
def test_figures_read_well(number: float | None, text: str) -> None:
    assert count(number) == text


def test_the_total_by_quarter_stands_beside_its_error_and_what_binds(summary: dict) -> None:
    header, *rows = columns(quarter_table(summary, "baseline"))
    assert header == ["quarter", "P10", "±", "P50", "±", "P90", "±", "mean", "±", MOST]
    assert [row[0] for row in rows] == summary["quarters"]
    record = next(r for r in summary["records"] if r["product"] == "total")
    assert rows[0][1:3] == [count(record["p10"]), count(record["se_p10"])]
    assert rows[0][5:9] == [count(record[n]) for n in ("p90", "se_p90", "mean", "se_mean")]
    most = next(r for r in summary["binding"] if r["product"] == "total")
    assert rows[0][9] == f"{most['constraint']} ({100 * most['share']:.0f} %)"


def test_quarters_without_supply_are_left_out(summary: dict) -> None:
    rows = columns(quarter_table(summary, "baseline", "ascend_910c"))[1:]
    assert [row[0] for row in rows] == summary["quarters"][2:]
    assert quarter_table(summary, "baseline", "unheard_of") == "none in any realization"


def test_years_list_the_total_then_ai_products_then_others(summary: dict) -> None:
    rows = columns(period_table(summary, "baseline"))[1:]
    assert [row[:2] for row in rows[:4]] == [
        ["2024", "total"],
        ["", PRODUCTS[0]],
        ["", PRODUCTS[1]],
        ["", f"{PRODUCTS[2]}*"],
    ]
    assert rows[4][0] == "2025"


def test_a_year_in_part_says_so() -> None:
    table = period_table(summarize(ensemble(quarter_count=6)), "baseline")
    assert [row[0] for row in columns(table)[1:]] == ["2024", "", "", "", "2025 (2q)", "", "", ""]


def test_a_product_that_is_the_total_is_not_told_twice() -> None:
    ds = ensemble().isel(product=[0])
    text = summary_text(summarize(ds))
    assert "total" in text
    assert "ascend_910b" not in text


def test_scenarios_are_compared_by_year(summary: dict) -> None:
    rows = columns(scenario_table(summary))[1:]
    names = ["baseline", "domestic_late"]
    assert [row[:2] for row in rows] == [
        ["2024", names[0]],
        ["", names[1]],
        ["2025", names[0]],
        ["", names[1]],
    ]
    differences = columns(difference_table(summary))[1:]
    assert [row[:2] for row in differences] == [["2024", names[1]], ["2025", names[1]]]
    assert all(row[2].startswith("-") for row in differences)  # 10 % lower in every world
    assert all(0.0 < float(row[-1]) < 0.2 for row in differences)


def test_the_whole_text_has_all_tables_of_the_first_scenario(summary: dict) -> None:
    text = summary_text(summary)
    titles = [line for line in text.splitlines() if line.startswith("Usable")]
    assert titles == [
        "Usable AI chips per quarter, total, scenario baseline",
        "Usable chips per quarter, ascend_910b, scenario baseline",
        "Usable chips per quarter, ascend_910c, scenario baseline",
        "Usable chips per quarter, kirin_n2 (not in the total), scenario baseline",
        "Usable chips per calendar year, scenario baseline",
        "Usable AI chips per calendar year, total by scenario",
    ]
    assert "Paired differences of the total from baseline" in text
    assert "Model made_up, seed 7, 64 realizations." in text
    assert not any(line.endswith(" ") for line in text.splitlines())
    assert max(len(line) for line in text.splitlines()) <= 120


def test_correlations_stand_beside_what_was_asked_for(summary: dict) -> None:
    asked = {"scenario": "baseline", "first": "a.x", "second": "b", "requested": 0.6}
    known = [asked | {"achieved": 0.587, "se": 0.045}, asked | {"achieved": None, "se": None}]
    changed = summary | {"correlations": known}
    assert columns(correlation_table(changed, "baseline")) == [
        ["first", "second", "requested", "achieved", "±"],
        ["a.x", "b", "0.60", "0.59", "0.04"],
        ["a.x", "b", "0.60", "-", "-"],
    ]
    assert correlation_table(changed, "domestic_late") == ""
    assert "Rank correlations of the parameters\n\nfirst  second" in summary_text(changed)
    assert "Rank correlations" not in summary_text(summary)


def test_tables_can_be_limited(summary: dict) -> None:
    text = summary_text(summary, ["domestic_late"], ["ascend_910c"])
    titles = [line for line in text.splitlines() if line.startswith("Usable")]
    assert titles[:2] == [
        "Usable chips per quarter, ascend_910c, scenario domestic_late",
        "Usable chips per calendar year, scenario domestic_late",
    ]
    years = text.split("\n\n")[3]
    assert [row[:2] for row in columns(years)[1:]] == [
        ["2024", "ascend_910c"],
        ["2025", "ascend_910c"],
    ]


def test_the_quarters_shown_can_be_fewer_than_the_years(summary: dict) -> None:
    text = summary_text(summary, by_quarter=["total"])
    titles = [line for line in text.splitlines() if line.startswith("Usable")]
    assert sum("per quarter" in title for title in titles) == 1
    assert text.split("\n\n")[3] == period_table(summary, "baseline")


@pytest.mark.parametrize("first", ["2025Q1", "2025Q4", "2026Q1"])
def test_an_outlook_is_told_under_the_years_that_it_covers(first: str) -> None:
    """The ensemble ends with 2025Q4."""
    whole = summarize(with_outlook(ensemble(), first))
    assert whole["outlook_from"] == first
    note = f"From {first} on: an outlook"
    assert (note in summary_text(whole)) == (first <= "2025Q4")


def test_a_model_without_an_outlook_has_no_note(summary: dict) -> None:
    assert summary["outlook_from"] is None
    assert "outlook" not in summary_text(summary)
