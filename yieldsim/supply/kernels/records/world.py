"""The parameters of each realization, under their names in the model's schema."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from yieldsim.supply.kernels.records.tables import Floats, Lanes, Records, Records2, Records3


class Parameters(Protocol):
    """A record of a World, with the fields of its table in the model's schema."""

    def __getattr__(self, name: str) -> Lanes: ...


class World(NamedTuple):
    """The parameters of each lane's realization, views of one flat buffer."""

    curve: Records[Parameters]  # S, position and scale
    tool: Records2[Parameters]  # G C
    group: Records[Parameters]  # G
    fab: Records[Parameters]  # F
    fleet: Records3[Parameters]  # F G C
    process: Records[Parameters]  # P
    learning: Records[Parameters]  # P, the fields of all kinds of learning
    wafer: Parameters
    die: Records[Parameters]  # D
    pool: Records[Parameters]  # H
    maker: Records[Parameters]  # H
    product: Records[Parameters]  # I
    performance: Records2[Parameters]  # I B
    effect: Records[Parameters]  # E, the factors of `supply.compile.effects`
    # last, as they are filled in after the draw
    visits: Floats  # P G k, passes of a wafer, rework and sampling included
    visit: Floats  # V k, those of one group in one segment of a route
    # no quarters where wafers follow the shares
    mix_entry: Floats  # quarter M k, part of what shares give the designs it moves; -1: not moved
    mix_product: Floats  # quarter I rank k, packages a step with stacks of that rank; inf: any
