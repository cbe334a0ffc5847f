"""What costs yield: the share of the dies probed that each mechanism loses, by die and period.

Mechanisms are counted in the order of `MECHANISMS`, each of the dies that the ones before have
left:

- ``systematic``: the systematic yield of the process;
- ``overlay``: critical layers that do not align, by the tools that expose them;
- ``random``: killer defects, with learning, events, tool adders and clustering, less what spare
  cores and repair save;
- ``parametric``: speed and leakage;
- ``test``: good dies that the wafer test rejects. (Bad dies that it passes are lost to what made
  them bad.)

In each realization the losses and the share of good dies add up to 1, and so do their means. The
chain has no loss at the edge of the wafer: gross dies are whole dies inside the edge exclusion, and
a profile of defects is known to the wafer simulator alone.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from yieldsim.analysis.periods import Period, period_quarters
from yieldsim.analysis.records import Record, share_records
from yieldsim.analysis.totals import BUDGET_BYTES, Totals, gather, labels_of, places_of
from yieldsim.analysis.weights import weights_of

MECHANISMS = ("systematic", "overlay", "random", "parametric", "test")
GROSS, GOOD = "gross_dies", "good_dies"
LEFT = "good"
STORED = {name: f"dies_lost_{name}" for name in MECHANISMS[:-1]}  # the rest is lost at test
NEEDED = (GROSS, GOOD, *STORED.values())


def loss_records(ds: xr.Dataset, period: Period, with_good: bool = False) -> list[Record]:
    """Records of losses by scenario, die, ``mechanism`` and period: mean, P10, P50, P90, errors.

    Figures are shares of the gross dies probed, over the realizations in which there are such dies
    (``made`` is their share). ``with_good`` adds what is left, under the mechanism ``good``. The
    ensemble must hold all of `NEEDED`.
    """
    dies, scenarios = labels_of(ds, "die"), labels_of(ds, "scenario")
    counts, weights = [len(several) for several in period_quarters(ds, period)[1]], weights_of(ds)
    groups = {
        name: {str(d): places_of(ds[name], {"die": [d]}) for d in range(len(dies))}
        for name in NEEDED
    }
    budget = BUDGET_BYTES // len(NEEDED)
    streams = (gather(ds, name, period, groups[name], budget_bytes=budget) for name in NEEDED)
    parts = zip(*streams, strict=True)
    records: dict[tuple[int, int, int], list[Record]] = {}
    for several in parts:
        first = several[0]
        covered = counts[first.first : first.first + len(first.periods)]
        shares = _shares(dict(zip(NEEDED, several, strict=True)))
        if not with_good:
            del shares[LEFT]
        for m, (mechanism, values) in enumerate(shares.items()):
            for d, die in enumerate(dies):
                place = {"scenario": scenarios[first.scenario], "die": die, "mechanism": mechanism}
                found = share_records(values[d], place, period, first.periods, covered, weights)
                records.setdefault((first.scenario, d, m), []).extend(found)
    return [record for key in sorted(records) for record in records[key]]


def _shares(parts: dict[str, Totals]) -> dict[str, np.ndarray]:
    """Mechanism -> (die, period, realization) share of the gross dies; NaN without any.

    The last is what is left.
    """
    gross = parts[GROSS].values
    whole = np.where(gross > 0.0, gross, np.nan)
    shares = {name: parts[variable].values / whole for name, variable in STORED.items()}
    good = parts[GOOD].values / whole
    return shares | {"test": 1.0 - good - sum(shares.values()), LEFT: good}
