"""What binds, and what lifting it would add: the same luck met without one constraint.

A scenario whose name has a part ``no_limit:WHAT`` is the scenario of its other parts with the
constraint WHAT lifted: ``no_limit:memory`` is the baseline so, ``domestic_late+no_limit:memory``
is ``domestic_late`` so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import xarray as xr

from yieldsim.analysis.caption import origin
from yieldsim.analysis.records import Record, difference_records
from yieldsim.analysis.supply.binding import binding_shares
from yieldsim.analysis.totals import (
    ai_names,
    choose,
    labels_of,
    period_quarters,
    quarter_labels,
)
from yieldsim.errors import StoreError
from yieldsim.model.scenario_names import join_parts, lifted_limits, without_lifts


def binding_summary(ds: xr.Dataset, scenarios: Sequence[str] = ()) -> dict[str, Any]:
    """What binds as plain numbers, ready for JSON, of the given scenarios (default all).

    ``binding``: for each scenario, product (``total`` first) and quarter the share of realizations
    that each constraint binds, with its standard error (see `binding_shares`). ``lifted``: for each
    scenario without a constraint the paired difference of usable chips to the same scenario with
    it, by product and calendar year: what was ``lifted``, its ``base``, mean, P10, P50, P90 and
    their errors ``se_...``, and the spreads that `paired_differences` gives. ``notes`` says which
    cannot be compared. Raises StoreError where the ensemble does not record what binds, and
    UsageError for an unknown scenario.
    """
    if "binding" not in ds:
        raise StoreError("binding", "is not kept in this ensemble")
    chosen = choose(ds, scenarios)
    known = labels_of(ds, "scenario")
    lifted = [name for name in labels_of(chosen, "scenario") if lifted_limits(name)]
    paired = [name for name in lifted if without_lifts(name) in known]
    return {
        "quarters": quarter_labels(ds),
        "binding": binding_shares(chosen),
        "lifted": [record for name in paired for record in _added(ds, name)],
        "notes": [
            f"{name} has no {without_lifts(name)} beside it in the ensemble to be compared with"
            for name in lifted
            if name not in paired
        ],
        "in_total": ai_names(ds),
        **origin(ds),
    }


def _added(ds: xr.Dataset, scenario: str) -> list[Record]:
    """The paired differences of one scenario to the same with its constraints."""
    base = without_lifts(scenario)
    labels, places = period_quarters(ds, "year")
    quarters = {label: len(several) for label, several in zip(labels, places, strict=True)}
    lifted = join_parts(lifted_limits(scenario))
    return [
        {"lifted": lifted, **record, "quarters": quarters[record["year"]]}
        for record in difference_records(choose(ds, [base, scenario]), base)
    ]
