"""The files of published figures that ship with the package."""

import csv
from pathlib import Path

import pytest

from tests.analysis.made_up import ensemble
from tests.paths import ROOT
from yieldsim.analysis import compare_with_published
from yieldsim.analysis.evidence.file import (
    COLUMNS,
    SHIPPED_EVIDENCE,
    SHIPPED_FORECASTS,
    read_published,
)
from yieldsim.model import load_model, parameters

FACTS = ROOT.parent / "shared" / "facts"


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


SHIPPED = (SHIPPED_EVIDENCE, SHIPPED_FORECASTS)


def test_every_row_of_the_shipped_files_is_compared_or_says_why_not() -> None:
    for path, least in zip(SHIPPED, (24, 23), strict=True):
        rows = rows_of(path)
        assert len(rows) >= least
        assert all(row["comparable"] and row["house"] and row["role"] for row in rows)
    # the made-up ensemble has Ascend alone, by counts of chips
    records = compare_with_published(ensemble())
    assert len(records) == len(rows_of(SHIPPED_EVIDENCE))
    assert sum(r["compared"] for r in records) >= 6
    assert all(r["reason"] for r in records if not r["compared"])


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_an_input_names_parameters_of_the_baseline(path: Path) -> None:
    known = [p.path for p in parameters(load_model("baseline"))]
    for row in read_published(path):
        for sets in row.sets:
            assert any(f"{name}.".startswith(f"{sets}.") for name in known), (row.place, sets)


def test_forecasts_are_no_checks() -> None:
    assert {row.role for row in read_published(SHIPPED_FORECASTS)} == {"forecast", "input"}
    assert {row.role for row in read_published(SHIPPED_EVIDENCE)} == {"check", "input"}


@pytest.mark.skipif(not FACTS.exists(), reason="the collected facts are not beside this checkout")
@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("published_supply_to_2025.csv", SHIPPED_EVIDENCE),
        ("published_forecasts.csv", SHIPPED_FORECASTS),
    ],
)
def test_a_shipped_file_has_every_row_of_the_collected_facts(name: str, path: Path) -> None:
    facts, shipped = rows_of(FACTS / name), rows_of(path)
    assert facts
    assert set(COLUMNS) <= set(facts[0])
    kept = [{name: row[name] for name in facts[0]} for row in shipped]
    assert [row for row in facts if row not in kept] == []


def test_every_check_that_is_compared_has_a_spread_and_a_group() -> None:
    reasons = (ROOT / "models" / "README.md").read_text(encoding="utf-8")
    section = reasons.split("## How sure the published figures are", 1)[1].split("\n## ", 1)[0]
    for row in read_published(SHIPPED_EVIDENCE):
        if row.role == "check" and row.variable:
            assert f"| {row.spread.replace('%', ' %')} |" in section, row.place
            assert f"`{row.group}`" in section, row.place
        else:
            assert row.spread == row.group == "", row.place
