"""The headings of SMT2020's workbook, by the columns of the text format."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["FAILURES", "MAINTENANCE", "MOVES", "ORDERS", "SETUPS", "SHEETS", "STEPS", "TOOLS",
           "shown"]  # fmt: skip

Headings = Mapping[str, tuple[str, ...]]

# The sheet of each table.
SHEETS = {
    "tool.txt": "Toolgroups",
    "order.txt": "Lotrelease",
    "part.txt": "Lotrelease",
    "setup.txt": "Setups",
    "fromto.txt": "Transport",
    "downcal.txt": "Breakdown",
    "pmcal.txt": "PM",
}
TOOLS: Headings = {
    "STNGRP": ("AREA",),
    "STNFAM": ("TOOLGROUP",),
    "STNQTY": ("NUMBER OF TOOLS",),
    "STNCAP": ("CASCADINGTOOL",),
    "BATCHING": ("BATCHINGTOOL", "BACTHINGTOOL"),  # the published workbook has the second
    "BATCHCRITF": ("BATCHCRITERION",),
    "BATCHPER": ("BATCHING UNIT",),
    "LTIME": ("LOADINGTIME",),
    "LTUNITS": ("LT UNITS",),
    "ULTIME": ("UNLOADINGTIME",),
    "ULTUNITS": ("ULT UNITS",),
    "STNFAMLOC": ("TOOLGROUPLOCATION",),
    "RULE": ("DISPATCHING",),
    "FWLRANK": ("RANKING 1",),
    "RANK2": ("RANKING 2",),
    "RANK3": ("RANKING 3",),
    "WAKERESRANK": ("TOOL WAKE UP RANKING",),
}
STEPS: Headings = {
    "ROUTE": ("ROUTE",),
    "STEP": ("STEP",),
    "STNFAM": ("TOOLGROUP", "TOOL GROUP"),
    "PTPER": ("PROCESSING UNIT",),
    "PDIST": ("PROCESSINGTIME DISTRIBUTION",),
    "PTIME": ("MEAN",),
    "PTIME2": ("OFFSET",),
    "PTUNITS": ("PT UNITS",),
    "PartInterval": ("CASCADING INTERVAL",),
    "PartIntUnits": ("C UNITS",),
    "BATCHMN": ("BATCH MINIMUM",),
    "BATCHMX": ("BATCH MAXIMUM",),
    "SETUP": ("SETUP", "SETUP NAME"),
    "WHEN": ("WHEN",),
    "SDIST": ("SETUP DISTRIBUTION",),
    "STIME": ("SETUP TIME",),
    "STIME2": ("OFFSET 2",),
    "STUNITS": ("ST UNITS",),
    "FORSTEP": ("STEP FOR LTL DEDICATION",),
    "REWORK": ("REWORK PROBABILITY IN %",),
    "RWKSTEP": ("STEP FOR REWORK",),
    "StepPercent": ("PROCESSING PROBABILITY IN % (SAMPLING)",),
    "STEP_CQT": ("STEP FOR CRITICAL QUEUE TIME",),
    "CQT": ("CQT",),
    "CQTUNITS": ("CQTUNITS", "CQT UNITS"),
}
ORDERS: Headings = {
    "LOT": ("LOT NAME/TYPE",),
    "PART": ("PRODUCT NAME",),
    "ROUTE": ("ROUTE NAME",),
    "PRIOR": ("PRIORITY",),
    "HOTLOT": ("SUPERHOTLOT",),
    "PIECES": ("WAFERS PER LOT",),
    "START": ("START DATE",),
    "RDIST": ("RELEASE DISTRIBUTION",),
    "REPEAT": ("RELEASE INTERVAL",),
    "RUNITS": ("R UNITS",),
    "LOTSPERRPT": ("LOTS PER RELEASE",),
    "DUE": ("DUE DATE",),
    "SCENARIO": ("RELEASE SCENARIO",),
}
SETUPS: Headings = {
    "SETUPGRP": ("SETUP GROUP NAME",),
    "CURSETUP": ("CURRENT SETUP",),
    "NEWSETUP": ("NEW SETUP",),
    "STIME": ("SETUP TIME",),
    "STUNITS": ("ST UNITS",),
    "MINRUN": ("MINIMAL NUMBER OF RUNS", "MINMAL NUMBER OF RUNS"),  # the second is published
}
MOVES: Headings = {
    "FROMLOC": ("FROM LOCATION",),
    "TOLOC": ("TO LOCATION",),
    "DDIST": ("TRANSPORTTIME DISTRIBUTION",),
    "DTIME": ("MEAN",),
    "DTIME2": ("OFFSET",),
    "DUNITS": ("TT UNITS",),
}
FAILURES: Headings = {
    "DOWNCALNAME": ("DOWN EVENT NAME",),
    "RESTYPE": ("DOWN EVENT VALID FOR TYPE",),
    "RESNAME": ("TYPE NAME",),
    "MTTFDIST": ("TTF DISTRIBUTION",),
    "MTTF": ("MTTF",),
    "MTTFUNITS": ("MTTF UNITS",),
    "MTTRDIST": ("TTR DISTRIBUTION",),
    "MTTR": ("MTTR",),
    "MTTRUNITS": ("MTTR UNITS",),
    "FOADIST": ("FIRST ONE AT DISTRIBUTION",),
    "FOA": ("FOA",),
    "FOAUNITS": ("FOA UNITS",),
}
MAINTENANCE: Headings = {
    "PMCALNAME": ("PM EVENT NAME",),
    "RESTYPE": ("PM EVENT VALID FOR TYPE",),
    "RESNAME": ("TYPE NAME",),
    "MTBPM": ("MTBEFOREPM",),
    "MTBPMUNITS": ("MTBPM UNITS",),
    "MTTRDIST": ("TTR DISTRIBUTION",),
    "MTTR": ("MEAN",),
    "MTTR2": ("OFFSET",),
    "MTTRUNITS": ("TTR UNITS",),
    "FOADIST": ("FIRST ONE AT DISTRIBUTION",),
    "FOA": ("FOA",),
    "FOAUNITS": ("FOA UNITS",),
}
_OF_TABLE = {"tool.txt": TOOLS, "order.txt": ORDERS, "part.txt": ORDERS, "setup.txt": SETUPS,
             "fromto.txt": MOVES, "downcal.txt": FAILURES, "pmcal.txt": MAINTENANCE}  # fmt: skip


def shown(file: str, column: str) -> str:
    """The heading that a user knows for a column."""
    return _OF_TABLE.get(file, STEPS).get(column, (column,))[0]
