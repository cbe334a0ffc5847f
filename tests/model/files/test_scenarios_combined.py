"""``a+b`` applies a, then b; contradictions are refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from yieldsim.errors import UsageError
from yieldsim.model import ModelFile, load_file
from yieldsim.supply.simulate import Simulator

STOP = {"kind": "deliveries_stop", "start": "2025Q3"}
LATER = {"quarters": ["2024Q4", "2026Q1"], "values": [1, 2]}
POWER = {"kind": "power", "start_ratio": 2, "reference_wafers": 1000, "exponent": 0.3}
SLOW = {"kind": "exponential", "start": "2024Q1", "start_ratio": 2, "tau_quarters": 9}
# pairs of contradictory changes, and the parameter that the message names
CONTRADICTIONS = [
    ({"shared.level": {"value": 0}}, {"shared.level": {"value": 1}}, "shared.level"),
    # a whole series and a part of it
    (
        {"memory.stockpile.deliveries": LATER},
        {"memory.stockpile.deliveries.scale": 2},
        ".deliveries",
    ),
    # different new events of one name
    ({"events.stop": STOP}, {"events.stop": {**STOP, "groups": ["etch"]}}, "events.stop"),
    # learning of another kind and a number of the present kind
    ({"processes.n2.learning": POWER}, {"processes.n2.learning": SLOW}, "processes.n2.learning"),
    ({"processes.n2.learning": POWER}, {"processes.n2.learning.start_ratio": 3}, ".n2.learning"),
    ({"events.fire.fabs": ["first"]}, {"events.fire.fabs": ["second"]}, "events.fire.fabs"),
]


def tables(changes: dict[str, Any]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for path, item in changes.items():
        *steps, last = path.split(".")
        node = nested
        for step in steps:
            node = node.setdefault(step, {})
        node[last] = item
    return nested


def with_scenarios(sound: Path, **scenarios: dict[str, Any]) -> ModelFile:
    file = load_file(sound)
    entries = {
        name: {"title": f"Title of {name}", "source": "made_up", "changes": tables(changes)}
        for name, changes in scenarios.items()
    }
    return ModelFile(file.place, file.raw, entries)


def changed_scenarios(sound: Path) -> ModelFile:
    return with_scenarios(
        sound,
        a={"dies.phone.width_mm": {"value": 12}, "events.stop": STOP},
        b={
            "dies.phone.height_mm": {"value": 11},
            "memory.stockpile.deliveries.scale": 2,
            "events.stop": STOP,
        },
    )


def test_a_combination_has_the_changes_of_its_parts(sound: Path) -> None:
    file = changed_scenarios(sound)
    a, b, both = (file.model(name) for name in ("a", "b", "a+b"))
    assert both.dies["phone"].width_mm == a.dies["phone"].width_mm
    assert both.dies["phone"].height_mm == b.dies["phone"].height_mm
    assert both.memory == b.memory
    assert both.events == a.events == b.events
    assert both.processes == file.model().processes
    assert both == file.model("b+a")


def test_each_part_gives_its_own_source(sound: Path) -> None:
    file = changed_scenarios(sound)
    file.scenarios["a"]["grade"] = "reported"
    file.scenarios["b"]["grade"] = "estimated"
    phone = file.model("a+b").dies["phone"]
    assert (phone.width_mm.grade, phone.height_mm.grade) == ("reported", "estimated")


@pytest.mark.parametrize(("first", "second", "path"), CONTRADICTIONS)
def test_contradictions_are_refused_and_named(
    first: dict[str, Any], second: dict[str, Any], path: str, sound: Path
) -> None:
    file = with_scenarios(sound, a=first, b=second, c={"dies.phone.width_mm": 12})
    for name, pair in {"a+b": "a+b", "b+a": "b+a", "a+c+b": "a+b"}.items():
        with pytest.raises(UsageError) as caught:
            file.model(name)
        message = str(caught.value)
        assert message.startswith("scenario: both set ")
        assert message.endswith(f"{path}, differently, got '{pair}'; allowed: one of them")


@pytest.mark.parametrize("changes", [first for first, _, _ in CONTRADICTIONS])
def test_equal_changes_of_two_parts_are_not_a_contradiction(
    changes: dict[str, Any], sound: Path
) -> None:
    file = with_scenarios(sound, a=changes, b=changes)
    assert file.model("a+b") == file.model("a")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("a+x", "unknown part of a+x, got 'x'; allowed: a, b"),
        ("+a", "has an empty part, got '+a'; allowed: names joined by +"),
        ("", "unknown scenario, got ''; allowed: baseline, a, b"),
        ("a + b", "unknown part of a + b, got 'a '; allowed: a, b"),
        (
            "a+baseline",
            "cannot be combined with the model without changes, got 'a+baseline'; allowed: a",
        ),
    ],
)
def test_a_malformed_combination_is_refused_in_one_line(
    name: str, message: str, sound: Path
) -> None:
    with pytest.raises(UsageError) as caught:
        changed_scenarios(sound).model(name)
    assert str(caught.value) == f"scenario: {message}"


def test_a_correlation_ends_in_either_order(sound: Path) -> None:
    ties = {"between": ["processes.n2.alpha", "shared.level"], "rank": 0.5}
    file = with_scenarios(
        sound, a={"correlations.new": ties}, b={"processes.n2.alpha": {"value": 2}}
    )
    assert set(file.model("a").correlations) == {"defects", "new"}
    assert file.model("a+b").correlations == file.model("b+a").correlations == {}


def test_a_combination_has_the_titles_of_its_parts_and_its_own_digest(sound: Path) -> None:
    file = changed_scenarios(sound)
    assert file.title("a+b") == "Title of a; Title of b"
    assert (file.title("a"), file.title("baseline")) == ("Title of a", "baseline")
    assert len({file.digest([name]) for name in ("baseline", "a", "b", "a+b", "b+a")}) == 5
    # a change of a part changes the digest of the combination
    before = file.digest(["a+b"])
    file.scenarios["b"]["changes"]["dies"]["phone"]["height_mm"]["value"] = 12
    assert file.digest(["a+b"]) != before


def test_a_combination_beside_others_changes_no_draw(sound: Path) -> None:
    file = changed_scenarios(sound)
    names = ["baseline", "a", "a+b"]
    made = Simulator(file, names, 3)
    together = made.block(0, 4)
    for place, name in enumerate(names):
        alone = Simulator(file, [name], 3).block(0, 4)
        for variable in made.outputs:
            np.testing.assert_array_equal(alone[variable.name][0], together[variable.name][place])
    # only the draw of the parameter that b sets differs
    paths = [p.path for p in Simulator(file, names, 3).parameters]
    values = together["parameter_value"]
    moved = {path for k, path in enumerate(paths) if (values[2, :, k] != values[0, :, k]).any()}
    assert moved == {"memory.stockpile.deliveries.scale"}
