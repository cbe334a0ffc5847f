"""The compiled demand side of a model: orders, series, and columns of a draw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from yieldsim.model import Model, Quantity, Schedule
from yieldsim.model.references import ordered_products
from yieldsim.model.schema.calendar import quarter_index
from yieldsim.outputs import DEMAND_OUTPUTS, IMPORT_OUTPUTS, ORDER_OUTPUTS, Variable
from yieldsim.sampling import Sampler
from yieldsim.supply.orders.deliveries import OrderPlan


@dataclass(frozen=True)
class Series:
    """A schedule by quarter, ``(low + position (high - low)) scale``; columns of the drawn ones.

    ``factors`` are the series that multiply it.
    """

    low: np.ndarray
    high: np.ndarray
    position: int | None
    scale: int | None
    factors: tuple[Series, ...] = ()

    def values(self, drawn: np.ndarray) -> np.ndarray:
        """Return (realization, quarter) values for drawn parameters (realization, parameter)."""
        values = np.broadcast_to(self.low, (len(drawn), self.low.size))
        if self.position is not None:
            values = values + drawn[:, self.position, None] * (self.high - self.low)
        if self.scale is not None:
            values = values * drawn[:, self.scale, None]
        for factor in self.factors:
            values = values * factor.values(drawn)
        return values


@dataclass(frozen=True)
class DemandPlan:
    """A compiled demand side. The keys of ``series`` and ``column`` are paths of parameters."""

    orders: tuple[OrderPlan, ...]
    sizes: tuple[tuple[str, ...], ...]  # fields of each order that give its size
    imports: tuple[str, ...]
    has_demand: bool
    domestic: tuple[int, ...]  # indices of the AI products
    series: Mapping[str, Series]
    column: Mapping[str, int]

    @property
    def outputs(self) -> tuple[Variable, ...]:
        """The variables of this model."""
        return demand_outputs(bool(self.orders), bool(self.imports), self.has_demand)


def demand_outputs(orders: bool, imports: bool, demand: bool) -> tuple[Variable, ...]:
    """Return the variables of a model with orders, imports or a market demand."""
    outputs = ORDER_OUTPUTS if orders else ()
    outputs += IMPORT_OUTPUTS if imports else ()
    return outputs + (DEMAND_OUTPUTS if demand else ())


def compile_demand(model: Model, sampler: Sampler, products: Sequence[str]) -> DemandPlan:
    """Compile the demand side of a checked model, with the columns of its sampler's draws.

    ``products`` are the labels of the results: those of the model and of other scenarios.
    """
    places = list(products)
    start = quarter_index(model.simulation.start)
    orders = tuple(
        OrderPlan(
            name,
            tuple(places.index(product) for product in ordered_products(model, order)),
            quarter_index(order.placed) - start,
            order.tier,
            order.claims,
            order.share is not None,
        )
        for name, order in model.orders.items()
    )
    return DemandPlan(
        orders=orders,
        sizes=tuple(order.size for order in model.orders.values()),
        imports=tuple(model.imports),
        has_demand=model.demand is not None,
        domestic=tuple(places.index(n) for n, p in model.products.items() if p.kind == "ai"),
        series=_series(model, sampler),
        column={
            p.path: sampler.column[p.path]
            for p in sampler.declared
            if isinstance(p.item, Quantity)
            and p.path.startswith(("orders.", "imports.", "demand."))
        },
    )


def _series(model: Model, sampler: Sampler) -> dict[str, Series]:
    """Return every series of demand and imports, at the middles of the quarters."""
    first = quarter_index(model.simulation.start)
    middles = np.arange(first, quarter_index(model.simulation.end) + 1) + 0.5

    def series(path: str, item: Schedule) -> Series:
        return Series(
            *item.curves(middles),
            sampler.column.get(f"{path}.position"),
            sampler.column.get(f"{path}.scale"),
            tuple(series(f"factors.{name}", model.factors[name]) for name in item.factors),
        )

    return {
        p.path: series(p.path, p.item)
        for p in sampler.declared
        if isinstance(p.item, Schedule) and p.path.startswith(("imports.", "demand."))
    }
