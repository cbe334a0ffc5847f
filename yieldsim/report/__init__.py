"""The text tables that commands print, made from the records of the analysis."""

from yieldsim.report.supply.demand import demand_text
from yieldsim.report.supply.summary import (
    correlation_table,
    difference_table,
    period_table,
    quarter_table,
    scenario_table,
    summary_text,
)
from yieldsim.report.tables import align, count, figures

__all__ = [
    "align",
    "correlation_table",
    "count",
    "demand_text",
    "difference_table",
    "figures",
    "quarter_table",
    "scenario_table",
    "summary_text",
    "period_table",
]
