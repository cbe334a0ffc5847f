"""Who gets the usable chips, and what the market still wants: after the kernels, plain NumPy."""

from .about import order_attributes
from .market import NEEDED, run_demand
from .plan import DemandPlan, compile_demand, demand_outputs

__all__ = [
    "NEEDED",
    "DemandPlan",
    "compile_demand",
    "demand_outputs",
    "order_attributes",
    "run_demand",
]
