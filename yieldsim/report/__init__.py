"""What the commands print: text tables made of the plain numbers that the analysis returns."""

from .demand import demand_text
from .summary import (
    correlation_table,
    difference_table,
    quarter_table,
    scenario_table,
    summary_text,
    yearly_table,
)
from .tables import align, count, figures

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
    "yearly_table",
]
