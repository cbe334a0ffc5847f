"""Closed forms: yield models, harvesting, spread between wafers, learning and queues.

Plain NumPy and SciPy; the oracle of the simulator's tests and of ``yieldsim yield``. Functions
broadcast their arguments and return float64, a scalar for scalars. A value out of range raises
UsageError with the argument's name.
"""

from yieldsim.closed_form.critical_area import mean_line_kill
from yieldsim.closed_form.harvest import harvest_bins, harvest_yield
from yieldsim.closed_form.inverse import density_by_search, density_of_yield
from yieldsim.closed_form.queues import (
    effective_process_cv2,
    effective_process_time,
    erlang_c,
    mmm_wait,
    pooled_process_time,
    sakasegawa_wait,
)
from yieldsim.closed_form.redundancy import (
    gamma_mean,
    harvest_variance_per_wafer,
    nested_yield,
    repairable_yield,
)
from yieldsim.closed_form.require import require
from yieldsim.closed_form.spread import good_die_variance_by_block
from yieldsim.closed_form.yields import (
    bose_einstein,
    exponential_learning,
    good_die_variance_per_wafer,
    murphy,
    negative_binomial,
    overlay_yield,
    poisson,
    power_learning,
    seeds,
)

__all__ = [
    "bose_einstein",
    "density_by_search",
    "density_of_yield",
    "effective_process_cv2",
    "effective_process_time",
    "erlang_c",
    "exponential_learning",
    "gamma_mean",
    "good_die_variance_by_block",
    "good_die_variance_per_wafer",
    "harvest_bins",
    "harvest_variance_per_wafer",
    "harvest_yield",
    "mean_line_kill",
    "mmm_wait",
    "murphy",
    "negative_binomial",
    "nested_yield",
    "overlay_yield",
    "poisson",
    "pooled_process_time",
    "power_learning",
    "repairable_yield",
    "require",
    "sakasegawa_wait",
    "seeds",
]
