"""Compilation of a model into arrays: names to indices, schedules to curves, parameters to columns.

Kernels do not check bounds. This package returns valid indices only, and every number was checked
against its range when the model was loaded.
"""

from yieldsim.supply.compile.columns import CLASSES, by_tier, noise_entity
from yieldsim.supply.compile.compiled import Compiled, compile_model
from yieldsim.supply.compile.designs import harvest_weights

__all__ = ["CLASSES", "Compiled", "by_tier", "compile_model", "harvest_weights", "noise_entity"]
