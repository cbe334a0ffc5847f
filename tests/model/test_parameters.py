"""The parameters of a model and their declarations."""

from pathlib import Path

import pytest

from tests.examples import thinned
from yieldsim.model import Quantity, Schedule, load_file, load_model, parameters
from yieldsim.model.schema.fields import Entity, spec_of
from yieldsim.outputs import ALL_OUTPUTS
from yieldsim.units import UNITS

NAMES = {variable.name for variable in ALL_OUTPUTS}


BASELINE_FILE = load_file("baseline")
SCENARIOS = ["baseline", *BASELINE_FILE.scenarios]


def test_shared_quantities_come_first_and_position_and_scale_follow_their_series(
    sound: Path,
) -> None:
    paths = [p.path for p in parameters(load_model(sound))]
    assert paths[:3] == ["shared.level", "shared.delay", "wafer.diameter_mm"]
    at = paths.index("memory.stockpile.deliveries")
    assert paths[at + 1] == "memory.stockpile.deliveries.scale"
    at = paths.index("fabs.first.plan.n2")
    assert paths[at + 1] == "fabs.first.plan.n2.position"
    assert "processes.n2.learning.tau_quarters" in paths
    assert "products.chip.performance.cut.bandwidth_tb_per_s" in paths
    assert "events.fire.d0_ratio" in paths
    assert len(paths) == len(set(paths))


def test_every_parameter_of_the_file_is_found(sound: Path) -> None:
    """Counted a second way, from the quantities and series of the dumped model."""

    def count(item: object) -> int:
        if not isinstance(item, dict):
            return 0
        own = {"value", "dist", "ref"} <= set(item) or {"quarters", "interpolate"} <= set(item)
        return own + sum(count(entry) for entry in item.values())

    model = load_model(sound)
    assert len(parameters(model)) == count(model.model_dump())


def test_a_position_moves_its_series_as_declared(sound: Path) -> None:
    def effect(low: str, high: str) -> tuple[str, int]:
        series = f'{{quarters=["2025Q1","2026Q1"],low={low},high={high},position=0.5}}'
        model = load_model(sound, changes=[f"fabs.second.plan.n2={series}"])
        declared = {p.path: p for p in parameters(model)}
        return declared["fabs.second.plan.n2.position"].spec.effect

    assert effect("[1, 2]", "[1, 3]") == ("wafer_plan", 1)
    assert effect("[1, 3]", "[1, 2]") == ("wafer_plan", -1)
    assert effect("[1, 3]", "[2, 2]") == ("wafer_plan", 0)


def test_the_weight_of_other_designs_moves_other_wafers(sound: Path) -> None:
    effects = {p.path: p.spec.effect for p in parameters(load_model(sound))}
    assert effects["fabs.first.allocation.n2.other"] == ("wafers_other", 1)
    assert effects["fabs.first.allocation.n2.phone"] == ("gross_dies", 1)


@pytest.mark.parametrize("scenario", thinned(SCENARIOS, 4))
def test_the_baseline_gives_sources_and_stays_in_range(scenario: str) -> None:
    model = BASELINE_FILE.model(scenario)
    declared = parameters(model)
    assert len(declared) > 500
    for p in declared:
        assert p.item.source in model.sources, p.path
        assert p.item.grade in ("measured", "reported", "estimated", "assumed"), p.path
        unit = p.item.unit if p.spec.unit else p.item.unit or "1"
        assert unit in UNITS, p.path
        assert p.doc, p.path
        assert p.spec.effect[0] in NAMES, p.path
        if isinstance(p.item, Quantity) and p.item.ref is None:
            low, high = p.item.support()
            assert p.spec.minimum <= low <= high <= p.spec.maximum, p.path
        if isinstance(p.item, Schedule):
            low, high = (point * p.item.factor for point in p.item.extremes())
            assert p.spec.minimum <= low <= high <= p.spec.maximum, p.path


@pytest.mark.parametrize("kind", Entity.__subclasses__())
def test_every_declaration_names_an_output_and_a_unit(kind: type[Entity]) -> None:
    """Also the tables that no model of the tests uses."""
    for name, field in kind.model_fields.items():
        spec = spec_of(kind, name)
        if spec is None:
            continue
        assert spec.effect[0] in NAMES, name
        assert not spec.unit or spec.unit in UNITS, name
        assert field.description, name
        assert spec.minimum < spec.maximum, name
        assert spec.neutral is None or spec.minimum <= spec.neutral <= spec.maximum, name


def test_the_tables_are_all_there() -> None:
    declared = [n for k in Entity.__subclasses__() for n in k.model_fields if spec_of(k, n)]
    assert len(declared) > 60
