"""Attributes of the orders in the store."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from yieldsim.model import Model
from yieldsim.model.references import ordered_products


def order_attributes(models: Mapping[str, Model]) -> dict[str, dict[str, str]]:
    """Return the attributes of ``order_size``: title, buyer, dates, ... of each order by scenario.

    They are a JSON text ``{scenario: {order: {...}}}``; empty where no scenario has orders.
    """
    attributes = {
        scenario: {name: _order_attributes(model, name) for name in model.orders}
        for scenario, model in models.items()
    }
    if not any(attributes.values()):
        return {}
    return {"order_size": {"orders": json.dumps(attributes, ensure_ascii=False)}}


def _order_attributes(model: Model, name: str) -> dict[str, Any]:
    order = model.orders[name]
    return {
        "title": order.title,
        "buyer": order.buyer,
        "kind": order.kind,
        "products": ordered_products(model, order),
        "placed": order.placed,
        "due": order.due,
        "tier": order.tier,
        "claims": order.claims,
    }
