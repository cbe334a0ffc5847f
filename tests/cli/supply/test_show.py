import json
import shutil
from pathlib import Path

import pytest

from tests.paths import ROOT
from yieldsim.cli.main import main
from yieldsim.model import load_model, parameters
from yieldsim.model.schema.fields import spec_of

ANALYST = str(ROOT / "benchmarks" / "analyst.toml")
KEYS = {"path", "title", "unit", "source", "grade", "note", "description", "default"}


def analyst_beside(path: Path) -> str:
    """The name of the analyst's model, copied into the folder of a model that extends it."""
    return shutil.copy(ANALYST, path.with_name("analyst.toml")).name


@pytest.fixture
def rich(tmp_path: Path) -> str:
    """The analyst's model with a reference, two rival series, a unit, a note and a long title."""
    path = tmp_path / "rich.toml"
    path.write_text(
        f"""extends = {json.dumps(analyst_beside(path))}
name = "rich"
[sources.press]
title = "中芯国际 capacity, a press report"
url = "https://example.org/report"
[shared.level]
dist = "discrete"
values = [0, 1]
weights = [1, 2]
source = "press"
grade = "reported"
[processes.n2.alpha]
value = 150
unit = "%"
source = "press"
grade = "measured"
note = "read off a chart"
[fabs.line.plan.n2]
source = "press"
grade = "estimated"
quarters = ["2025Q1", "2026Q1", "2027Q1", "2028Q1"]
low = [1000, 2000, 3000, 4000]
high = [2000, 4000, 6000, 8000]
position = {{ ref = "level" }}
[processes.n2]
title = "seven"
[memory.hbm]
note = "all stacks"
[scenarios.fewer]
title = "fewer stacks"
note = "half of them"
source = "press"
grade = "assumed"
changes.memory.hbm.deliveries.scale = 0.5
[scenarios.fewer.changes.events.cut]
kind = "accident"
start = "2026Q1"
end = "2026Q2"
capacity_ratio = 1
d0_ratio = 1.5
[scenarios.later]
source = "press"
changes.fabs.line.plan.n2 = {{ quarters = ["2025Q1", "2026Q1"], values = [1, 2] }}
""",
        encoding="utf-8",
    )
    return str(path)


def records(arguments: list[str], capsys) -> dict[str, dict]:
    assert main(["show", *arguments, "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    return {record["path"]: record for record in listed}


def declared(listed: dict[str, dict]) -> dict[str, dict]:
    """The records of parameters alone, without settings and defaults."""
    return {path: record for path, record in listed.items() if record["source"]}


def test_every_parameter_is_listed_with_its_source_and_grade(capsys) -> None:
    listed = declared(records([ANALYST], capsys))
    assert sorted(listed) == sorted(p.path for p in parameters(load_model(ANALYST)))
    for record in listed.values():
        assert set(record) - {"ref"} - KEYS in ({"value"}, {"distribution"})
        assert not record["default"]
        assert record["grade"] in ("measured", "reported", "estimated", "assumed")
        assert record["source"]["key"] == "benchmark"
        assert record["source"]["title"]
        assert record["unit"]


def test_values_and_distributions_are_those_of_the_file(rich: str, capsys) -> None:
    listed = records([rich], capsys)
    assert listed["products.accelerator.assembly_yield"]["distribution"] == {
        "dist": "beta",
        "a": 30.0,
        "b": 10.0,
    }
    alpha = listed["processes.n2.alpha"]
    assert (alpha["value"], alpha["unit"], alpha["note"]) == (150.0, "%", "read off a chart")
    plan = listed["fabs.line.plan.n2"]
    assert plan["unit"] == "wafer/month"
    assert plan["value"] == {
        "quarters": ["2025Q1", "2026Q1", "2027Q1", "2028Q1"],
        "low": [1000.0, 2000.0, 3000.0, 4000.0],
        "high": [2000.0, 4000.0, 6000.0, 8000.0],
        "interpolate": "linear",
        "before": "hold",
    }
    assert plan["source"] == {
        "key": "press",
        "title": "中芯国际 capacity, a press report",
        "url": "https://example.org/report",
    }
    assert listed["fabs.line.allocation.n2.ai"]["value"] == 1.0


def test_a_reference_shows_what_it_refers_to(rich: str, capsys) -> None:
    listed = records([rich], capsys)
    position = listed["fabs.line.plan.n2.position"]
    assert position["ref"] == "shared.level"
    assert position["distribution"] == listed["shared.level"]["distribution"]
    assert position["distribution"]["weights"] == [1.0, 2.0]


def test_a_scenario_and_a_setting_change_what_is_shown(rich: str, capsys) -> None:
    path = "memory.hbm.deliveries.scale"
    assert "distribution" in records([rich, path], capsys)[path]
    assert records([rich, path, "--scenario", "fewer"], capsys)[path]["value"] == 0.5
    (record,) = records([rich, path, "--set", f"{path}=2"], capsys).values()
    assert (record["value"], record["source"]["key"]) == (2.0, "setting")


def test_a_field_that_is_left_out_is_shown_with_what_the_simulation_takes(capsys) -> None:
    model = load_model(ANALYST)
    listed = records([ANALYST, "products.accelerator"], capsys)
    product = model.products["accelerator"]
    assert product.final_test_yield is None
    record = listed["products.accelerator.final_test_yield"]
    assert (record["value"], record["default"], record["grade"]) == (1.0, True, None)
    assert not listed["products.accelerator.assembly_yield"]["default"]
    left_out = {
        f"products.accelerator.{name}"
        for name in type(product).model_fields
        if spec_of(type(product), name) and getattr(product, name) is None
    }
    assert left_out <= {path for path, record in listed.items() if record["default"]}
    # a setting that is no parameter has a default too
    assert listed["products.accelerator.pairing"]["value"] == "like"
    assert listed["products.accelerator.pairing"]["default"]
    assert not listed["products.accelerator.die"]["default"]


def test_a_default_that_a_number_would_misstate_is_told_in_words(capsys) -> None:
    assert main(["show", ANALYST, "products.accelerator.demand"]) == 0
    row = capsys.readouterr().out.splitlines()[2]
    assert row.split()[1:] == ["no", "limit", "package/quarter", "default"]


def test_titles_and_notes_stand_beside_the_figures(rich: str, capsys) -> None:
    listed = records([rich], capsys)
    assert listed["processes.n2.alpha"]["title"] == "seven"
    assert listed["processes.n2.learning.start_ratio"]["title"] == "seven"
    assert main(["show", rich, "memory"]) == 0
    out = capsys.readouterr().out
    assert any(line.split() == ["memory.hbm", "all", "stacks"] for line in out.splitlines())
    assert "seven" not in out  # of another table
    assert main(["show", rich, "processes.n2.alpha"]) == 0
    out = capsys.readouterr().out
    assert "read off a chart" in out.splitlines()[2]
    assert any(line.split() == ["processes.n2", "seven"] for line in out.splitlines())


def test_the_scenarios_say_what_they_change(rich: str, capsys) -> None:
    assert main(["show", rich, "scenarios"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "fewer: fewer stacks",
        "    half of them",
        "    press, assumed",
        "    memory.hbm.deliveries.scale  0.5",
        "    events.cut.kind              accident",
        "    events.cut.start             2026Q1",
        "    events.cut.end               2026Q2",
        "    events.cut.capacity_ratio    1",
        "    events.cut.d0_ratio          1.5",
        "",
        "later",
        "    press",
        "    fabs.line.plan.n2  2025Q1 1 2026Q1 2",
    ]
    assert main(["show", rich, "scenarios.fewer", "--json"]) == 0
    (record,) = json.loads(capsys.readouterr().out)
    assert (record["name"], record["title"], record["note"]) == (
        "fewer",
        "fewer stacks",
        "half of them",
    )
    assert record["changes"][0] == {"path": "memory.hbm.deliveries.scale", "value": 0.5}
    assert len(record["changes"]) == 6


def test_a_model_without_scenarios_says_so(capsys) -> None:
    assert main(["show", ANALYST, "scenarios"]) == 0
    assert capsys.readouterr().out == "the model has no scenarios\n"


def test_the_sources_are_listed_on_request(rich: str, capsys) -> None:
    assert main(["show", rich, "sources.press", "--json"]) == 0
    (record,) = json.loads(capsys.readouterr().out)
    assert (record["key"], record["url"]) == ("press", "https://example.org/report")


def test_a_prefix_ends_at_a_dot(rich: str, capsys) -> None:
    assert set(declared(records([rich, "memory"], capsys))) == {
        "memory.hbm.deliveries",
        "memory.hbm.deliveries.scale",
    }
    assert list(records([rich, "processes.n2.alpha"], capsys)) == ["processes.n2.alpha"]
    assert list(declared(records([rich, "processes.n2.learning."], capsys))) == [
        "processes.n2.learning.start_ratio",
        "processes.n2.learning.tau_quarters",
    ]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("processes.n", "processes.n: unknown process, got 'n'; allowed: n2"),
        (
            "process.n2",
            "process.n2: unknown table, got 'process'; allowed: simulation, wafer, sour",
        ),
        (
            "processes.n2.alfa",
            "processes.n2.alfa: unknown key, got 'alfa'; allowed: ",
        ),
        ("processes.n2.alpha.x", "processes.n2.alpha.x: unknown name, got 'x'; allowed: none"),
        ("products.x.lag_days", "products.x.lag_days: unknown product, got 'x'; allowed: accel"),
        ("scenarios.x", "scenarios.x: unknown scenario, got 'x'; allowed: none: the model has no"),
        ("orders", "orders: is empty in this model"),
    ],
)
def test_an_unknown_name_is_told_as_such(path: str, message: str, capsys) -> None:
    assert main(["show", ANALYST, path]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"yieldsim: error: {message}")
    assert err.count("\n") == 1


def test_the_table_is_aligned_and_complete(rich: str, capsys) -> None:
    assert main(["show", rich]) == 0
    lines = capsys.readouterr().out.splitlines()
    header, rule = lines[0], lines[1]
    starts = [i for i, c in enumerate(rule) if c == "-" and (i == 0 or rule[i - 1] == " ")]
    names = ("parameter", "value or distribution", "unit", "source", "grade", "note")
    assert [header[start:].split("  ")[0].strip() for start in starts] == list(names)
    rows = lines[2 : lines.index("")]
    listed = {p.path for p in parameters(load_model(rich))}
    paths = [row.split()[0] for row in rows]
    assert listed <= set(paths)
    assert len(set(paths)) == len(paths)
    padded = [row.ljust(starts[-1]) for row in rows]
    assert all(row[start - 2 : start] == "  " for row in padded for start in starts[1:])
    defaults = sum(row.rstrip().endswith("default") for row in rows)
    settings = len(rows) - len(listed) - defaults
    count = f"{len(listed)} parameters, 4 of them uncertain; "
    assert f"{count}{settings} other settings; {defaults} defaults" in lines
    assert any("中芯国际" in line and "https://example.org/report" in line for line in lines)
    assert not any(line.endswith(" ") for line in lines)


def test_the_table_shortens_long_schedules(rich: str, capsys) -> None:
    assert main(["show", rich, "fabs.line.plan"]) == 0
    row = capsys.readouterr().out.splitlines()[2]
    assert (
        "low 2025Q1 1,000 .. 2028Q1 4,000 (4 points) | high 2025Q1 2,000 .. 2028Q1 8,000 (4 points)"
        in row
    )


def test_an_unknown_scenario_is_one_line(capsys) -> None:
    assert main(["show", ANALYST, "--scenario", "x"]) == 2
    assert capsys.readouterr().err.startswith("yieldsim: error: scenario: unknown scenario, got")


def test_a_series_shows_the_factors_that_multiply_it(rich: str, capsys) -> None:
    path = Path(rich).with_name("worlds.toml")
    path.write_text(
        """extends = "rich.toml"
name = "worlds"
[factors.world]
value = 0.5
source = "press"
grade = "assumed"
[fabs.line.plan.n2]
factors = ["world"]
""",
        encoding="utf-8",
    )
    assert main(["show", str(path), "fabs.line.plan"]) == 0
    assert " 8,000 (4 points) x world " in capsys.readouterr().out
    shown = records([str(path), "fabs.line.plan"], capsys)
    assert shown["fabs.line.plan.n2"]["factors"] == ["world"]
