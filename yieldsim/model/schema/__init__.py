"""The tables of a model file: their fields with types, units and ranges."""

from yieldsim.model.schema.chips import (
    Bin,
    Die,
    DieBank,
    MemoryMaker,
    MemoryPool,
    PackagingLine,
    Performance,
    Product,
    Wafer,
)
from yieldsim.model.schema.demand import Demand, Import, Order
from yieldsim.model.schema.events import (
    Accident,
    DeliveriesStop,
    Event,
    Excursion,
    FabStarts,
    ServiceLoss,
    ToolQualified,
    ToolsLost,
)
from yieldsim.model.schema.fabs import (
    ExponentialLearning,
    Fab,
    Fleet,
    Learning,
    PowerLearning,
    Process,
    ToolClass,
    ToolGroup,
)
from yieldsim.model.schema.layers import Layer, Patterning
from yieldsim.model.schema.model import Allocation, Correlation, Model, Simulation, SourceNote

__all__ = [
    "Accident",
    "Allocation",
    "Bin",
    "Correlation",
    "DeliveriesStop",
    "Demand",
    "Die",
    "DieBank",
    "Event",
    "Excursion",
    "ExponentialLearning",
    "Fab",
    "FabStarts",
    "Fleet",
    "Import",
    "Layer",
    "Learning",
    "MemoryMaker",
    "MemoryPool",
    "Model",
    "Order",
    "PackagingLine",
    "Patterning",
    "Performance",
    "PowerLearning",
    "Process",
    "Product",
    "ServiceLoss",
    "Simulation",
    "SourceNote",
    "ToolClass",
    "ToolGroup",
    "ToolQualified",
    "ToolsLost",
    "Wafer",
]
