"""Reading a folder of the SMT2020 tab-text format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from yieldsim.errors import ModelError
from yieldsim.flow.dataset import DataSet, LineToolGroup, LotOrder, Part
from yieldsim.flow.laws import Spread
from yieldsim.flow.smt2020.calendars import read_calendars
from yieldsim.flow.smt2020.routes import read_parts
from yieldsim.flow.smt2020.tables import FolderTables, Tables
from yieldsim.flow.smt2020.tsv import Row
from yieldsim.flow.smt2020.workbook import WorkbookTables, is_workbook

__all__ = ["read_dataset"]

_TOOL_COLUMNS = ("STNFAM", "STNQTY")
_ORDER_COLUMNS = ("LOT", "PART", "PIECES", "START")
_LAST_RANKS = ("rank_FIFO", "rank_CR", "rank_EDD", "rank_SLACK", "rank_SPT")
_RANKS = ("rank_HP", "rank_RSETUP", *_LAST_RANKS)
_RULE_FIRST, _RULE_RUNS = "rule_HotLotFIRST", "rule_LSSU"
_BATCHES = {
    "crit_sameroutestep": "route step",
    "crit_samepartfam|crit_samestepname": "family and step",
}
_FAR_MIN = 1e15


def read_dataset(folder: str | Path) -> DataSet:
    """Read a folder with tool.txt, part.txt and its route files, and order.txt, or a workbook.

    The files setup.txt, setupgrp.txt, downcal.txt, pmcal.txt, attach.txt, fromto.txt and WIP.txt
    are read where they exist.

    Raises
    ------
    ModelError
        with file, row, column, value and what is allowed, if a file is missing or wrong.
    """
    path = Path(folder)
    tables: Tables
    if is_workbook(path):
        tables = WorkbookTables(path, str(folder))
    else:
        tables = FolderTables(path, str(folder))
    min_runs = _min_runs(tables)
    groups = _groups(tables, min_runs)
    parts = read_parts(tables, groups)
    orders, notes = _orders(tables, parts)
    return DataSet(
        name=tables.name,
        groups=groups,
        parts=parts,
        orders=orders,
        calendars=read_calendars(tables, groups),
        moves=_moves(tables),
        setup_times=_setup_times(tables),
        min_runs=min_runs,
        notes=notes + tables.notes(),
    )


def _groups(tables: Tables, min_runs: Mapping[str, object]) -> dict[str, LineToolGroup]:
    groups: dict[str, LineToolGroup] = {}
    for row in tables.rows("tool.txt", _TOOL_COLUMNS):
        name = row.text("STNFAM")
        group = _group(row, name, min_runs)
        if name in groups:
            # Another row of the same name adds tools, such as slower ones.
            group = _joined(row, groups[name], group)
        groups[name] = group
    if not groups:
        raise ModelError("tool.txt", "holds no tool group", allowed="at least one row")
    return groups


def _joined(row: Row, before: LineToolGroup, more: LineToolGroup) -> LineToolGroup:
    both = before.speeds + more.speeds
    joined = replace(before, speeds=both)
    if joined != replace(more, speeds=both):
        raise row.error("STNFAM", "differs from an earlier row", "other STNQTY and SPEED only")
    return joined


def _group(row: Row, name: str, min_runs: Mapping[str, object]) -> LineToolGroup:
    rule = row.choice("RULE", (_RULE_FIRST, _RULE_RUNS, "rule_FIRST"), _RULE_FIRST)
    min_run_group = ""
    if rule == _RULE_RUNS:
        min_run_group = row.one_of("SETUPGRP", min_runs, "setup group of setupgrp.txt")
    wake = row.choice("WAKERESRANK", ("wake_LeastSetupTime",), "none")
    speed = row.number_in("SPEED", 0.0, default=1.0, above=True)
    criterion = row.choice("BATCHCRITF", tuple(_BATCHES), "crit_sameroutestep")
    row.choice("BATCHPER", ("piece",), "piece")
    return LineToolGroup(
        name=name,
        area=row.optional("STNGRP"),
        location=row.optional("STNFAMLOC"),
        speeds=(speed,) * row.count("STNQTY", 1, 10**6, default=1),
        load_min=row.minutes("LTIME", "LTUNITS", default=0.0),
        unload_min=row.minutes("ULTIME", "ULTUNITS", default=0.0),
        capacity=row.count("STNCAP", 1, 100, default=1),
        ranks=_ranks(row),
        wake_least_setup=wake != "none",
        min_run_group=min_run_group,
        batch_by=_BATCHES[criterion],  # type: ignore[arg-type]
    )


def _ranks(row: Row) -> tuple[str, ...]:
    ranks = tuple(row.optional("FWLRANK").split(";")) if row.has("FWLRANK") else _RANKS[:1]
    # The kernel ranks in the order of _RANKS. SMT2020 uses no other.
    if list(ranks) != [rank for rank in _RANKS if rank in ranks]:
        allowed = f"some of {';'.join(_RANKS)}, in this order"
        raise row.error("FWLRANK", "is not a known ranking", allowed)
    if sum(rank in _LAST_RANKS for rank in ranks) > 1:
        raise row.error("FWLRANK", "ends with two ranks", f"one of {', '.join(_LAST_RANKS)}")
    return ranks


def _min_runs(tables: Tables) -> dict[str, dict[str, int]]:
    runs: dict[str, dict[str, int]] = {}
    if not tables.has("setupgrp.txt"):
        return runs
    name = ""
    for row in tables.rows("setupgrp.txt", ("SETUPGRP", "SETUP", "MINRUN")):
        name = row.optional("SETUPGRP") or name  # an empty cell continues the group above
        if name == "":
            raise row.error("SETUPGRP", "is empty in the first row", "a name")
        runs.setdefault(name, {})[row.text("SETUP")] = row.count("MINRUN", 0, default=0)
    return runs


def _setup_times(tables: Tables) -> dict[tuple[str, str], Spread]:
    times: dict[tuple[str, str], Spread] = {}
    if not tables.has("setup.txt"):
        return times
    for row in tables.rows("setup.txt", ("CURSETUP", "NEWSETUP", "STIME", "STUNITS")):
        key = (row.optional("CURSETUP"), row.text("NEWSETUP"))
        if key in times:
            raise row.error("NEWSETUP", "appears twice with this CURSETUP", "each pair once")
        times[key] = row.spread("SDIST", "STIME", "STIME2", "STUNITS")
    return times


def _moves(tables: Tables) -> dict[tuple[str, str], Spread]:
    moves: dict[tuple[str, str], Spread] = {}
    if not tables.has("fromto.txt"):
        return moves
    for row in tables.rows("fromto.txt", ("FROMLOC", "TOLOC", "DTIME", "DUNITS")):
        key = (row.text("FROMLOC"), row.text("TOLOC"))
        if key in moves:
            raise row.error("TOLOC", "appears twice with this FROMLOC", "each pair once")
        moves[key] = row.spread("DDIST", "DTIME", "DTIME2", "DUNITS")
    return moves


def _orders(
    tables: Tables, parts: Mapping[str, Part]
) -> tuple[tuple[LotOrder, ...], tuple[str, ...]]:
    """The orders and the lots in the line, and a note on hot lots that reserve tools."""
    rows = tables.rows("order.txt", _ORDER_COLUMNS)
    if not rows:
        raise ModelError("order.txt", "holds no order", allowed="at least one row")
    start = min(row.date("START") for row in rows)
    orders = [_order(row, parts, start) for row in rows]
    hot = sum(row.choice("HOTLOT", ("yes", "no"), "no") == "yes" for row in rows)
    if tables.has("WIP.txt"):
        kinds = {(order.part, order.priority): order for order in reversed(orders)}
        wip = tables.rows("WIP.txt", ("PART", "PIECES", "CURSTEP"))
        orders += [_wip_lot(row, parts, start, kinds) for row in wip]
    note = f"order.txt: not simulated: reservation of tools by hot lots (HOTLOT, orders: {hot})"
    return tuple(orders), (note,) if hot else ()


def _order(row: Row, parts: Mapping[str, Part], start: datetime) -> LotOrder:
    part = row.one_of("PART", parts, "part of part.txt")
    first = row.date("START")
    repeats = row.has("REPEAT")
    interval = row.spread("RDIST", "REPEAT", "REPEAT2", "RUNITS") if repeats else Spread(_FAR_MIN)
    if interval.least <= 0.0:
        raise row.error("REPEAT", "is out of range", "a time > 0")
    return LotOrder(
        name=row.text("LOT"),
        part=part,
        priority=row.count("PRIOR", 0, default=0),
        pieces=_pieces(row, parts[part]),
        first_min=(first - start).total_seconds() / 60.0,
        interval=interval,
        releases=row.count("RPT#", 1, default=1) if repeats else 1,
        lots=row.count("LOTSPERRPT", 1, 10**6, default=1),
        due_after_min=_due_after(row, first),
    )


def _wip_lot(
    row: Row, parts: Mapping[str, Part], start: datetime, kinds: Mapping[tuple[str, int], LotOrder]
) -> LotOrder:
    part = row.one_of("PART", parts, "part of part.txt")
    steps = {step.name: number for number, step in enumerate(parts[part].steps)}
    priority = row.count("PRIOR", 0, default=0)
    kind = kinds.get((part, priority))
    started = row.date("START") if row.has("START") else start
    released_min = min((started - start).total_seconds() / 60.0, 0.0)
    due_min = _FAR_MIN
    if row.has("DUE"):
        due_min = (row.date("DUE") - start).total_seconds() / 60.0
    lead_min = kind.due_after_min if kind is not None else _FAR_MIN
    dated = row.has("DUE") and lead_min < _FAR_MIN
    if dated and released_min == 0.0:
        # START is the start of the run for each of them. The due date gives the true release.
        released_min = min(due_min - lead_min, 0.0)
    return LotOrder(
        name=kind.name if kind is not None else row.text("LOT"),
        part=part,
        priority=priority,
        pieces=_pieces(row, parts[part]),
        first_min=0.0,
        interval=Spread(_FAR_MIN),
        releases=1,
        lots=1,
        due_after_min=due_min - released_min if row.has("DUE") else _FAR_MIN,
        step=steps[row.one_of("CURSTEP", steps, "step of the part's route")],
        released_min=released_min,
        timed=dated or released_min < 0.0,
    )


def _pieces(row: Row, part: Part) -> int:
    pieces = row.count("PIECES", 1, 10**6)
    for step in part.steps:
        if step.batch_pieces is not None and pieces > step.batch_pieces[1]:
            raise row.error(
                "PIECES",
                f"exceeds the largest batch of step {step.name} of {part.name}",
                f"a whole number from 1 to {step.batch_pieces[1]}",
            )
    return pieces


def _due_after(row: Row, released: datetime) -> float:
    if not row.has("DUE"):
        return _FAR_MIN
    return (row.date("DUE") - released).total_seconds() / 60.0
