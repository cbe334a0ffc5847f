"""What is simulated: frozen typed descriptions, their files, and cross-checks."""

from .load import BASELINE, ModelFile, load_file, load_model
from .parameters import Parameter, parameters
from .quantity import Quantity
from .schedule import Schedule
from .schema import Model

__all__ = [
    "BASELINE",
    "Model",
    "ModelFile",
    "Parameter",
    "Quantity",
    "Schedule",
    "load_file",
    "load_model",
    "parameters",
]
