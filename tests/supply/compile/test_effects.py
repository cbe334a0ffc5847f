"""Events as effects: each kind has one, and it names fields that exist."""

from dataclasses import fields
from typing import Literal, get_args

import numpy as np
import pytest

from tests.paths import VALID
from yieldsim.model.load import load_file
from yieldsim.model.schema.events import Event
from yieldsim.model.schema.fields import Entity
from yieldsim.supply.compile import compile_model
from yieldsim.supply.compile.columns import quantity_fields
from yieldsim.supply.compile.effects import EFFECTS, FACTORS, Effect, effect_of

KINDS = get_args(get_args(Event)[0])
NAMED = [field.name for field in fields(Effect) if field.type == "str"]


def test_every_kind_of_event_has_an_effect() -> None:
    assert set(EFFECTS) == set(KINDS)
    assert set(NAMED) == set(FACTORS)
    for effect in EFFECTS.values():
        assert effect.on_tools or effect.on_fab or effect.on_density


@pytest.mark.parametrize("kind", KINDS)
def test_the_factors_of_an_effect_are_the_quantities_of_its_event(kind: type[Entity]) -> None:
    """A quantity that an effect leaves out would change nothing."""
    used = {getattr(EFFECTS[kind], factor) for factor in NAMED} - {""}
    assert used == set(quantity_fields(kind))


class Strike(Entity):
    """An event that no effect is given for."""

    kind: Literal["strike"] = "strike"


def test_an_event_without_an_effect_is_named() -> None:
    with pytest.raises(TypeError, match="Strike"):
        effect_of(Strike())  # type: ignore[arg-type]


def test_dates_and_factors_of_a_model() -> None:
    """shocks.toml begins two quarters of 13 steps before 2026Q1."""
    compiled = compile_model(load_file(VALID / "shocks.toml").model())
    at = list(compiled.model.events).index
    dates, hits = compiled.structure.effect, compiled.structure.effect_on_tools
    assert (dates[at("quake")].start_step, dates[at("quake")].end_step) == (39.0, 65.0)
    assert (dates[at("seized")].start_step, dates[at("seized")].end_step) == (65.0, np.inf)
    assert [name for name in compiled.model.events if dates[at(name)].ramp] == ["parts"]
    assert dates[at("qualified_late")].first_production_step == 52.0
    assert dates[at("opening")].first_start_step == 26.0
    fabs, groups = list(compiled.model.fabs), list(compiled.model.tool_groups)
    new, etch = fabs.index("new"), groups.index("etch")
    hit = np.zeros_like(hits[0])
    hit[new, etch, 0] = 1
    np.testing.assert_array_equal(hits[at("seized")], hit)
    _, worlds = compiled.draw(7, 0, 3)
    left = compiled.drawn(worlds, "effect", "capacity_ratio")
    np.testing.assert_array_equal(left[at("fire")], 0.6)
    np.testing.assert_array_equal(np.delete(left, at("fire"), axis=0), 1.0)
    lost = compiled.drawn(worlds, "effect", "tools_lost")[at("quake")]
    assert np.all((lost > 0.3) & (lost < 0.7))
