"""Wafers, dies and bins: the yield physics, usable alone and inside the supply ensemble.

`load_wafer_model` reads a description, `simulate_wafers` draws wafers from it.
"""

from yieldsim.wafer.expectation import Expectation, expected_yield
from yieldsim.wafer.model.load import load_wafer_model, wafer_model
from yieldsim.wafer.model.wafer_model import WaferModel
from yieldsim.wafer.simulate import FIDELITIES, Fidelity, WaferResult, simulate_wafers

__all__ = [
    "Expectation",
    "FIDELITIES",
    "Fidelity",
    "WaferModel",
    "WaferResult",
    "expected_yield",
    "load_wafer_model",
    "simulate_wafers",
    "wafer_model",
]
