"""Reading failures and maintenance: downcal.txt, pmcal.txt; attach.txt gives them to tools."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from yieldsim.flow.dataset import Calendar, ToolGroup
from yieldsim.flow.smt2020.tsv import Row, Spread, read_table

__all__ = ["read_calendars"]

_BY_DATE, _BY_PIECES = "mtbpm_by_cal", "mtbpm_by_pieces"
_DOWN_COLUMNS = ("DOWNCALNAME", "MTTF", "MTTFUNITS", "MTTR", "MTTRUNITS")
_PM_COLUMNS = ("PMCALNAME", "PMCALTYPE", "MTBPM", "MTTR", "MTTRUNITS")
_ATTACH_COLUMNS = ("CALNAME", "CALTYPE", "RESTYPE", "RESNAME")


def read_calendars(folder: Path, groups: Mapping[str, ToolGroup]) -> tuple[Calendar, ...]:
    """Read which failures and maintenance each tool group has, in the order of attach.txt.

    Raises
    ------
    ModelError
        naming file, row and column, if a cell cannot be understood or names nothing.
    """
    if not (folder / "attach.txt").is_file():
        return ()
    failures = _failures(folder / "downcal.txt")
    maintenance = _maintenance(folder / "pmcal.txt")
    found = []
    for row in read_table(folder / "attach.txt", _ATTACH_COLUMNS):
        if row.choice("CALTYPE", ("down", "pm")) == "down":
            every, lasts = failures[row.one_of("CALNAME", failures, "name of downcal.txt")]
            by_pieces, kind = False, "failure"
        else:
            name = row.one_of("CALNAME", maintenance, "name of pmcal.txt")
            by_pieces, every, lasts = maintenance[name]
            kind = "pieces" if by_pieces else "calendar"
        first = _first(row, by_pieces, every)
        for group in _attached(row, groups):
            found.append(Calendar(row.text("CALNAME"), group, kind, every, lasts, first))  # type: ignore[arg-type]
    return tuple(found)


def _attached(row: Row, groups: Mapping[str, ToolGroup]) -> list[str]:
    if row.choice("RESTYPE", ("stnfam", "stngrp")) == "stnfam":
        return [row.one_of("RESNAME", groups, "tool group of tool.txt")]
    areas = {group.area: None for group in groups.values()}
    area = row.one_of("RESNAME", areas, "STNGRP of tool.txt")
    return [group.name for group in groups.values() if group.area == area]


def _first(row: Row, by_pieces: bool, every: Spread) -> Spread:
    """When the first one is due: FOA, or as any later one where the cell is empty."""
    if not row.has("FOA"):
        return every
    if by_pieces:
        return Spread(row.number_in("FOA", 0.0, above=True))
    return row.spread("FOADIST", "FOA", "FOA2", "FOAUNITS")


def _failures(path: Path) -> dict[str, tuple[Spread, Spread]]:
    found: dict[str, tuple[Spread, Spread]] = {}
    if not path.is_file():
        return found
    for row in read_table(path, _DOWN_COLUMNS):
        row.choice("DOWNCALTYPE", ("mttf_by_cal",), "mttf_by_cal")
        every = row.spread("MTTFDIST", "MTTF", "MTTF2", "MTTFUNITS", default_law="exponential")
        if every.mean - every.half <= 0.0:
            raise row.error("MTTF", "is out of range", "a time > 0")
        lasts = row.spread("MTTRDIST", "MTTR", "MTTR2", "MTTRUNITS", default_law="exponential")
        found[_new_name(row, "DOWNCALNAME", found)] = (every, lasts)
    return found


def _maintenance(path: Path) -> dict[str, tuple[bool, Spread, Spread]]:
    found: dict[str, tuple[bool, Spread, Spread]] = {}
    if not path.is_file():
        return found
    for row in read_table(path, _PM_COLUMNS):
        by_pieces = row.choice("PMCALTYPE", (_BY_DATE, _BY_PIECES)) == _BY_PIECES
        if by_pieces:
            row.choice("MTBPMUNITS", ("pieces",), "pieces")
            every = Spread(row.number_in("MTBPM", 0.0, above=True))
        else:
            every = Spread(row.minutes("MTBPM", "MTBPMUNITS", above=True))
        lasts = row.spread("MTTRDIST", "MTTR", "MTTR2", "MTTRUNITS")
        found[_new_name(row, "PMCALNAME", found)] = (by_pieces, every, lasts)
    return found


def _new_name(row: Row, column: str, known: Mapping[str, object]) -> str:
    name = row.text(column)
    if name in known:
        raise row.error(column, "is there twice", "each name once")
    return name
