"""models/README.md explains every file, and every example of its how-to is a sound model."""

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.paths import ROOT
from yieldsim.analysis.evidence.file import SHIPPED_EVIDENCE, read_published
from yieldsim.cli.main import main
from yieldsim.model import load_file, load_model
from yieldsim.model.files.toml import SHIPPED
from yieldsim.model.references import memory_pools

README = ROOT / "models" / "README.md"
TEXT = README.read_text(encoding="utf-8")
HOW_TO = TEXT.split("## How to change or add something", 1)[1].split("\n## ", 1)[0]
BLOCK = re.compile(r"^```(toml|csv)\n# (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
EXAMPLES = {name: body for _, name, body in BLOCK.findall(HOW_TO)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The examples, written side by side as a reader would."""
    for name, body in EXAMPLES.items():
        (tmp_path / name).write_text(body, encoding="utf-8")
    return tmp_path


def checked(model: Path, capsys: pytest.CaptureFixture[str], *scenarios: str) -> dict:
    """What ``yieldsim check`` says of a model in some scenarios, all if none is named."""
    chosen = [word for name in scenarios for word in ("--scenario", name)]
    code = main(["check", str(model), *chosen, "--json"])
    out, err = capsys.readouterr()
    assert code == 0, err
    return json.loads(out)


def shown(model: Path, prefix: str, capsys: pytest.CaptureFixture[str], *more: str) -> dict:
    assert main(["show", str(model), prefix, *more, "--json"]) == 0
    return {record["path"]: record for record in json.loads(capsys.readouterr().out)}


def test_every_kind_of_addition_has_an_example() -> None:
    assert set(EXAMPLES) == {
        "my_product.toml",
        "my_line.toml",
        "my_plan.csv",
        "my_memory.toml",
        "my_world.toml",
        "my_scenario.toml",
        "my_order.toml",
        "events.toml",
    }


def test_a_product_is_added(folder: Path, capsys) -> None:
    base = load_model("baseline")
    found = checked(folder / "my_product.toml", capsys, "baseline")
    assert (found["products"], found["dies"]) == (len(base.products) + 1, len(base.dies) + 1)
    records = shown(folder / "my_product.toml", "products.accel_card", capsys)
    assert records["products.accel_card.performance.cut.tflops_fp16"]["value"] == 280
    assert records["products.accel_card.lag_days"]["ref"] == "shared.ai_package_lag_days"


def test_a_line_is_added_with_its_plan_from_csv(folder: Path, capsys) -> None:
    found = checked(folder / "my_line.toml", capsys, "baseline")
    assert found["fabs"] == len(load_model("baseline").fabs) + 1
    plan = shown(folder / "my_line.toml", "fabs.new_line.plan", capsys)["fabs.new_line.plan.n2"]
    assert plan["value"]["values"] == [0, 5000]
    assert plan["source"]["key"] == "assumption"


def test_a_rival_world_multiplies_the_plans_of_a_line(folder: Path, capsys) -> None:
    checked(folder / "my_world.toml", capsys, "baseline")
    model, base = load_model(str(folder / "my_world.toml")), load_model("baseline")
    for process, plan in model.fabs["smic_other"].plan.items():
        assert set(plan.factors) - set(base.fabs["smic_other"].plan[process].factors) == {
            "small_lines"
        }
        assert plan.low == base.fabs["smic_other"].plan[process].low
    assert model.factors["small_lines"].high == (1.0, 0.2)


def test_a_maker_of_memory_is_added_for_all_that_use_its_generation(folder: Path, capsys) -> None:
    checked(folder / "my_memory.toml", capsys, "baseline")
    model = load_model(str(folder / "my_memory.toml"))
    (users, before) = (
        {name for name, product in some.products.items() if "HBM3" in product.memory}
        for some in (model, load_model("baseline"))
    )
    assert users == before
    for name in users:
        assert "new_hbm3" in memory_pools(model, model.products[name])


def test_a_scenario_is_added_beside_those_of_the_baseline(folder: Path, capsys) -> None:
    model = folder / "my_scenario.toml"
    assert {*load_file("baseline").scenarios, "bad_year", "other_line"} == set(
        load_file(model).scenarios
    )
    checked(model, capsys, "bad_year")
    path = "events.fire.capacity_ratio"
    assert shown(model, path, capsys, "--scenario", "bad_year")[path]["value"] == 0.5
    path = "dram_lines.cxmt.wafers.scale"
    changed = shown(model, path, capsys, "--scenario", "bad_year")
    assert changed[path]["distribution"]["median"] == 0.6


def test_a_scenario_adds_a_line_shifts_another_and_shares_its_ai_wafers(
    folder: Path, capsys
) -> None:
    model = folder / "my_scenario.toml"
    fabs = len(load_model("baseline").fabs)
    assert checked(model, capsys, "baseline")["fabs"] == fabs
    assert checked(model, capsys, "other_line")["fabs"] == fabs + 1
    changed = load_model(model, "other_line").fabs
    assert changed["smic_sn2"].plan["n2"].shift_quarters == 4
    share = changed["smic_sn1"].allocation["n2"]["ascend_910"]
    assert (share.share_of, share.values[0] * share.factor) == ("ai", 0.4)


def test_an_order_is_added(folder: Path, capsys) -> None:
    checked(folder / "my_order.toml", capsys, "baseline")
    records = shown(folder / "my_order.toml", "orders.campus", capsys)
    assert records["orders.campus.chips_per_pod"]["value"] == 384
    assert records["orders.campus.pods"]["distribution"]["mode"] == 200


def test_a_part_is_replaced_in_a_copy(folder: Path, capsys) -> None:
    mine = folder / "mine"
    shutil.copytree(SHIPPED, mine)
    assert "events.smic_accident_2025.d0_ratio" in shown(mine / "baseline.toml", "events", capsys)
    shutil.copy(folder / "events.toml", mine / "events.toml")
    checked(mine / "baseline.toml", capsys, "baseline")
    records = shown(mine / "baseline.toml", "events", capsys)
    assert {path for path, record in records.items() if record["source"]} == {
        "events.grid_failure.capacity_ratio",
        "events.grid_failure.d0_ratio",
    }


def test_parts_that_repeat_or_are_missing_are_refused_by_name(folder: Path, capsys) -> None:
    mine = folder / "mine"
    shutil.copytree(SHIPPED, mine)
    (mine / "packaging.toml").write_text((mine / "memory.toml").read_text(encoding="utf-8"))
    for message in ("memory.toml and packaging.toml", "got 'packaging.toml'"):
        assert main(["check", str(mine / "baseline.toml")]) == 1
        err = capsys.readouterr().err
        assert err.count("\n") == 1
        assert message in err
        (mine / "packaging.toml").unlink(missing_ok=True)


def test_every_file_of_the_folder_is_explained() -> None:
    table = TEXT.split("| file | what it holds |", 1)[1].split("\n\n", 1)[0]
    named = set(re.findall(r"`([\w/.]+)`", table))
    there = {path.name for path in (ROOT / "models").glob("*.*")} - {"README.md"}
    assert there <= named
    assert {name for name in named if "." in name} <= there


def test_the_section_on_evidence_names_every_figure_that_is_compared() -> None:
    section = TEXT.split("## Against what was published for 2024 and 2025", 1)[1]
    section = section.split("\n## ", 1)[0]
    compared = {row.entity for row in read_published(SHIPPED_EVIDENCE) if row.variable}
    assert len(compared) >= 9
    assert {name for name in compared if name not in section} == set()
