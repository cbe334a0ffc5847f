"""The parameters of each realization, under their names in the model's schema."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from yieldsim.supply.kernels.records.tables import Floats, Lanes, Table, Table2, Table3


class Parameters(Protocol):
    """A record of a World, with the fields of its table in the model's schema."""

    def __getattr__(self, name: str) -> Lanes: ...


class World(NamedTuple):
    """The parameters of each lane's realization, views of one flat buffer."""

    curve: Table[Parameters]  # S, position and scale
    tool: Table2[Parameters]  # G C
    group: Table[Parameters]  # G
    fab: Table[Parameters]  # F
    fleet: Table3[Parameters]  # F G C
    process: Table[Parameters]  # P
    learning: Table[Parameters]  # P, the fields of all kinds of learning
    wafer: Parameters
    die: Table[Parameters]  # D
    pool: Table[Parameters]  # H
    maker: Table[Parameters]  # H
    product: Table[Parameters]  # I
    performance: Table2[Parameters]  # I B
    effect: Table[Parameters]  # E, the factors of `supply.compile.effects`
    # last, as they are filled in after the draw
    visits: Floats  # P G k, passes of a wafer, rework and sampling included
    visit: Floats  # V k, those of one group in one segment of a route
    # no quarters where wafers follow the shares
    mix_entry: Floats  # quarter M k, part of what shares give the designs it moves; -1: not moved
    mix_product: Floats  # quarter I rank k, packages a step with stacks of that rank; inf: any
