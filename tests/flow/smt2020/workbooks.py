"""Workbooks of SMT2020's kind for the tests, from a folder of text files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from yieldsim.flow.smt2020.tsv import Row, read_table

TOOLS = ("AREA", "TOOLGROUP", "NUMBER OF TOOLS", "CASCADINGTOOL", "BACTHINGTOOL", "BATCHCRITERION",
         "BATCHING UNIT", "LOADINGTIME", "LT UNITS", "UNLOADINGTIME", "ULT UNITS",
         "TOOLGROUPLOCATION", "DISPATCHING", "Ranking 1", "Ranking 2", "Ranking 3",
         "TOOL WAKE UP Ranking")  # fmt: skip
STEPS = ("ROUTE", "STEP", "STEP DESCRIPTION", "AREA", "TOOLGROUP", "PROCESSING UNIT",
         "PROCESSINGTIME DISTRIBUTION", "MEAN", "OFFSET", "PT UNITS", "CASCADING INTERVAL",
         "C UNITS", "BATCH MINIMUM", "BATCH MAXIMUM", "SETUP", "WHEN", "SETUP DISTRIBUTION",
         "SETUP TIME", "OFFSET", "ST UNITS", "STEP FOR LTL DEDICATION",
         "REWORK PROBABILITY in %", "R UNIT", "STEP FOR REWORK",
         "PROCESSING PROBABILITY in % (Sampling)", "STEP FOR CRITICAL QUEUE TIME", "CQT",
         "CQTUNITS")  # fmt: skip
ORDERS = ("PRODUCT NAME", "ROUTE NAME", "LOT NAME/TYPE", "PRIORITY", "SUPERHOTLOT",
          "WAFERS PER LOT", "START DATE", "RELEASE DISTRIBUTION", "RELEASE INTERVAL", "R UNITS",
          "LOTS PER RELEASE", "DUE DATE", "Release Scenario")  # fmt: skip
SETUPS = ("SETUP GROUP NAME", "CURRENT SETUP", "NEW SETUP", "SETUP TIME", "ST UNITS",
          "MINMAL NUMBER OF RUNS")  # fmt: skip
MOVES = ("FROM LOCATION", "TO LOCATION", "TRANSPORTTIME DISTRIBUTION", "MEAN", "OFFSET",
         "TT UNITS")  # fmt: skip
DOWN = ("DOWN EVENT NAME", "DOWN EVENT VALID FOR TYPE", "TYPE NAME", "DOWN TYPE",
        "TTF DISTRIBUTION", "MTTF", "MTTF UNITS", "TTR DISTRIBUTION", "MTTR", "MTTR UNITS",
        "FIRST ONE AT DISTRIBUTION", "FOA", "FOA UNITS")  # fmt: skip
PM = ("PM EVENT NAME", "PM EVENT VALID FOR TYPE", "TYPE NAME", "PM TYPE", "MTBeforePM",
      "MTBPM UNITS", "TTR DISTRIBUTION", "MEAN", "OFFSET", "TTR UNITS",
      "FIRST ONE AT DISTRIBUTION", "FOA", "FOA UNITS")  # fmt: skip
RANKS = {"rank_HP": "Highest Lotpriority", "rank_RSETUP": "Least Setuptime", "rank_FIFO": "FIFO",
         "rank_CR": "Critical Ratio"}  # fmt: skip
UNITS = {"per_piece": "Wafer", "per_lot": "Lot", "per_batch": "Batch"}
PLACES = {"stnfam": "Toolgroup", "stngrp": "Area"}


def small_workbook(folder: Path) -> dict[str, list[list[Any]]]:
    """The sheets of the small line, heading first."""

    def table(name: str) -> list[Row]:
        path = folder / f"{name}.txt"
        return read_table(path, ()) if path.exists() else []

    attached = {row.text("CALNAME"): row for row in table("attach")}
    runs = {row.text("SETUP"): row.optional("MINRUN") for row in table("setupgrp")}
    orders = table("order")
    return {
        "Toolgroups": sheet(TOOLS, (tool(row) for row in table("tool"))),
        "PM": sheet(PM, (stop(row, attached) for row in table("pmcal"))),
        "Breakdown": sheet(DOWN, (failure(row, attached) for row in table("downcal"))),
        "Setups": sheet(SETUPS, (setup(row, runs) for row in table("setup"))),
        "Transport": sheet(MOVES, (cells(row, "FROMLOC", "TOLOC", "DDIST", "DTIME", "DTIME2",
                                         "DUNITS") for row in table("fromto"))),
        "Lotrelease": sheet(ORDERS, (order(row) for row in orders)),
        "Route_Product_1": sheet(STEPS, (step(row) for row in table("route_1"))),
    }  # fmt: skip


def sheet(heads: tuple[str, ...], rows: Iterable[list[Any]]) -> list[list[Any]]:
    return [list(heads), *rows]


def cells(row: Row, *columns: str) -> list[Any]:
    """Values as a spreadsheet holds them: numbers as numbers, empty cells as None."""
    return [value(row.optional(column)) if column else None for column in columns]


def value(text: str) -> Any:
    try:
        return float(text)
    except ValueError:
        return text or None


def tool(row: Row) -> list[Any]:
    ranks = [RANKS[name] for name in row.optional("FWLRANK").split(";") if name]
    batches = row.has("BATCHCRITF")
    return [
        row.optional("STNGRP"), row.text("STNFAM"), value(row.optional("STNQTY")),
        "YES" if value(row.optional("STNCAP")) == 2.0 else None, "YES" if batches else None,
        "same Route and Step" if batches else None, "Wafer" if batches else None,
        *cells(row, "LTIME", "LTUNITS", "ULTIME", "ULTUNITS", "STNFAMLOC"),
        "Setupavoidancerule" if row.optional("RULE") == "rule_LSSU"
        else "SuperHotLotFIRST_and_Reservation",
        *ranks, *[None] * (3 - len(ranks)),
        "Least Setuptime" if row.has("WAKERESRANK") else None,
    ]  # fmt: skip


def step(row: Row) -> list[Any]:
    interval = "PartInterval" if row.optional("PTPER") == "per_piece" else "BatchInterval"
    units = interval.replace("erval", "Units")
    return [
        "Route_Product_1", *cells(row, "STEP", "DESC"), None, row.text("STNFAM"),
        UNITS[row.text("PTPER")],
        *cells(row, "PDIST", "PTIME", "PTIME2", "PTUNITS", interval, units, "BATCHMN",
        "BATCHMX", "SETUP", "WHEN", "SDIST", "STIME", "STIME2", "STUNITS", "FORSTEP",
        "REWORK", "", "RWKSTEP", "StepPercent", "STEP_CQT", "CQT", "CQTUNITS"),
    ]  # fmt: skip


def order(row: Row) -> list[Any]:
    start, due = row.date("START"), row.date("DUE")
    return [
        row.text("PART"), "Route_Product_1", *cells(row, "LOT", "PRIOR"), None,
        *cells(row, "PIECES"), start, *cells(row, "RDIST", "REPEAT", "RUNITS", "LOTSPERRPT"), due,
        None,
    ]  # fmt: skip


def setup(row: Row, runs: Mapping[str, str]) -> list[Any]:
    run = value(runs.get(row.text("NEWSETUP"), ""))
    return ["Gas" if run else None, *cells(row, "CURSETUP", "NEWSETUP", "STIME", "STUNITS"), run]


def failure(row: Row, attached: Mapping[str, Row]) -> list[Any]:
    at = attached[row.text("DOWNCALNAME")]
    return [
        row.text("DOWNCALNAME"), PLACES[at.text("RESTYPE")], at.text("RESNAME"), "by calendar",
        *cells(row, "MTTFDIST", "MTTF", "MTTFUNITS", "MTTRDIST", "MTTR", "MTTRUNITS"),
        *cells(at, "FOADIST", "FOA", "FOAUNITS"),
    ]  # fmt: skip


def stop(row: Row, attached: Mapping[str, Row]) -> list[Any]:
    at = attached[row.text("PMCALNAME")]
    counted = row.optional("MTBPMUNITS") == "pieces"
    return [
        row.text("PMCALNAME"), PLACES[at.text("RESTYPE")], at.text("RESNAME"),
        "Counter based" if counted else "Time based", *cells(row, "MTBPM"),
        "wafer" if counted else row.text("MTBPMUNITS"),
        *cells(row, "MTTRDIST", "MTTR", "MTTR2", "MTTRUNITS"),
        *cells(at, "FOADIST", "FOA"), "wafer" if counted else at.optional("FOAUNITS"),
    ]  # fmt: skip
