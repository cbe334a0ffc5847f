"""The summary of an ensemble: usable chips, what binds them, and how scenarios differ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from yieldsim.analysis.caption import origin, outlook_from
from yieldsim.analysis.periods import by_period, chosen_periods, named_periods, quarter_labels
from yieldsim.analysis.records import difference_records, product_records
from yieldsim.analysis.statistics.correlation import rank_correlations
from yieldsim.analysis.supply.binding import binding_shares
from yieldsim.analysis.supply.starts import start_records
from yieldsim.analysis.totals import ai_names

if TYPE_CHECKING:
    import xarray as xr


def summarize(ds: xr.Dataset, periods: Sequence[str] = ()) -> dict[str, Any]:
    """The summary of an ensemble as plain numbers, ready for JSON.

    ``quarters``: the quarters in order. ``records``: for each scenario, product (``total`` first:
    the sum over products of kind ai) and quarter the mean, P10, P50 and P90 of usable chips with
    the standard error ``se_...`` of each (None for a single realization). ``yearly``: the same by
    calendar year, with the number of ``quarters`` covered. ``starts``: wafer starts by calendar
    year, of all lines and by kind of product (see `start_records`). ``binding``: the share of
    realizations that each constraint binds, by scenario, product and quarter, most frequent first.
    ``correlations`` of the parameters, requested and achieved (see `rank_correlations`).
    ``differences``: paired differences of the other scenarios from the baseline, by year.
    Chosen ``periods``, each a name or a kind (see `yieldsim.analysis.periods`), take the place of
    quarters and years in ``records``, ``starts``, ``binding`` and ``differences``: then records
    name their ``period``, and there is no ``yearly``. Raises UsageError for one that is not there.
    ``in_total``: the products of the total. ``outlook_from``: the quarter from which the model
    calls its results an outlook, or None. Then the model, the seed and the realizations.
    """
    names = named_periods(ds, periods)
    return {
        "quarters": quarter_labels(ds),
        **chosen_periods(names),
        **by_period(lambda period: product_records(ds, "usable_chips", period), names),
        "starts": start_records(ds, names or "year"),
        "binding": binding_shares(ds, names or "quarter") if "binding" in ds else [],
        "differences": difference_records(ds, period=names or "year"),
        "correlations": rank_correlations(ds) if "parameter_value" in ds else [],
        "in_total": ai_names(ds),
        "outlook_from": outlook_from(ds),
        "units": str(ds["usable_chips"].attrs.get("units", "chip")),
        **origin(ds),
    }
