"""The density D0 of killer defects, by process and by line, over quarters and years."""

from __future__ import annotations

import numpy as np
import xarray as xr

from yieldsim.analysis.periods import Period, period_quarters
from yieldsim.analysis.records import Record, share_records
from yieldsim.analysis.totals import gather, labels_of, places_of
from yieldsim.analysis.weights import weights_of

D0, WAFERS = "d0_per_cm2", "wafer_starts"


def d0_records(ds: xr.Dataset, period: Period) -> list[Record]:
    """Records of D0 by scenario, process, line and period: mean, P10, P50, P90 and their errors.

    D0 is that of the wafers started: densities of lines and quarters are joined in each
    realization, weighted by the wafers started. ``fab`` is None for all lines of a process
    together, then each fab that starts wafers of it; ``units`` is that of the ensemble (cm-2).
    ``made`` is the share of the realizations in which wafers are started: the figures are over
    these. The ensemble must hold `D0` and `WAFERS`, each with the dims fab and process.
    """
    groups = _groups(ds)
    places = {str(number): places for number, (_, places) in enumerate(groups)}
    scenarios, weights = labels_of(ds, "scenario"), weights_of(ds)
    _, quarters = period_quarters(ds, period)
    counts = [len(several) for several in quarters]
    records: dict[tuple[int, int], list[Record]] = {}
    pairs = zip(
        gather(ds, D0, period, places, weight=WAFERS),
        gather(ds, WAFERS, period, places),
        strict=True,
    )
    for defects, wafers in pairs:
        density = np.full(wafers.values.shape, np.nan)
        np.divide(defects.values, wafers.values, out=density, where=wafers.values > 0.0)
        covered = counts[wafers.first : wafers.first + len(wafers.periods)]
        for number, (about, _) in enumerate(groups):
            place = {"scenario": scenarios[wafers.scenario], **about}
            records.setdefault((wafers.scenario, number), []).extend(
                share_records(density[number], place, period, wafers.periods, covered, weights)
            )
    return [record for key in sorted(records) for record in records[key]]


def _groups(ds: xr.Dataset) -> list[tuple[Record, list[int]]]:
    """For each process all lines together, then each line: what it is, and its places."""
    units = str(ds[D0].attrs.get("units", "cm-2"))
    groups: list[tuple[Record, list[int]]] = []
    for process, name in enumerate(labels_of(ds, "process")):
        about = {"figure": "D0", "units": units, "process": name}
        groups.append(({**about, "fab": None}, places_of(ds[D0], {"process": [process]})))
        for fab, label in enumerate(labels_of(ds, "fab")):
            chosen = {"process": [process], "fab": [fab]}
            groups.append(({**about, "fab": label}, places_of(ds[D0], chosen)))
    return groups
