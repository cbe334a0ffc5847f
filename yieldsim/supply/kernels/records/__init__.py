"""The records that supply kernels work on: structure, worlds, states and results.

Up to `LANES` realizations are simulated side by side. A field of a World, State or Tally record
holds a number per realization: its last axis is the lane, marked k below. Each stage is a short
loop over the lanes of a field, which are contiguous in memory, so lanes share the cost of indexing.

Tables of records are named after what a record describes. Their axes are: F fab, G tool group, C
class (0 imported, 1 domestic), P process, N route (a process in a fab, sorted by fab), J segment of
a route, V visit (of a group by a segment, sorted by process and segment), M allocation entry
(sorted by route), D die, B bin, K die bank, H memory pool, L packaging line, I product (sorted by
tier), E effect of an event, S curve, T step, Q period of a plan, R row of the results (the
quarters, then the warm-up, then everything after the last quarter).

The fields of a World table are those of the model's schema. The fields of a Tally table are the
variables of `yieldsim.outputs`. A kernel that reads an unknown name does not compile.
"""

from yieldsim.supply.kernels.records.plan import (
    AI_ENTRY,
    BY_BANDWIDTH,
    BY_CHIPS,
    BY_COMPUTE,
    COLUMNS,
    ELEMENTS,
    PERIODS,
    PHONE_ENTRY,
    ROWS,
    Plan,
    Planning,
    Program,
)
from yieldsim.supply.kernels.records.state import (
    Assembling,
    BinState,
    Cohort,
    DieState,
    EffectState,
    FleetState,
    GroupState,
    Leaving,
    ProductState,
    RouteState,
    Scratch,
    Segment,
    Sorting,
    State,
)
from yieldsim.supply.kernels.records.structure import (
    EXPONENTIAL,
    NO_LEARNING,
    POWER,
    AllocationEntry,
    BankDraw,
    Clock,
    DieDesign,
    EffectDates,
    FabRoutes,
    FleetCurves,
    OtherDie,
    PackagingCapacity,
    PoolCurves,
    ProductPlan,
    RoutePlan,
    Structure,
)
from yieldsim.supply.kernels.records.tables import (
    CLASSES,
    LANES,
    ClassLanes,
    Floats,
    Ints,
    Lanes,
    Records,
    Records2,
    Records3,
    Records4,
    Words,
    lanes_dtype,
    record_dtype,
)
from yieldsim.supply.kernels.records.tally import TALLY_DIMS, Results, Tally, tally_fields
from yieldsim.supply.kernels.records.world import Parameters, World

__all__ = [
    "AI_ENTRY",
    "AllocationEntry",
    "Assembling",
    "BY_BANDWIDTH",
    "BY_CHIPS",
    "BY_COMPUTE",
    "BankDraw",
    "BinState",
    "CLASSES",
    "COLUMNS",
    "ClassLanes",
    "Clock",
    "Cohort",
    "DieDesign",
    "DieState",
    "ELEMENTS",
    "EXPONENTIAL",
    "EffectDates",
    "EffectState",
    "FabRoutes",
    "FleetCurves",
    "FleetState",
    "Floats",
    "GroupState",
    "Ints",
    "LANES",
    "Lanes",
    "Leaving",
    "NO_LEARNING",
    "OtherDie",
    "PERIODS",
    "PHONE_ENTRY",
    "POWER",
    "PackagingCapacity",
    "Parameters",
    "Plan",
    "Planning",
    "PoolCurves",
    "ProductPlan",
    "ProductState",
    "Program",
    "ROWS",
    "Records",
    "Records2",
    "Records3",
    "Records4",
    "Results",
    "RoutePlan",
    "RouteState",
    "Scratch",
    "Segment",
    "Sorting",
    "State",
    "Structure",
    "TALLY_DIMS",
    "Tally",
    "Words",
    "World",
    "lanes_dtype",
    "record_dtype",
    "tally_fields",
]
