"""The parameters of the realizations, under their names in the model's schema."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from yieldsim.kernels.jit_tables import by_address
from yieldsim.supply.kernels.records.tables import Floats, Lanes, Records, Records2, Records3


class Parameters(Protocol):
    """A record of a World: the fields of its table in the model's schema."""

    def __getattr__(self, name: str) -> Lanes: ...


@by_address
class World(NamedTuple):
    """The parameters of each lane's realization, views of one flat buffer."""

    curve: Records[Parameters]  # S, position, scale and the curve that multiplies it
    tool: Records2[Parameters]  # G C
    group: Records[Parameters]  # G
    fab: Records[Parameters]  # F
    excursion: Records[Parameters]  # F, a rate of 0 where the fab has none
    fleet: Records3[Parameters]  # F G C
    process: Records[Parameters]  # P
    learning: Records[Parameters]  # P, the fields of all kinds of learning
    line_learning: Records[Parameters]  # N
    wafer: Parameters
    die: Records[Parameters]  # D
    pool: Records[Parameters]  # H
    maker: Records[Parameters]  # H
    product: Records[Parameters]  # I
    performance: Records2[Parameters]  # I B
    effect: Records[Parameters]  # E, the factors of `supply.compile.effects`
    # the tables below come last because they are filled in after the draw
    visits: Floats  # P G k, passes per wafer, rework and sampling included
    visit: Floats  # V k, passes per wafer in a group within a segment
    # the last two have no quarters where wafers follow the shares
    mix_entry: Floats  # quarter M k, part of the wafers that the mix divides; -1: not moved
    mix_product: Floats  # quarter I rank k, packages per step with stacks of that rank; inf: any
