"""Demand: dated orders and plans, the whole market, and restricted imports."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StrictBool, model_validator

from yieldsim.model.schema.calendar import Quarter
from yieldsim.model.schema.fields import Entity, Names, fraction, parameter
from yieldsim.model.schema.quantity import Quantity
from yieldsim.model.schema.schedule import Schedule
from yieldsim.model.schema.values import Whole

# the size of an order is given by one of these sets of fields
SIZES = (("chips",), ("value_yuan", "price_yuan"), ("pods", "chips_per_pod"))
_ALLOWED = "chips, or value_yuan with price_yuan, or pods with chips_per_pod"


class Order(Entity):
    """Chips that one buyer wants from a date on.

    An order that ``claims`` takes chips from later tiers and from the free market. Any other is
    filled as if it were the only one, and takes nothing.
    """

    title: str = ""
    buyer: str = ""
    kind: Literal["order", "plan", "cluster", "pods"] = "order"
    products: Names  # names, or patterns of AI products such as "ascend_95*"
    placed: Quarter
    due: Quarter | None = None
    tier: Annotated[Whole, Field(ge=1, le=99)] = 1
    claims: StrictBool = True
    chips: Quantity | None = parameter(
        "chip", "+order_size", "chips ordered", default=None, above=True
    )
    value_yuan: Quantity | None = parameter(
        "CNY", "+order_size", "value of the order", default=None, above=True
    )
    price_yuan: Quantity | None = parameter(
        "CNY/chip", "-order_size", "price of one chip", default=None, above=True
    )
    pods: Quantity | None = parameter(
        "pod", "+order_size", "pods ordered", default=None, above=True
    )
    chips_per_pod: Quantity | None = parameter(
        "chip/pod", "+order_size", "chips of one pod", default=None, above=True
    )
    share: Quantity | None = fraction(
        "+order_delivered",
        "largest share of a quarter's usable chips of its products that it may take",
        neutral=1.0,
    )

    @model_validator(mode="after")
    def _has_one_size(self) -> Order:
        given = [name for size in SIZES for name in size if getattr(self, name) is not None]
        if tuple(given) not in SIZES:
            got = " and ".join(given) or "none of them"
            raise ValueError(f"needs one size, got {got}; allowed: {_ALLOWED}")
        return self

    @property
    def size(self) -> tuple[str, ...]:
        """The fields that give the size."""
        return next(size for size in SIZES if getattr(self, size[0]) is not None)


class Demand(Entity):
    """The demand of the whole market each quarter, in chips and in compute."""

    chips: Schedule = parameter(
        "chip/quarter", "+demand", "AI chips of all makers that buyers want"
    )
    tflops_fp16: Schedule = parameter(
        "TFLOPS", "+demand_h100_equivalents", "dense FP16 or BF16 compute of a wanted chip"
    )


class Import(Entity):
    """A foreign chip that needs a licence."""

    title: str = ""
    deliveries: Schedule = parameter(
        "chip/quarter", "+imports", "chips that arrive if all are licensed"
    )
    licensed: Schedule | None = fraction(
        "+imports", "share of deliveries that both sides allow", neutral=1.0
    )
    tflops_fp16: Quantity = parameter(
        "TFLOPS", "+imports_h100_equivalents", "dense FP16 or BF16 compute of a chip"
    )
    bandwidth_tb_per_s: Quantity | None = parameter(
        "TB/s", "+imports_h100_equivalents_bandwidth", "memory bandwidth of a chip", neutral=0.0
    )
