"""Defaults of a product that change how many chips it leaves, and are easily overlooked.

A field that is left out has a neutral value, so that a small model need not state it. For a
packaged AI chip no neutral value is near the truth: one package an interposer wafer, no loss and no
lag. The fields stay optional, because models without packaging and teaching examples have no use
for them; commands that print an answer name them beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from yieldsim.model.schema import Model, Product
from yieldsim.model.schema.fields import neutral_value

_INTERPOSER = "packages_per_interposer_wafer"
_FIELDS = ("assembly_yield", "final_test_yield", "lag_days")
Defaults = Mapping[str, Mapping[str, float]]  # product -> field -> value


def silent_defaults(model: Model) -> dict[str, dict[str, float]]:
    """What each packaged AI product leaves out, with the value taken instead."""
    left = {
        name: {
            field: neutral_value(product, field)
            for field in _fields(model, product)
            if getattr(product, field) is None
        }
        for name, product in model.products.items()
    }
    return {name: fields for name, fields in left.items() if fields}


def _fields(model: Model, product: Product) -> tuple[str, ...]:
    """The fields that matter to a product: none to a phone chip or one that is not packaged."""
    if product.kind != "ai" or not product.packaging:
        return ()
    counts = {model.packaging[line].counts for line in product.packaging}
    return (_INTERPOSER, *_FIELDS) if "interposer_wafers" in counts else _FIELDS


def default_notes(left: Defaults) -> Iterator[str]:
    """A line for each product."""
    for name, fields in left.items():
        taken = ", ".join(f"{field} ({value:g})" for field, value in fields.items())
        yield f"note: products.{name} leaves out and takes as default: {taken}"
