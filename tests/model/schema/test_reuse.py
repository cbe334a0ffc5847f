"""Scenarios of a model share the entities of the tables that none of them changes."""

from yieldsim.model import load_file
from yieldsim.model.schema.chips import Bin, Wafer
from yieldsim.model.schema.fields import SHARED


def test_only_what_a_scenario_changes_is_made_anew() -> None:
    file = load_file("baseline")
    before, after = file.model(), file.model("memory_slow")
    assert after.fabs["smic_sn2"] is before.fabs["smic_sn2"]
    changed = [
        name for name in before.dram_lines if after.dram_lines[name] is not before.dram_lines[name]
    ]
    assert changed
    assert after.dram_lines != before.dram_lines


def wafer(diameter_mm: float, source: str) -> Wafer:
    sizes = {"diameter_mm": diameter_mm, "edge_exclusion_mm": 3, "scribe_mm": 0.1}
    return Wafer.model_validate({**sizes, "source": source, "grade": "assumed"}, context=SHARED)


def test_tables_that_differ_in_anything_are_different_entities() -> None:
    first = wafer(300, "a")
    assert wafer(300, "a") is first
    assert wafer(300, "b").scribe_mm.source == "b"
    assert first.scribe_mm.source == "a"
    assert wafer(200, "a").diameter_mm.value == 200


def test_a_constructor_makes_an_object_of_its_own() -> None:
    first, second = Bin(min_good_cores=3), Bin(min_good_cores=3)
    assert first == second
    assert first is not second
