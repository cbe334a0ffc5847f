"""What binds: what more of each input adds, and what lifting a limit adds, with the same draws.

A scenario with a part ``no_limit:WHAT`` in its name is the scenario of the other parts with the
limit WHAT lifted: ``no_limit:memory`` is the baseline without the limit of memory, and
``domestic_late+no_limit:memory`` is ``domestic_late`` without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import xarray as xr

from yieldsim.analysis.caption import origin
from yieldsim.analysis.periods import Names, chosen_periods, named_periods, quarter_labels
from yieldsim.analysis.records import Record, difference_records
from yieldsim.analysis.supply.binding import binding_shares
from yieldsim.analysis.supply.gains import gain_records, unpaired
from yieldsim.analysis.totals import ai_names, choose, labels_of
from yieldsim.errors import StoreError
from yieldsim.model.more import meaning
from yieldsim.model.scenario_names import (
    join_parts,
    lifted_limits,
    scenario_parts,
    without_lifts,
    without_raises,
)


def binding_summary(
    ds: xr.Dataset, scenarios: Sequence[str] = (), periods: Sequence[str] = ()
) -> dict[str, Any]:
    """What binds as plain numbers, ready for JSON, of the given scenarios (default all).

    ``gains``: what 10 % more of each input adds (see `gain_records`), the largest first.
    ``meanings``: what each input is, in words. ``binding``: for each scenario, product (``total``
    first) and quarter the share of realizations that each constraint binds, with its standard error
    (see `binding_shares`). ``lifted``: for each scenario with a lifted limit the paired difference
    of usable chips from the same scenario with the limit, by product and calendar year: what was
    ``lifted``, its ``base``, mean, P10, P50, P90 and their errors ``se_...``, and the spreads of
    `paired_differences`. Chosen ``periods`` take the place of quarters and years, as in
    `summarize`. ``notes`` lists scenarios that cannot be compared. Raises StoreError if
    the ensemble does not record what binds, and UsageError for an unknown scenario.
    """
    if "binding" not in ds:
        raise StoreError("binding", "is not kept in this ensemble")
    chosen = choose(ds, scenarios)
    known = labels_of(ds, "scenario")
    lifted = [name for name in labels_of(chosen, "scenario") if lifted_limits(name)]
    paired = [name for name in lifted if without_lifts(name) in known]
    names = named_periods(ds, periods)
    gains = gain_records(ds, scenarios, names)
    lacking = {name: without_lifts(name) for name in lifted if name not in paired}
    lacking |= {name: without_raises(name) for name in unpaired(ds)}
    return {
        "quarters": quarter_labels(ds),
        **chosen_periods(names),
        "gains": gains,
        "meanings": {own: meaning(own) for r in gains for own in scenario_parts(r["input"])},
        "binding": binding_shares(chosen, names or "quarter"),
        "lifted": [record for name in paired for record in _added(ds, name, names)],
        "notes": [
            f"{name} cannot be compared: the ensemble lacks {base}"
            for name, base in lacking.items()
        ],
        "in_total": ai_names(ds),
        **origin(ds),
    }


def _added(ds: xr.Dataset, scenario: str, periods: Names) -> list[Record]:
    """The paired differences of a scenario from the same scenario with all its limits."""
    base = without_lifts(scenario)
    lifted = join_parts(lifted_limits(scenario))
    pair = choose(ds, [base, scenario])
    return [{"lifted": lifted, **r} for r in difference_records(pair, base, periods or "year")]
