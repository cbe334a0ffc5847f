"""What is simulated: frozen typed descriptions, their files, and cross-checks."""

from yieldsim.model.load import BASELINE, ModelFile, load_file, load_model
from yieldsim.model.parameters import Parameter, parameters
from yieldsim.model.schema import Model
from yieldsim.model.schema.quantity import Quantity
from yieldsim.model.schema.schedule import Schedule

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
