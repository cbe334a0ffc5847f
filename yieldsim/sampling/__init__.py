"""Values of the uncertain parameters in each realization: drawn, or given."""

from yieldsim.design import DESIGNS, RANDOM, Design
from yieldsim.sampling.draw import Medians, Sampler, path_entity
from yieldsim.sampling.given import Samples, check_rows, check_samples, read_samples
from yieldsim.sampling.quantiles import inverse_cdf

__all__ = [
    "DESIGNS",
    "RANDOM",
    "Design",
    "Medians",
    "Sampler",
    "Samples",
    "check_rows",
    "check_samples",
    "inverse_cdf",
    "path_entity",
    "read_samples",
]
