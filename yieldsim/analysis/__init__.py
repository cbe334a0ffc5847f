"""Analysis of an ensemble: Datasets in, Datasets and flat records out.

Every figure is a statistic of totals in each realization, never a total of statistics, and comes
with its Monte Carlo standard error. Stores are read block by block, so that memory stays flat for
a million realizations. Imports go one way: ``periods``, ``totals`` and ``caption``, ``statistics``,
``records``, then ``supply``, ``fab`` and ``evidence``, then ``drivers``, then ``conditioning``
and ``overview``.
Where realizations have weights (``weights``), all figures are weighted. The public names are
imported when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from yieldsim.analysis.conditioning import load_weights, open_weighted
    from yieldsim.analysis.conditioning.condition import condition
    from yieldsim.analysis.drivers.figure import figure_of
    from yieldsim.analysis.drivers.noise import explained_by_regression, explained_without_noise
    from yieldsim.analysis.drivers.sensitivity import first_order_indices
    from yieldsim.analysis.drivers.summary import sensitivity_summary
    from yieldsim.analysis.drivers.swaps import quantile_swaps
    from yieldsim.analysis.evidence.comparison import compare_with_published
    from yieldsim.analysis.fab.die_yield import yield_summary
    from yieldsim.analysis.fab.lines import line_records
    from yieldsim.analysis.overview.assumptions import assumption_summary
    from yieldsim.analysis.statistics.correlation import rank_correlations
    from yieldsim.analysis.statistics.differences import paired_differences
    from yieldsim.analysis.statistics.exceedance import exceedance
    from yieldsim.analysis.statistics.quantiles import quantiles
    from yieldsim.analysis.statistics.weighted import weighted_quantile
    from yieldsim.analysis.supply.binding import binding_shares
    from yieldsim.analysis.supply.compared import compare_stores
    from yieldsim.analysis.supply.demand import demand_summary
    from yieldsim.analysis.supply.gains import gain_records
    from yieldsim.analysis.supply.usable_chips import summarize
    from yieldsim.analysis.tidy import tidy_rows
    from yieldsim.analysis.titles import product_titles, scenario_titles, table_titles
    from yieldsim.analysis.weights import with_weights

__all__ = [
    "assumption_summary",
    "binding_shares",
    "compare_stores",
    "compare_with_published",
    "condition",
    "demand_summary",
    "exceedance",
    "explained_by_regression",
    "explained_without_noise",
    "figure_of",
    "first_order_indices",
    "gain_records",
    "line_records",
    "load_weights",
    "open_weighted",
    "paired_differences",
    "product_titles",
    "quantile_swaps",
    "quantiles",
    "rank_correlations",
    "scenario_titles",
    "sensitivity_summary",
    "summarize",
    "table_titles",
    "tidy_rows",
    "weighted_quantile",
    "with_weights",
    "yield_summary",
]

_MODULES = {  # public name -> its module
    "assumption_summary": "overview.assumptions",
    "binding_shares": "supply.binding",
    "compare_stores": "supply.compared",
    "compare_with_published": "evidence.comparison",
    "condition": "conditioning.condition",
    "demand_summary": "supply.demand",
    "exceedance": "statistics.exceedance",
    "explained_by_regression": "drivers.noise",
    "explained_without_noise": "drivers.noise",
    "figure_of": "drivers.figure",
    "first_order_indices": "drivers.sensitivity",
    "gain_records": "supply.gains",
    "line_records": "fab.lines",
    "load_weights": "conditioning",
    "open_weighted": "conditioning",
    "paired_differences": "statistics.differences",
    "product_titles": "titles",
    "quantile_swaps": "drivers.swaps",
    "quantiles": "statistics.quantiles",
    "rank_correlations": "statistics.correlation",
    "scenario_titles": "titles",
    "sensitivity_summary": "drivers.summary",
    "summarize": "supply.usable_chips",
    "table_titles": "titles",
    "tidy_rows": "tidy",
    "weighted_quantile": "statistics.weighted",
    "with_weights": "weights",
    "yield_summary": "fab.die_yield",
}


def __getattr__(name: str) -> Any:
    import importlib

    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"yieldsim.analysis.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
