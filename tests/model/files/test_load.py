"""Model files: parts, tables, `extends`, settings, and the text in the store."""

import json
import os
import shutil
from pathlib import Path

import pytest

from yieldsim.errors import ModelError, StoreError, UsageError
from yieldsim.model import ModelFile, load_file, load_model, parameters
from yieldsim.model.files.merge import join, merge
from yieldsim.model.schema.fabs import PowerLearning


def write(folder: Path, **files: str) -> Path:
    """Files of the given names (``main_toml`` is main.toml); returns the path of main.toml."""
    for name, text in files.items():
        (folder / name.replace("_toml", ".toml").replace("_csv", ".csv")).write_text(text)
    return folder / "main.toml"


def extending(base: Path, text: str) -> str:
    return f"extends = {json.dumps(base.name)}\n{text}"


@pytest.fixture
def sound(sound: Path, tmp_path: Path) -> Path:
    """The sound model in the folder of the models that extend it, as a model must lie."""
    return shutil.copy(sound, tmp_path / "sound.toml")


def test_a_model_extends_another_and_replaces_parameters_whole(sound: Path, tmp_path: Path) -> None:
    text = 'name = "wider"\n[dies.phone]\nwidth_mm = 12\n[processes.n2]\nalpha = 3\n'
    base = load_model(sound)
    made = load_model(write(tmp_path, main_toml=extending(sound, text)))
    assert made.name == "wider"
    assert made.title == base.title
    assert made.dies["phone"].width_mm.value == 12.0
    assert made.dies["phone"].height_mm == base.dies["phone"].height_mm
    # the old distribution is gone, not mixed with the new number
    assert made.processes["n2"].alpha.describe() == "3"
    assert list(made.fabs) == list(base.fabs)


def test_a_table_of_keys_changes_only_those(sound: Path, tmp_path: Path) -> None:
    text = "[memory.stockpile.deliveries]\nscale = 2\n"
    made = load_model(write(tmp_path, main_toml=extending(sound, text)))
    deliveries = made.memory["stockpile"].deliveries
    assert deliveries is not None
    assert deliveries.scale is not None
    assert deliveries.values == (900000.0, 100000.0)
    assert deliveries.scale.value == 2.0


def test_scenarios_are_inherited_and_added(sound: Path, tmp_path: Path) -> None:
    text = '[scenarios.cut]\nsource = "made_up"\nchanges.memory.stockpile.deliveries.scale = 0\n'
    file = load_file(write(tmp_path, main_toml=extending(sound, text)))
    assert list(file.scenarios) == ["service_lost", "cut"]


def test_parts_make_one_model(sound: Path, tmp_path: Path) -> None:
    die = '[dies.watch]\nprocess = "n2"\nheight_mm = 5\n'
    main = extending(sound, 'include = ["die.toml", "more.toml"]\n')
    more = 'include = ["width.toml"]\n'
    width = "[dies.watch]\nwidth_mm = 4\n"
    model = load_model(
        write(tmp_path, main_toml=main, die_toml=die, more_toml=more, width_toml=width)
    )
    assert list(model.dies) == ["accelerator", "phone", "watch"]
    assert model.dies["watch"].width_mm.value == 4.0


def test_rows_become_parameters(sound: Path, tmp_path: Path) -> None:
    table = '[[table]]\nfile = "t.csv"\ninto = "processes.{process}.visits.{group}"\n'
    rows = (
        "\ufeffprocess,group,value,dist,low,mode,high,unit,source,note\r\n"
        "n2,litho,,pert,30,40,50,,made_up,a word\r\n"
        "n3,etch,9,,,,,pass/wafer,,2026\r\n"
    )
    model = load_model(write(tmp_path, main_toml=extending(sound, table), t_csv=rows))
    litho = model.processes["n2"].visits["litho"]
    assert litho.describe() == "pert(low 30, mode 40, high 50)"
    assert (litho.source, litho.grade, litho.note) == ("made_up", "assumed", "a word")
    etch = model.processes["n3"].visits["etch"]
    assert (etch.value, etch.unit, etch.note) == (9.0, "pass/wafer", "2026")


def test_rows_of_a_place_become_points(sound: Path, tmp_path: Path) -> None:
    table = '[[table]]\nfile = "t.csv"\ninto = "fabs.{fab}.plan.{process}"\n'
    rows = (
        "fab,process,quarter,low,high,position_ref,scale_ref,before,grade\n"
        "second,n2,2025Q1,100,200,level,,zero,reported\n"
        "second,n2,2026Q1,300,500,,,,\n"
    )
    plan = load_model(write(tmp_path, main_toml=extending(sound, table), t_csv=rows)).fabs["second"]
    made = plan.plan["n2"]
    assert made.describe() == "low(2025Q1 100 2026Q1 300) high(2025Q1 200 2026Q1 500)"
    assert made.position is not None
    assert (made.position.ref, made.scale, made.before) == ("level", None, "zero")
    assert (made.grade, made.position.grade) == ("reported", "reported")


def test_numbers_take_the_source_and_grade_of_their_table(sound: Path) -> None:
    model = load_model(
        sound, changes=['dies.phone.source="made_up"', 'dies.phone.grade="reported"']
    )
    assert model.dies["phone"].width_mm.grade == "reported"
    assert model.dies["accelerator"].width_mm.grade == "assumed"


def test_a_setting_keeps_the_unit_that_it_replaces(sound: Path) -> None:
    model = load_model(sound, changes=["wafer.edge_exclusion_mm=0.5", "shared.delay=3"])
    edge = model.wafer.edge_exclusion_mm
    assert (edge.value, edge.unit, edge.support()) == (0.5, "cm", (5.0, 5.0))
    assert (edge.source, edge.grade) == ("setting", "assumed")
    assert (model.shared["delay"].value, model.shared["delay"].unit) == (3.0, "quarter")
    assert "setting" in model.sources


def test_settings_may_be_numbers_tables_and_texts(sound: Path) -> None:
    changes = [
        "simulation.steps_per_quarter = 3",
        "products.chip.start=2025Q3",
        'processes.n3.alpha={ dist = "uniform", low = 1, high = 2 }',
        "simulation.process_noise=false",
        "products.chip.start=2025Q4",
    ]
    model = load_model(sound, changes=changes)
    assert model.simulation.steps_per_quarter == 3
    assert not model.simulation.process_noise
    assert model.products["chip"].start == "2025Q4"  # the last one holds
    assert model.processes["n3"].alpha.describe() == "uniform(low 1, high 2)"


@pytest.mark.parametrize("text", ["alpha", "=3", "a..b=3", ".a=3", "a=1\nb=2", ""])
def test_other_texts_are_not_settings(text: str, sound: Path) -> None:
    with pytest.raises(UsageError, match=r"--set: must be (one )?path=value, got "):
        load_file(sound).with_changes([text])


def test_names_and_settings_that_are_no_text_reach_no_store(sound: Path) -> None:
    latin = os.fsdecode(b"Gr\xf6\xdfe")
    try:
        file = load_file(sound.rename(sound.with_name(f"{latin}.toml")))
    except OSError:
        pytest.skip("file names are texts here")
    assert file.place == "Gr??e"
    with pytest.raises(UsageError, match="--set: is not text in UTF-8, got "):
        file.with_changes([f"title={latin}"])


def test_a_setting_of_an_unknown_key_is_refused(sound: Path) -> None:
    with pytest.raises(ModelError, match=r"^--set: dies\.phone: unknown key, got 'depth_mm'; "):
        load_model(sound, changes=["dies.phone.depth_mm=3"])


def test_a_fixed_number_loses_its_correlations(sound: Path) -> None:
    file = load_file(sound)
    assert "defects" in file.model().correlations
    assert file.with_changes(["processes.n2.alpha=2"]).model().correlations == {}
    assert file.with_changes(['processes.n2.alpha={ref="level"}']).raw["correlations"] == {}
    wider = file.with_changes(['processes.n2.alpha={dist="uniform",low=1,high=2}'])
    assert "defects" in wider.model().correlations


def test_a_replaced_series_loses_the_correlations_of_its_scale(sound: Path) -> None:
    path = "memory.stockpile.deliveries"
    pair = f'correlations.more={{between=["{path}.scale","shared.delay"],rank=0.3}}'
    file = load_file(sound).with_changes([pair])
    assert list(file.model().correlations) == ["defects", "more"]
    assert list(file.with_changes([f"{path}=1000"]).model().correlations) == ["defects"]
    assert list(file.with_changes([f"{path}.scale=1"]).model().correlations) == ["defects"]


@pytest.mark.parametrize("name", ["baseline", "sound"])
def test_the_text_in_the_store_is_the_same_file(name: str, sound: Path) -> None:
    file = load_file(sound if name == "sound" else name)
    again = ModelFile.from_json(file.to_json())
    assert again == file
    # equal texts have their tables in one order: that of the coordinates and of a die's bins
    assert again.to_json() == file.to_json()
    scenarios = list(file.scenarios)
    assert again.digest(scenarios) == file.digest(scenarios)
    for scenario in ["baseline", scenarios[0]]:
        first, second = file.model(scenario), again.model(scenario)
        assert second.model_dump_json() == first.model_dump_json()
        assert [p.path for p in parameters(second)] == [p.path for p in parameters(first)]


def test_the_digest_tells_models_and_scenarios_apart(sound: Path) -> None:
    file = load_file(sound)
    digests = {
        file.digest(),
        file.digest(["service_lost"]),
        file.with_changes(["processes.n3.alpha=2.5"]).digest(),
        file.with_changes(["processes.n3.alpha=2.5"]).digest(["service_lost"]),
    }
    assert len(digests) == 4
    assert load_file(sound).digest() == file.digest()
    # a scenario that does not run along has no part in the identity of the run
    other = ModelFile(file.place, file.raw, {**file.scenarios, "late": {"changes": {}}})
    assert other.digest(["service_lost"]) == file.digest(["service_lost"])


def test_a_store_with_a_model_of_another_version_is_named(sound: Path) -> None:
    file = load_file(sound)
    old = {**file.raw, "of_an_older_version": 1}
    text = ModelFile(file.place, old, file.scenarios).to_json()
    held = ModelFile.from_json(text, ("old.zarr", "0.0.9"))
    with pytest.raises(StoreError) as error:
        held.with_changes(["processes.n3.alpha=2.5"]).model()
    message = str(error.value)
    assert message.startswith("old.zarr: was made by another version of yieldsim (0.0.9), whose")
    assert "'of_an_older_version'" in message


def test_parts_are_joined_and_stay_as_they_are() -> None:
    parts = [("a", {"dies": {"x": {"value": 1}}}), ("b", {"dies": {"y": 2}})]
    assert join(parts) == {"dies": {"x": {"value": 1}, "y": 2}}
    parts[0][1]["dies"]["x"]["value"] = 9  # what was joined is a copy
    with pytest.raises(ModelError, match=r"^dies.x: defined twice, got a and c; allowed"):
        join([*parts, ("c", {"dies": {"x": {"value": 3}}})])


def test_merging_leaves_both_sides_alone() -> None:
    base = {"a": {"x": {"value": 1, "note": "n"}, "y": 2}}
    changes = {"a": {"x": {"value": 3}}}
    assert merge(base, changes) == {"a": {"x": {"value": 3}, "y": 2}}
    assert base == {"a": {"x": {"value": 1, "note": "n"}, "y": 2}}
    assert changes == {"a": {"x": {"value": 3}}}


def test_learning_of_another_kind_is_replaced_whole(sound: Path) -> None:
    power = 'processes.n2.learning={kind="power",start_ratio=2,reference_wafers=900,exponent=1}'
    changes = [power, "processes.n3.learning.exponent=0.7"]
    made = load_model(sound, changes=changes).processes
    assert isinstance(made["n2"].learning, PowerLearning)
    # of the same kind, only what is named changes
    assert isinstance(made["n3"].learning, PowerLearning)
    assert made["n3"].learning.exponent.value == 0.7
    assert made["n3"].learning.reference_wafers.value == 5000.0


def test_a_file_that_fixes_a_number_ends_its_correlations(tmp_path: Path) -> None:
    """As with --set."""
    mine = tmp_path / "mine.toml"
    mine.write_text(
        'extends = "baseline"\n[processes.n2]\n'
        'd0_mature_per_cm2 = { value = 0.2, source = "assumption", grade = "assumed" }\n'
    )
    model = load_file(mine).model()
    assert model.processes["n2"].d0_mature_per_cm2.value == 0.2
    assert len(model.correlations) == len(load_file("baseline").model().correlations) - 1
    assert model.name == "mine"  # the file's name, if it states none


def test_equal_tables_are_validated_once(sound: Path) -> None:
    file = load_file(sound)
    model = file.model()
    assert load_file(sound).model() is model
    # a store holds the text of the file
    assert ModelFile.from_json(file.to_json()).model() is model
    # the type and the order of what is written count as well
    simulation = file.raw["simulation"]
    others = [{**simulation, "seed_note": 1}, {**simulation, "process_noise": "false"}]
    for other in others:
        with pytest.raises(ModelError):
            ModelFile("x", {**file.raw, "simulation": other}, {}).model()
    dies = dict(reversed(file.raw["dies"].items()))
    turned = ModelFile("x", {**file.raw, "dies": dies}, {}).model()
    assert list(turned.dies) == list(reversed(model.dies))
