"""SMT2020's workbook: the same line as its text files, and one line for each fault."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.flow.smt2020.workbooks import small_workbook
from tests.paths import SMALL_LINE
from yieldsim.errors import ModelError
from yieldsim.flow import read_dataset

openpyxl = pytest.importorskip("openpyxl")
Sheets = dict[str, list[list[Any]]]


def write(sheets: Sheets, path: Path) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        page = book.create_sheet(name)
        for row in rows:
            page.append(row)
    book.save(path)
    return path


@pytest.fixture
def sheets() -> Sheets:
    return small_workbook(SMALL_LINE)


def test_a_workbook_is_the_line_of_its_text_files(sheets: Sheets, tmp_path: Path) -> None:
    got, want = read_dataset(write(sheets, tmp_path / "line.xlsx")), read_dataset(SMALL_LINE)
    assert got.groups == want.groups
    # The sheet names neither the family of a part nor how many lots are released at most.
    (part,) = got.parts.values()
    assert part.steps == want.parts["part_1"].steps
    assert got.orders == tuple(replace(order, releases=10**9) for order in want.orders)
    assert got.calendars[:1] == want.calendars[:1]
    assert set(got.calendars) == set(want.calendars)
    assert (got.moves, got.setup_times, got.min_runs) == (
        want.moves,
        want.setup_times,
        want.min_runs,
    )


def test_hot_lots_that_reserve_tools_are_told(sheets: Sheets, tmp_path: Path) -> None:
    sheets["Lotrelease"][1][4] = "yes"
    notes = read_dataset(write(sheets, tmp_path / "line.xlsx")).notes
    assert len(notes) == 1
    assert "reservation of tools" in notes[0]


def put(sheet: str, row: int, heading: str, value: Any) -> Callable[[Sheets], None]:
    def change(sheets: Sheets) -> None:
        sheets[sheet][row - 1][sheets[sheet][0].index(heading)] = value

    return change


def drop(sheet: str) -> Callable[[Sheets], object]:
    return lambda sheets: sheets.pop(sheet)


@pytest.mark.parametrize(
    ("change", "place", "allowed"),
    [
        (put("Toolgroups", 2, "NUMBER OF TOOLS", -3), "Toolgroups row 2 column NUMBER OF TOOLS: ",
         ">= 1"),
        (put("Toolgroups", 2, "Ranking 1", "Biggest"), "Toolgroups row 2 column RANKING 1: ",
         "highest lotpriority"),
        (put("Toolgroups", 2, "DISPATCHING", "x"), "Toolgroups row 2 column DISPATCHING: ",
         "setupavoidancerule"),
        (put("Route_Product_1", 2, "PT UNITS", "parsec"), "Route_Product_1 row 2 column PT UNITS: ",
         "sec, min, hr, day"),
        (put("Route_Product_1", 2, "MEAN", 1e300), "Route_Product_1 row 2 column MEAN: ", "<="),
        (put("Route_Product_1", 3, "TOOLGROUP", "Ovem"), "Route_Product_1 row 3 column TOOLGROUP: ",
         "Etch, Oven"),
        (put("Lotrelease", 2, "ROUTE NAME", "Route_9"), "Lotrelease row 2 column ROUTE NAME: ",
         ""),
        (put("Lotrelease", 3, "Release Scenario", "high"),
         "Lotrelease row 3 column RELEASE SCENARIO: ", "only"),
        (put("PM", 2, "PM EVENT VALID FOR TYPE", "Fab"),
         "PM row 2 column PM EVENT VALID FOR TYPE: ", "toolgroup"),
        (put("Toolgroups", 1, "NUMBER OF TOOLS", "TOOLS"), "Toolgroups row 1: ",
         "NUMBER OF TOOLS"),
        (drop("Toolgroups"), "has no sheet Toolgroups", "Route_Product_N"),
        (drop("Lotrelease"), "has no sheet Lotrelease", "Route_Product_N"),
    ],
)  # fmt: skip
def test_a_wrong_cell_is_one_line_with_its_place(
    change: Callable[[Sheets], object], place: str, allowed: str, sheets: Sheets, tmp_path: Path
) -> None:
    change(sheets)
    with pytest.raises(ModelError) as caught:
        read_dataset(write(sheets, tmp_path / "line.xlsx"))
    message = str(caught.value)
    assert "\n" not in message
    assert place in message
    assert allowed in message.split("; allowed: ")[1]


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:3000])


def binary(path: Path) -> None:
    path.write_bytes(bytes(range(256)) * 20)


def other_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("x", "y")


def bomb(path: Path) -> None:
    entities = "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * 10 if i else "lol"}">' for i in range(12))
    with zipfile.ZipFile(path) as packed:
        parts = {name: packed.read(name) for name in packed.namelist()}
    parts["xl/workbook.xml"] = (
        f"<?xml version='1.0'?><!DOCTYPE x [{entities}]><x>&a11;</x>".encode()
    )
    with zipfile.ZipFile(path, "w") as packed:
        for name, content in parts.items():
            packed.writestr(name, content)


@pytest.mark.parametrize("damage", [cut, binary, other_zip, bomb, Path.unlink])
def test_a_damaged_workbook_is_one_line(
    damage: Callable[[Path], object], sheets: Sheets, tmp_path: Path
) -> None:
    damage(write(sheets, tmp_path / "line.xlsx"))
    with pytest.raises(ModelError) as caught:
        read_dataset(tmp_path / "line.xlsx")
    assert "line.xlsx" in str(caught.value)
    assert "\n" not in str(caught.value)
