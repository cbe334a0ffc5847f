"""Who gets the usable chips, and what the market still wants: after the kernels, plain NumPy."""

from .market import run_demand
from .plan import DemandPlan, compile_demand, demand_outputs

__all__ = ["DemandPlan", "compile_demand", "demand_outputs", "run_demand"]
