"""The models that are simulated: their typed tables, their files and their checks."""

from yieldsim.model.load import ModelFile, load_file, load_model
from yieldsim.model.parameters import Parameter, parameters
from yieldsim.model.scenario_names import BASELINE
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
