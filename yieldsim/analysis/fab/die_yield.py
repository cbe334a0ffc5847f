"""Yield: shares of good dies by bin, and the defect density D0."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from yieldsim.analysis.caption import origin
from yieldsim.analysis.fab.defect_density import D0, WAFERS, d0_records
from yieldsim.analysis.fab.losses import MECHANISMS, NEEDED, loss_records
from yieldsim.analysis.periods import (
    Period,
    by_period,
    chosen_periods,
    named_periods,
    period_quarters,
    quarter_labels,
)
from yieldsim.analysis.records import Record, bin_names, share_records
from yieldsim.analysis.totals import gather, labels_of, places_of
from yieldsim.analysis.weights import weights_of
from yieldsim.errors import StoreError

GOOD, FIT, DENSITY, LOSSES = "good", "fit for mass production", "D0", "losses"
NAMES = {
    GOOD: "the share of good dies",
    FIT: f"the share {FIT}",
    DENSITY: "D0",
    LOSSES: "the loss by mechanism",
}
# figure -> dies counted, and all dies
SHARES = {GOOD: ("good_dies", "gross_dies"), FIT: ("saleable_dies", "gross_dies_started")}


def yield_summary(ds: xr.Dataset, periods: Sequence[str] = ()) -> dict[str, Any]:
    """Shares of good dies and D0 as plain numbers, ready for JSON.

    ``records`` (by quarter) and ``yearly`` (sums of the year over one another) hold for each
    scenario, die and ``figure`` mean, P10, P50, P90 and the Monte Carlo error ``se_...`` of each:
    ``good``, the share of the gross dies probed that passed the wafer test in a saleable bin
    (``bin`` None) and by bin; and ``fit for mass production``, saleable good dies over gross dies
    started. ``made`` is the share of the realizations in which there are such dies: the figures
    are over these. ``losses`` are the `loss_records` by calendar year, in the order of
    ``mechanisms``. ``d0`` (by quarter) and ``d0_yearly`` are the records of `d0_records`.
    Chosen ``periods`` take the place of quarters and years, as in `summarize`.
    ``missing`` lists what the ensemble does not keep and ``notes`` says what follows. Raises
    StoreError where it keeps neither dies nor D0.
    """
    kept = {figure: not _lacking(ds, figure) for figure in NAMES}
    if not any(kept.values()):
        raise StoreError("good_dies, gross_dies", "are not kept in this ensemble's outputs")
    names = named_periods(ds, periods)
    shares = [figure for figure in SHARES if kept[figure]]
    return {
        "quarters": quarter_labels(ds),
        **chosen_periods(names),
        **by_period(
            lambda period: [r for figure in shares for r in _records(ds, figure, period)], names
        ),
        **by_period(
            lambda period: d0_records(ds, period) if kept[DENSITY] else [], names, "d0", "d0_yearly"
        ),
        "mechanisms": list(MECHANISMS),
        "losses": loss_records(ds, names or "year") if kept[LOSSES] else [],
        "missing": list(dict.fromkeys(name for figure in kept for name in _lacking(ds, figure))),
        "notes": [
            f"{NAMES[figure]} is not given: the ensemble lacks {' and '.join(_lacking(ds, figure))}"
            for figure in kept
            if not kept[figure]
        ],
        **origin(ds),
    }


def _lacking(ds: xr.Dataset, figure: str) -> list[str]:
    """The variables that a figure needs and the ensemble does not keep."""
    needed = {DENSITY: (D0, WAFERS), LOSSES: NEEDED}.get(figure) or SHARES[figure]
    return [name for name in needed if name not in ds]


def _records(ds: xr.Dataset, figure: str, period: Period) -> list[Record]:
    """Records in the order of scenarios, dies, bins and periods.

    The shares' two variables are gathered side by side, with the same groups in each.
    """
    counted, of = SHARES[figure]
    _, quarters = period_quarters(ds, period)
    counts = [len(several) for several in quarters]
    scenarios, weights = labels_of(ds, "scenario"), weights_of(ds)
    groups = _groups(ds, counted, of)
    upper = {str(number): places for number, (_, places, _) in enumerate(groups)}
    lower = {str(number): places for number, (_, _, places) in enumerate(groups)}
    records: dict[tuple[int, int], list[Record]] = {}
    pairs = zip(gather(ds, counted, period, upper), gather(ds, of, period, lower), strict=True)
    for part, whole in pairs:
        shares = np.full(part.values.shape, np.nan)
        np.divide(part.values, whole.values, out=shares, where=whole.values > 0.0)
        covered = counts[part.first : part.first + len(part.periods)]
        for number, (about, _, _) in enumerate(groups):
            place = {"scenario": scenarios[part.scenario], "figure": figure, **about}
            records.setdefault((part.scenario, number), []).extend(
                share_records(shares[number], place, period, part.periods, covered, weights)
            )
    return [record for key in sorted(records) for record in records[key]]


def _groups(ds: xr.Dataset, counted: str, of: str) -> list[tuple[Record, list[int], list[int]]]:
    """For each die all bins together, then each bin: its labels, dies counted, dies it is of."""
    groups: list[tuple[Record, list[int], list[int]]] = []
    for die, name in enumerate(labels_of(ds, "die")):
        whole = places_of(ds[of], {"die": [die]})
        groups.append(({"die": name, "bin": None}, places_of(ds[counted], {"die": [die]}), whole))
        if "bin" in ds[counted].dims:
            labels = labels_of(ds, "bin")
            for label, bin_name in bin_names(ds, name).items():
                chosen = {"die": [die], "bin": [labels.index(label)]}
                about = {"die": name, "bin": bin_name}
                groups.append((about, places_of(ds[counted], chosen), whole))
    return groups
