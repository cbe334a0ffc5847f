"""Reading failures (downcal.txt), maintenance (pmcal.txt) and their tool groups (attach.txt)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from yieldsim.flow.dataset import Calendar, LineToolGroup
from yieldsim.flow.laws import Spread
from yieldsim.flow.smt2020.tables import Tables
from yieldsim.flow.smt2020.tsv import Row

__all__ = ["read_calendars"]

_Kind = Literal["failure", "calendar", "pieces"]
_BY_DATE, _BY_PIECES = "mtbpm_by_cal", "mtbpm_by_pieces"
_DOWN_COLUMNS = ("DOWNCALNAME", "MTTF", "MTTFUNITS", "MTTR", "MTTRUNITS")
_PM_COLUMNS = ("PMCALNAME", "PMCALTYPE", "MTBPM", "MTTR", "MTTRUNITS")
_ATTACH_COLUMNS = ("CALNAME", "CALTYPE", "RESTYPE", "RESNAME")


def read_calendars(tables: Tables, groups: Mapping[str, LineToolGroup]) -> tuple[Calendar, ...]:
    """Read the failures and the maintenance of the tool groups, in the order of attach.txt.

    Raises
    ------
    ModelError
        with file, row and column, if a cell is not understood or names something unknown.
    """
    if not tables.has("attach.txt"):
        return ()
    failures = _failures(tables)
    maintenance = _maintenance(tables)
    calendars = []
    for row in tables.rows("attach.txt", _ATTACH_COLUMNS):
        kind: _Kind
        if row.choice("CALTYPE", ("down", "pm")) == "down":
            kind = "failure"
            interval, duration = failures[row.one_of("CALNAME", failures, "name of downcal.txt")]
        else:
            name = row.one_of("CALNAME", maintenance, "name of pmcal.txt")
            kind, interval, duration = maintenance[name]
        first = _first(row, kind, interval)
        calendars += [
            Calendar(row.text("CALNAME"), group, kind, interval, duration, first)
            for group in _attached(row, groups)
        ]
    return tuple(calendars)


def _attached(row: Row, groups: Mapping[str, LineToolGroup]) -> list[str]:
    if row.choice("RESTYPE", ("stnfam", "stngrp")) == "stnfam":
        return [row.one_of("RESNAME", groups, "tool group of tool.txt")]
    areas = {group.area: None for group in groups.values()}
    area = row.one_of("RESNAME", areas, "STNGRP of tool.txt")
    return [group.name for group in groups.values() if group.area == area]


def _first(row: Row, kind: _Kind, interval: Spread) -> Spread:
    """When the first one is due: by FOA, or after one interval where that cell is empty."""
    if not row.has("FOA"):
        return interval
    if kind == "pieces":
        return Spread(row.number_in("FOA", 0.0, above=True))
    return row.spread("FOADIST", "FOA", "FOA2", "FOAUNITS")


def _failures(tables: Tables) -> dict[str, tuple[Spread, Spread]]:
    """Times to failure and times to repair, by name."""
    failures: dict[str, tuple[Spread, Spread]] = {}
    if not tables.has("downcal.txt"):
        return failures
    for row in tables.rows("downcal.txt", _DOWN_COLUMNS):
        row.choice("DOWNCALTYPE", ("mttf_by_cal",), "mttf_by_cal")
        interval = row.spread("MTTFDIST", "MTTF", "MTTF2", "MTTFUNITS", default_law="exponential")
        if interval.least <= 0.0:
            raise row.error("MTTF", "is out of range", "a time > 0")
        repair = row.spread("MTTRDIST", "MTTR", "MTTR2", "MTTRUNITS", default_law="exponential")
        failures[_new_name(row, "DOWNCALNAME", failures)] = (interval, repair)
    return failures


def _maintenance(tables: Tables) -> dict[str, tuple[_Kind, Spread, Spread]]:
    """Kinds, intervals and durations, by name."""
    maintenance: dict[str, tuple[_Kind, Spread, Spread]] = {}
    if not tables.has("pmcal.txt"):
        return maintenance
    for row in tables.rows("pmcal.txt", _PM_COLUMNS):
        kind: _Kind = "calendar"
        if row.choice("PMCALTYPE", (_BY_DATE, _BY_PIECES)) == _BY_PIECES:
            kind = "pieces"
            row.choice("MTBPMUNITS", ("pieces",), "pieces")
            interval = Spread(row.number_in("MTBPM", 0.0, above=True))
        else:
            interval = Spread(row.minutes("MTBPM", "MTBPMUNITS", above=True))
        duration = row.spread("MTTRDIST", "MTTR", "MTTR2", "MTTRUNITS")
        maintenance[_new_name(row, "PMCALNAME", maintenance)] = (kind, interval, duration)
    return maintenance


def _new_name(row: Row, column: str, known: Mapping[str, object]) -> str:
    name = row.text(column)
    if name in known:
        raise row.error(column, "stands twice", "each name once")
    return name
