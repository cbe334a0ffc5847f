"""Imports inside `model` go one way: schema, lookups in it, files and checks, load."""

from tests.layout_rules import imports
from tests.test_layout import PACKAGE

FLOORS = (
    {"schema", "limits", "scenario_names"},
    {"parameters", "references", "recipes", "correlations"},
    {"files", "checks"},
    {"load"},
    {"__init__"},
)
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}


def test_imports_go_one_way() -> None:
    model, wrong = PACKAGE / "model", []
    for path in sorted(model.rglob("*.py")):
        room = path.relative_to(model).parts[0].removesuffix(".py")
        for line, name in imports(path, PACKAGE):
            parts = name.split(".")
            if parts[:2] != ["yieldsim", "model"] or parts[2] == room:
                continue
            if FLOOR[parts[2]] >= FLOOR[room]:
                wrong.append(f"{path.relative_to(model)}:{line}: {room} imports {parts[2]}")
    assert wrong == []


def test_checks_are_used_by_load_alone() -> None:
    users = [
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if "checks" not in path.parts
        and any(name.startswith("yieldsim.model.checks") for _, name in imports(path, PACKAGE))
    ]
    assert users == ["model/load.py"]
