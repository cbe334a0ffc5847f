"""The fields of a World are the quantities of the schema."""

import pytest

from yieldsim.model import Quantity
from yieldsim.model.schema import ExponentialLearning, Fleet, PowerLearning, Process
from yieldsim.model.schema.fields import Entity, spec_of
from yieldsim.supply.compile.columns import quantity_fields


def subclasses(kind: type[Entity]) -> list[type[Entity]]:
    return [each for sub in kind.__subclasses__() for each in (sub, *subclasses(sub))]


@pytest.mark.parametrize("kind", subclasses(Entity), ids=lambda kind: kind.__name__)
def test_a_world_has_every_quantity_of_an_entity(kind: type[Entity]) -> None:
    """Neither schedules nor tables of quantities, which are more than one number."""
    single = {
        name
        for name in kind.model_fields
        if spec_of(kind, name) is not None
        and kind.model_fields[name].annotation in (Quantity, Quantity | None)
    }
    assert set(quantity_fields(kind)) == single


def test_tables_and_schedules_are_no_fields() -> None:
    assert set(quantity_fields(Process)).isdisjoint({"visits", "sampling", "layers", "learning"})
    assert "rework" in quantity_fields(Process)
    assert quantity_fields(Fleet) == ("install_quarters", "qualification_quarters", "planned_use")


def test_fields_of_several_entities_stand_once_in_their_order() -> None:
    both = quantity_fields(ExponentialLearning, PowerLearning)
    assert both == ("start_ratio", "tau_quarters", "reference_wafers", "exponent")
