"""Orders, imports and market demand: the use of the usable chips, in NumPy after the kernels."""

from yieldsim.supply.orders.attributes import order_attributes
from yieldsim.supply.orders.compiled import DemandPlan, compile_demand, demand_outputs
from yieldsim.supply.orders.market import NEEDED, run_demand

__all__ = [
    "NEEDED",
    "DemandPlan",
    "compile_demand",
    "demand_outputs",
    "order_attributes",
    "run_demand",
]
