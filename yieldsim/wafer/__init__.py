"""Wafers, dies and bins: the yield physics, usable alone and inside the supply ensemble.

`load_wafer_model` reads a description, `simulate_wafers` draws wafers from it. The public names are
imported when they are first used: the supply simulation needs kernels of this package alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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

_MODULES = {  # module -> the public names that it holds
    "expectation": ("Expectation", "expected_yield"),
    "model.load": ("load_wafer_model", "wafer_model"),
    "model.wafer_model": ("WaferModel",),
    "simulate": ("FIDELITIES", "Fidelity", "WaferResult", "simulate_wafers"),
}


def __getattr__(name: str) -> Any:
    import importlib

    for module, names in _MODULES.items():
        if name in names:
            value = getattr(importlib.import_module(f"yieldsim.wafer.{module}"), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
