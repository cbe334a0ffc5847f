"""Mask layers and patterning: the tool groups that a process visits, and their checks."""

from pathlib import Path

import pytest

from yieldsim.errors import ModelError
from yieldsim.model import Model, load_model, parameters
from yieldsim.model.checks.layers import check_layers
from yieldsim.model.references import visited_groups

LAYERS = (
    "tool_groups.clean={defect_weight=0, imported={wafers_per_hour=9, mttf_hours=9, mttr_hours=1}, "
    'source="made_up"}',
    'patterning.lele={exposures=2, visits={etch=2}, source="made_up"}',
    'patterning.sadp={exposures=1, visits={clean=1}, source="made_up"}',  # no layer uses it
    'processes.n3.layers.gate={order=2, patterning="lele", exposure="litho", source="made_up"}',
    "processes.n3.layers.gate.layers=3",
)


def made(sound: Path, *more: str) -> Model:
    return load_model(sound, changes=[*LAYERS, *more])


def test_groups_are_visited_by_a_process_its_layers_and_their_patterning(sound: Path) -> None:
    model = made(sound)
    # in the order of the tool groups; patterning that no layer uses does not count
    assert visited_groups(model, model.processes["n2"]) == ("litho", "etch")
    assert visited_groups(model, model.processes["n3"]) == ("litho", "etch")
    film = 'processes.n3.layers.film={order=1, visits={clean=1}, source="made_up"}'
    model = made(sound, film)
    assert visited_groups(model, model.processes["n3"]) == ("litho", "etch", "clean")
    assert visited_groups(model, load_model(sound).processes["n3"]) == ()


def test_a_group_that_only_a_layer_visits_may_be_sampled_and_needs_a_fleet(sound: Path) -> None:
    film = 'processes.n2.layers.film={order=1, visits={clean=4}, source="made_up"}'
    fleet = "fabs.first.fleets.clean.imported={count=3}"
    sampled = made(sound, film, "processes.n2.sampling.clean=0.5", fleet)
    assert sampled.processes["n2"].sampling["clean"].value == 0.5
    with pytest.raises(
        ModelError, match=r"^sound.toml: fabs\.first\.fleets: no tools of a group that n2 vis"
    ):
        made(sound, film)


def test_a_changed_model_is_checked_again(sound: Path) -> None:
    model = made(sound)
    check_layers(model)
    broken = model.model_copy(update={"patterning": {}})
    with pytest.raises(ModelError, match=r"unknown patterning, got 'lele'; allowed: none"):
        check_layers(broken)


@pytest.mark.parametrize("value", ["-0.1", '{dist="uniform", low=0.5, high=1.1}'])
def test_a_sampling_share_lies_within_0_and_1(value: str, sound: Path) -> None:
    with pytest.raises(
        ModelError, match=r"^--set: processes\.n2\.sampling\.etch: out of range, got "
    ):
        made(sound, f"processes.n2.sampling.etch={value}")


def test_layers_have_their_own_units(sound: Path) -> None:
    declared = {p.path: p for p in parameters(made(sound))}
    assert declared["patterning.lele.exposures"].spec.unit == "pass/layer"
    assert declared["patterning.lele.visits.etch"].spec.unit == "pass/layer"
    assert declared["processes.n3.layers.gate.layers"].spec.unit == "layer"
    assert "processes.n3.layers.gate.order" not in declared  # a fixed number
