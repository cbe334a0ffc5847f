"""How probable it is that the usable chips of a period exceed a number, as plain numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from yieldsim.analysis.caption import origin
from yieldsim.analysis.periods import named_periods
from yieldsim.analysis.statistics.exceedance import exceedance
from yieldsim.analysis.statistics.standard_error import named
from yieldsim.analysis.totals import TOTAL, ai_names, labels_of

FIGURES = ("probability", "se")


def exceedance_summary(
    ds: xr.Dataset,
    above: Sequence[float],
    periods: Sequence[str] = (),
    products: Sequence[str] = (),
) -> dict[str, Any]:
    """Probabilities as plain numbers, ready for JSON.

    ``exceedance``: for each scenario, product (default: the total of AI chips, never phones),
    period (default: each calendar year) and number ``above`` the ``probability`` of more usable
    chips than that and its standard error ``se`` (None for a single realization). ``in_total``:
    the products of the total. Raises UsageError as `exceedance` does.
    """
    names = named_periods(ds, periods or ("year",))
    result = exceedance(ds, above, names, products or (TOTAL,))
    probability, error = result["probability"].to_numpy(), result["se"].to_numpy()
    scenarios, chosen = labels_of(result, "scenario"), labels_of(result, "product")
    quarters = result["quarters"].to_numpy().tolist()
    return {
        "exceedance": [
            {
                "scenario": scenarios[s],
                "product": chosen[p],
                "period": names[t],
                "quarters": quarters[t],
                "above": float(above[a]),
                **named(FIGURES, [float(probability[s, p, t, a]), float(error[s, p, t, a])]),
            }
            for s, p, t, a in np.ndindex(probability.shape)
        ],
        "in_total": ai_names(ds),
        "units": str(ds["usable_chips"].attrs.get("units", "chip")),
        **origin(ds),
    }
