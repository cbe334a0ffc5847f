import json
import shutil
from pathlib import Path

import pytest

from tests.paths import ROOT
from yieldsim.cli.main import main
from yieldsim.model import load_model, parameters

ANALYST = str(ROOT / "benchmarks" / "analyst.toml")
KEYS = {"path", "unit", "source", "grade", "note", "description"}


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
[scenarios.fewer]
title = "fewer stacks"
source = "press"
grade = "assumed"
changes.memory.hbm.deliveries.scale = 0.5
""",
        encoding="utf-8",
    )
    return str(path)


def records(arguments: list[str], capsys) -> dict[str, dict]:
    assert main(["show", *arguments, "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    return {record["path"]: record for record in listed}


def test_every_parameter_is_listed_with_its_source_and_grade(capsys) -> None:
    listed = records([ANALYST], capsys)
    assert list(listed) == [p.path for p in parameters(load_model(ANALYST))]
    for record in listed.values():
        assert set(record) - {"ref"} - KEYS in ({"value"}, {"distribution"})
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


def test_a_prefix_ends_at_a_dot(rich: str, capsys) -> None:
    assert set(records([rich, "memory"], capsys)) == {
        "memory.hbm.deliveries",
        "memory.hbm.deliveries.scale",
    }
    assert list(records([rich, "processes.n2.alpha"], capsys)) == ["processes.n2.alpha"]
    assert list(records([rich, "processes.n2.learning."], capsys)) == [
        "processes.n2.learning.start_ratio",
        "processes.n2.learning.tau_quarters",
    ]


def test_a_prefix_that_matches_nothing_says_what_is_there(capsys) -> None:
    assert main(["show", ANALYST, "processes.n"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == (
        "yieldsim: error: PREFIX: no parameter at or below this path, got 'processes.n'; "
        "allowed: a path that begins with one of: wafer, processes, fabs, dies, memory, products\n"
    )


def test_the_table_is_aligned_and_complete(rich: str, capsys) -> None:
    assert main(["show", rich]) == 0
    lines = capsys.readouterr().out.splitlines()
    header, rule = lines[0], lines[1]
    starts = [i for i, c in enumerate(rule) if c == "-" and (i == 0 or rule[i - 1] == " ")]
    names = ("parameter", "value or distribution", "unit", "source", "grade")
    assert [header[start:].split("  ")[0].strip() for start in starts] == list(names)
    rows = lines[2 : lines.index("")]
    listed = [p.path for p in parameters(load_model(rich))]
    assert [row.split()[0] for row in rows] == listed
    assert all(row[start - 2 : start] == "  " for row in rows for start in starts[1:])
    assert f"{len(listed)} parameters, 4 of them uncertain" in lines
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
