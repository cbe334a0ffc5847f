"""What an ensemble says: Datasets in, Datasets and plain tables out.

Every figure is a statistic of totals in each realization, never a total of statistics, and stands
beside its Monte Carlo standard error. Stores are read block by block, so that memory stays flat
for a million realizations.
"""

from .correlation import rank_correlations
from .demand import demand_summary
from .differences import paired_differences
from .evidence import compare_with_published
from .quantiles import quantiles, summarize

__all__ = [
    "compare_with_published",
    "demand_summary",
    "paired_differences",
    "quantiles",
    "rank_correlations",
    "summarize",
]
