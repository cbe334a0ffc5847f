"""Scenarios hold only changes and keep the coordinates of the results."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from yieldsim.errors import ModelError, UsageError
from yieldsim.model import BASELINE, ModelFile, load_file
from yieldsim.supply.simulate import Simulator


def with_scenario(sound: Path, changes: dict[str, Any], **keys: Any) -> ModelFile:
    file = load_file(sound)
    return ModelFile(file.place, file.raw, {"other": {"changes": changes, **keys}})


def test_a_scenario_changes_only_what_it_names(sound: Path) -> None:
    file = with_scenario(sound, {"dies": {"phone": {"width_mm": {"value": 12}}}}, source="made_up")
    base, other = file.model(), file.model("other")
    assert other.dies["phone"].width_mm.value == 12.0
    dumped, changed = base.model_dump(), other.model_dump()
    assert dumped != changed
    dumped["dies"]["phone"].pop("width_mm")
    changed["dies"]["phone"].pop("width_mm")
    assert dumped == changed


def test_a_change_has_the_source_of_its_scenario(sound: Path) -> None:
    file = with_scenario(
        sound,
        {"wafer": {"edge_exclusion_mm": 4}, "shared": {"level": {"value": 1}}},
        source="made_up",
        grade="reported",
    )
    model = file.model("other")
    assert model.wafer.edge_exclusion_mm.grade == "reported"
    assert model.shared["level"].grade == "reported"
    assert model.wafer.scribe_mm.grade == "assumed"


def test_a_scenario_may_add_events_and_sources(sound: Path) -> None:
    event = {"kind": "deliveries_stop", "start": "2025Q3", "source": "act"}
    file = with_scenario(sound, {"events": {"stop": event}, "sources": {"act": {"title": "t"}}})
    model = file.model("other")
    assert list(model.events) == ["fire", "stop"]
    assert list(model.sources) == ["made_up", "act"]


def test_a_scenario_may_run_another_process_and_serve_in_another_order(sound: Path) -> None:
    second = {"plan": {"n3": {"value": 500}}, "allocation": {"n3": {"other": {"value": 1}}}}
    changes = {"fabs": {"second": second}, "products": {"chip": {"tier": 2}}}
    file = with_scenario(sound, changes, source="made_up")
    assert list(file.model("other").fabs["second"].plan) == ["n2", "n3"]
    # the same figures alone and beside the baseline, which has other routes and tiers
    alone, both = (Simulator(file, names, 3) for names in (["other"], ["baseline", "other"]))
    assert alone.coords["product"] == both.coords["product"]
    own, beside = alone.block(0, 3), both.block(0, 3)
    for variable in both.outputs:
        np.testing.assert_array_equal(own[variable.name][0], beside[variable.name][1])
    assert own["wafer_plan"][0].sum() > beside["wafer_plan"][0].sum()


def test_a_scenario_that_fixes_a_number_ends_its_correlations(sound: Path) -> None:
    file = with_scenario(sound, {"processes": {"n2": {"alpha": {"value": 2}}}}, source="made_up")
    assert file.model("other").correlations == {}
    assert list(file.model().correlations) == ["defects"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fabs": {"third": {}}}, "fabs: unknown fab, got 'third'; allowed: first, second"),
        ({"tool_groups": {"euv": {}}}, "tool_groups: unknown tool group, got 'euv'; allowed: "),
        ({"processes": {"n5": {}}}, "processes: unknown process, got 'n5'; allowed: n2, n3"),
        ({"memory": {"hbm": {}}}, "memory: unknown memory pool, got 'hbm'; allowed: stockpile, "),
        ({"packaging": {"p": {}}}, "packaging: unknown packaging line, got 'p'; allowed: line"),
        ({"products": {"p": {}}}, "products: unknown product, got 'p'; allowed: chip, handset"),
        ({"dies": {"d": {}}}, "dies: unknown die, got 'd'; allowed: accelerator, phone"),
        (
            {"dies": {"phone": {"bins": {"best": {}}}}},
            "dies.phone.bins: unknown bin, got 'best'; allowed: good",
        ),
        ({"simulation": {"end": "2026Q1"}}, "simulation: must be the same in all scenarios"),
    ],
)
def test_all_scenarios_have_the_same_coordinates(
    changes: dict[str, Any], message: str, sound: Path
) -> None:
    file = with_scenario(sound, changes)
    with pytest.raises(ModelError) as caught:
        file.model("other")
    assert str(caught.value).startswith(f"scenarios.other.changes.{message}")


def test_an_unknown_scenario_is_refused_with_the_known_ones(sound: Path) -> None:
    with pytest.raises(UsageError, match=r"^scenario: unknown scenario, got 'x'; allowed: base"):
        load_file(sound).model("x")


@pytest.mark.parametrize("name", [BASELINE, "service_lost"])
def test_settings_hold_in_every_scenario(name: str, sound: Path) -> None:
    model = load_file(sound).with_changes(["processes.n3.alpha=2.5"]).model(name)
    assert model.processes["n3"].alpha.value == 2.5
