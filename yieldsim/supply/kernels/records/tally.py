"""The results of the lanes, under the names of the variables in `yieldsim.outputs`."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from yieldsim.kernels.jit_tables import by_address
from yieldsim.outputs import FLEET, OUTPUTS, ROUTE
from yieldsim.supply.kernels.records.tables import Lanes, Records2, Records3, Records4


class Results(Protocol):
    """A record of a Tally: the variables of `yieldsim.outputs` that have its dims."""

    def __getattr__(self, name: str) -> Lanes: ...


# the tables of a Tally and the dims of their variables
TALLY_DIMS: dict[str, tuple[str, ...]] = {
    "route": ROUTE,
    "group": ("fab", "tool_group"),
    "fleet": FLEET,
    "die": ("die",),
    "die_bin": ("die", "bin"),
    "pool": ("memory",),
    "line": ("packaging",),
    "product": ("product",),
    "product_bin": ("product", "bin"),
}
# sums that are needed for outputs but are not outputs
_WORKING: dict[str, tuple[str, ...]] = {"group": ("passes_possible",)}


def tally_fields(table: str) -> tuple[str, ...]:
    """Return the fields of a table of the tally: the outputs of its dims, and working sums."""
    dims = TALLY_DIMS[table]
    return (*(v.name for v in OUTPUTS if v.dims == dims), *_WORKING.get(table, ()))


@by_address
class Tally(NamedTuple):
    """Results of the lanes, views of one flat buffer (place, k)."""

    route: Records2[Results]  # R N
    group: Records3[Results]  # R F G
    fleet: Records4[Results]  # R F G C; R = 0 where no output needs it
    die: Records2[Results]  # R D
    die_bin: Records3[Results]  # R D B
    pool: Records2[Results]  # R H
    line: Records2[Results]  # R L
    product: Records2[Results]  # R I, in the order of `Structure.product`
    product_bin: Records3[Results]  # R I B
