"""Translation of the keywords of SMT2020's workbook to those of the text format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from yieldsim.flow.smt2020.tsv import Row

__all__ = ["translate"]

Tables = dict[str, list[Row]]

_RANKS = {
    "highest lotpriority": "rank_HP",
    "least setuptime": "rank_RSETUP",
    "fifo": "rank_FIFO",
    "critical ratio": "rank_CR",
    "cr": "rank_CR",
    "edd": "rank_EDD",
    "slack": "rank_SLACK",
    "spt": "rank_SPT",
}
_UNITS = {"wafer": "per_piece", "lot": "per_lot", "batch": "per_batch"}
_PLACES = {"toolgroup": "stnfam", "tool group": "stnfam", "area": "stngrp"}
_RULES = {
    "superhotlotfirst_and_reservation": "rule_HotLotFIRST",
    "setupavoidancerule": "rule_LSSU",
}
_MOST_RELEASES = str(10**9)


def translate(tables: Tables, routes: list[str]) -> None:
    """Translate the keywords of all tables, and derive part.txt, setupgrp.txt and attach.txt."""
    tables["setupgrp.txt"] = [
        row for row in tables["setup.txt"] if row.has("SETUPGRP") and row.has("MINRUN")
    ]
    group_of = {row.optional("NEWSETUP"): row.optional("SETUPGRP") for row in tables["setup.txt"]}
    setups: dict[str, str] = {}
    for name in routes:
        tables[name] = [_step(row) for row in tables[name]]
        for row in tables[name]:
            found = group_of.get(row.optional("SETUP"), "")
            if found:
                setups.setdefault(row.optional("STNFAM"), found)
    tables["tool.txt"] = [_tool(row, setups) for row in tables["tool.txt"]]
    tables["order.txt"] = [_order(row) for row in tables["order.txt"]]
    _one_scenario(tables["order.txt"])
    tables["part.txt"] = _parts(tables["order.txt"], routes)
    tables["setupgrp.txt"] = _group_rows(tables["setupgrp.txt"])
    tables["pmcal.txt"] = [_maintenance(row) for row in tables["pmcal.txt"]]
    tables["downcal.txt"] = [_failure(row) for row in tables["downcal.txt"]]
    tables["attach.txt"] = [
        _attached(row, "DOWNCALNAME", "down") for row in tables["downcal.txt"]
    ] + [_attached(row, "PMCALNAME", "pm") for row in tables["pmcal.txt"]]


def _with(row: Row, **cells: str) -> Row:
    return replace(row, cells={**row.cells, **cells})


def _word(row: Row, column: str, words: Mapping[str, str], default: str = "") -> str:
    """The text format's keyword for a cell; unknown keywords are refused."""
    value = row.optional(column).lower()
    if value == "":
        return default
    if value in words:
        return words[value]
    raise row.error(column, "is not known here", ", ".join(words))


def _lower(row: Row, *columns: str) -> dict[str, str]:
    return {column: row.optional(column).lower() for column in columns}


def _is_yes(row: Row, column: str) -> bool:
    return _word(row, column, {"yes": "yes", "no": ""}) == "yes"


def _tool(row: Row, setups: Mapping[str, str]) -> Row:
    ranks = [
        _word(row, column, _RANKS)
        for column in ("FWLRANK", "RANK2", "RANK3")
        if row.has(column)
    ]  # fmt: skip
    rule = _word(row, "RULE", _RULES, "rule_HotLotFIRST")
    criterion = row.optional("BATCHCRITF").lower()
    if criterion:
        criterion = (
            "crit_samepartfam|crit_samestepname" if "fam" in criterion else "crit_sameroutestep"
        )
    return _with(
        row,
        STNCAP="2" if _is_yes(row, "STNCAP") else "1",
        BATCHCRITF=criterion,
        BATCHPER=_word(row, "BATCHPER", {"wafer": "piece", "piece": "piece"}),
        RULE=rule,
        FWLRANK=";".join(ranks),
        SETUPGRP=setups.get(row.optional("STNFAM"), "") if rule == "rule_LSSU" else "",
        WAKERESRANK=_word(row, "WAKERESRANK", {"least setuptime": "wake_LeastSetupTime"}),
    )


def _step(row: Row) -> Row:
    per = _word(row, "PTPER", _UNITS)
    cells = _lower(row, "PDIST", "SDIST", "WHEN") | {
        "PTPER": per,
        "SVESTN": "yes" if row.has("FORSTEP") else "no",
        "RWKTYPE": "lot",
    }
    if per != "per_piece":
        cells |= {
            "BatchInterval": row.optional("PartInterval"),
            "BatchIntUnits": row.optional("PartIntUnits"),
            "PartInterval": "",
        }
    return _with(row, **cells)


def _order(row: Row) -> Row:
    repeats = {"RPT#": _MOST_RELEASES} if row.has("REPEAT") else {}
    hot = {"HOTLOT": row.optional("HOTLOT").lower()}
    return _with(row, **_lower(row, "RDIST"), **hot, **repeats)


def _one_scenario(rows: list[Row]) -> None:
    """Refuse lot releases of several scenarios, which exclude one another."""
    first = rows[0].optional("SCENARIO") if rows else ""
    for row in rows:
        if row.optional("SCENARIO") not in ("", first):
            raise row.error("SCENARIO", "is a second release scenario", f"only {first!r}")


def _parts(orders: list[Row], routes: list[str]) -> list[Row]:
    """One row for each product, with the sheet of its route."""
    parts: dict[str, Row] = {}
    by_name = {name.lower(): name for name in routes}
    for row in orders:
        name, route = row.optional("PART"), row.optional("ROUTE")
        sheet = by_name.get(route.lower(), route)
        parts.setdefault(name, _with(row, PARTFAM=name, ROUTEFILE=sheet, ROUTE=""))
    return [replace(row, heads={**row.heads, "ROUTEFILE": "ROUTE NAME"}) for row in parts.values()]


def _group_rows(rows: list[Row]) -> list[Row]:
    """One row for each setup of a group: the sheet repeats it for every setup before."""
    seen: dict[tuple[str, str], Row] = {}
    for row in rows:
        seen.setdefault(
            (row.optional("SETUPGRP"), row.optional("NEWSETUP")),
            _with(row, SETUP=row.optional("NEWSETUP")),
        )
    return list(seen.values())


def _maintenance(row: Row) -> Row:
    counted = row.optional("MTBPMUNITS").lower() in ("wafer", "wafers", "piece", "pieces")
    cells = _lower(row, "MTTRDIST", "FOADIST")
    if counted:
        cells |= {"PMCALTYPE": "mtbpm_by_pieces", "MTBPMUNITS": "pieces", "FOAUNITS": ""}
    else:
        cells["PMCALTYPE"] = "mtbpm_by_cal"
    return _with(row, **cells)


def _failure(row: Row) -> Row:
    return _with(row, DOWNCALTYPE="mttf_by_cal", **_lower(row, "MTTFDIST", "MTTRDIST", "FOADIST"))


def _attached(row: Row, name: str, kind: str) -> Row:
    place = _word(row, "RESTYPE", _PLACES)
    return _with(row, CALNAME=row.optional(name), CALTYPE=kind, RESTYPE=place)
