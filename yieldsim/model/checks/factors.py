"""Cross-checks of the series that multiply others."""

from __future__ import annotations

from yieldsim.errors import ModelError
from yieldsim.model.checks.names import known
from yieldsim.model.parameters import Parameter
from yieldsim.model.references import largest_multiple
from yieldsim.model.schema import Model
from yieldsim.model.schema.fields import check_points
from yieldsim.model.schema.schedule import Schedule

_TABLE = "factors."


def check_factors(model: Model, parameter: Parameter) -> None:
    """Raise ModelError for an unknown factor, or one that takes a series out of its range."""
    item = parameter.item
    if not isinstance(item, Schedule) or not item.factors:
        return
    where = f"{parameter.path}.factors"
    if parameter.path.startswith(_TABLE):
        problem, got = "a factor cannot name another", ", ".join(item.factors)
        raise ModelError(where, problem, got=got, allowed="none: leave it out")
    for name in item.factors:
        known(where, name, model.factors, "factor")
    try:
        check_points(item, parameter.spec, largest_multiple(model, item))
    except ValueError as error:
        raise ModelError(where, str(error)) from None
