"""What the store says of each order beside its figures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from yieldsim.model import Model
from yieldsim.model.references import ordered_products


def order_attributes(models: Mapping[str, Model]) -> dict[str, dict[str, str]]:
    """Attributes of ``order_size``: title, buyer, dates, ... of each order in each scenario.

    One text of JSON, ``{scenario: {order: {...}}}``; nothing where no scenario has orders.
    """
    about = {
        scenario: {name: _about(model, name) for name in model.orders}
        for scenario, model in models.items()
    }
    if not any(about.values()):
        return {}
    return {"order_size": {"orders": json.dumps(about, ensure_ascii=False)}}


def _about(model: Model, name: str) -> dict[str, Any]:
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
