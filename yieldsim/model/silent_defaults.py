"""Defaults of a product that change how many chips it leaves, and are easily overlooked.

A field that is left out has a neutral value, so that a small model need not state it. For an AI
chip on an interposer no neutral value is near the truth: one package a wafer, no loss and no lag.
The fields stay optional, because models without packaging and teaching examples have no use for
them; commands that print an answer name them beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from yieldsim.model.schema import Model, Product
from yieldsim.model.schema.fields import neutral_value

_FIELDS = (
    "packages_per_interposer_wafer",
    "assembly_yield",
    "final_test_yield",
    "lag_days",
)
Defaults = Mapping[str, Mapping[str, float]]  # product -> field -> value


def silent_defaults(model: Model) -> dict[str, dict[str, float]]:
    """What each AI product on an interposer line leaves out, with the value taken instead."""
    left = {
        name: {
            field: neutral_value(product, field)
            for field in _FIELDS
            if getattr(product, field) is None
        }
        for name, product in model.products.items()
        if product.kind == "ai" and _on_interposer(model, product)
    }
    return {name: fields for name, fields in left.items() if fields}


def _on_interposer(model: Model, product: Product) -> bool:
    return any(model.packaging[line].counts == "interposer_wafers" for line in product.packaging)


def default_notes(left: Defaults) -> Iterator[str]:
    """A line for each product."""
    for name, fields in left.items():
        taken = ", ".join(f"{field} ({value:g})" for field, value in fields.items())
        yield f"note: products.{name} leaves out and takes as default: {taken}"
