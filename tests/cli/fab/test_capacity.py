"""`yieldsim capacity`: tables that agree with the JSON, one line for errors, and the picture."""

import json
import re
from pathlib import Path

import pytest
from matplotlib.patches import Rectangle

from tests.cli.refusals import check_refused
from tests.paths import VALID
from tests.plots.texts import check_texts
from yieldsim.cli.main import main
from yieldsim.plots.capacity import WIDEST, capacity_chart

TWO_FABS = ["capacity", str(VALID / "two_fabs.toml"), "--fab", "north", "--realizations", "20"]
ONE_GROUP = ["capacity", str(VALID / "one_group.toml"), "--fab", "line", "--realizations", "2"]
ONE_LINE = ["capacity", str(VALID / "one_line.toml"), "--fab", "line", "--realizations", "2"]


def printed(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert main(arguments) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out


def as_json(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> dict:
    return json.loads(printed([*arguments, "--json"], capsys))


def tables(text: str) -> dict[str, list[list[str]]]:
    """First words of the line above each ruled table -> its cells, split where the rule is."""
    lines, parts = text.splitlines(), {}
    for number, line in enumerate(lines):
        if re.fullmatch(r"[- ]*--[- ]*", line) and number > 1:
            edges = [match.span() for match in re.finditer("-+", line)]
            body = []
            for row in lines[number + 1 :]:
                if not row:
                    break
                body.append([row[first:last].strip() for first, last in edges])
            parts[" ".join(lines[number - 3].split()[:2])] = body
    return parts


def test_the_tables_say_what_the_json_says(capsys) -> None:
    arguments = [*TWO_FABS, "--quarter", "2026Q2"]
    record, text = as_json(arguments, capsys), printed(arguments, capsys)
    parts = tables(text)
    assert len(parts) == 4
    groups = record["tool_groups"]
    assert len(groups) == 3
    assert [group["rank"] for group in groups] == [1, 2, 3]
    assert len(parts["Tool groups"]) == 3
    for row, group in zip(parts["Tool groups"], groups, strict=True):
        passes = [
            group[f"passes_{key}_per_month"]["p50"] for key in ("planned", "possible", "made")
        ]
        load, use = group["load_over_capacity"], group["utilization"]
        assert row[:2] == [str(group["rank"]), group["tool_group"]]
        assert row[2:5] == [f"{number:,.0f}" for number in passes]
        assert row[5:8] == [f"{load[key]:.2f}" for key in ("p10", "p50", "p90")]
        assert row[8] == f"{100 * use['p50']:.1f} %"
        assert row[9] == f"({100 * use['p10']:.1f} % - {100 * use['p90']:.1f} %)"
        assert row[10] == f"{100 * group['share_scarcest']:.0f} %"
    classes = [tools for group in groups for tools in group["classes"].values()]
    for row, tools in zip(parts["Tools by"], classes, strict=True):
        assert row[2:4] == [f"{tools['tools']['mean']:.1f}", percent(tools["availability"]["mean"])]
        assert row[4] == f"{tools['passes_possible_per_month']['mean']:,.0f}"
        assert row[5:] == [
            f"{tools['passes_made_per_month']['mean']:,.0f}",
            percent(tools["utilization"]["mean"]),
        ]
    for row, tools in zip(parts["Tool states"], classes, strict=True):
        assert row[2:] == [percent(share) for share in tools["e10"].values()]
        assert sum(tools["e10"].values()) == pytest.approx(1.0, abs=3e-7)  # float32 outputs
    rows = iter(parts["Wafers in"])
    for process in record["processes"]:
        figures = [figure for key, figure in process.items() if key not in ("process", "title")]
        for figure in figures:
            cells = [float(cell.replace(",", "")) for cell in next(rows)[2:]]
            digits = 0.5 if figure["p50"] >= 200.0 else 0.051  # printed without, or with a digit
            assert cells == pytest.approx([figure[q] for q in ("p10", "p50", "p90")], abs=digits)
    assert next(rows, None) is None


def percent(share: float) -> str:
    return f"{100.0 * share:.1f} %"


def test_the_headline_names_the_bottleneck_and_the_next_two(capsys) -> None:
    arguments = [*TWO_FABS, "--quarter", "2026Q2"]
    record, text = as_json(arguments, capsys), printed(arguments, capsys)
    first, second, third = record["tool_groups"]
    line = text.splitlines()[0]
    load = first["load_over_capacity"]
    start = f"north, 2026Q2: {first['tool_group']} is the bottleneck: load over capacity "
    assert line.startswith(f"{start}{load['p50']:.2f} ± {load['se_p50']:.2f} (P10 to P90: ")
    assert f"next {second['tool_group']} {second['load_over_capacity']['p50']:.2f} (" in line
    assert f"and {third['tool_group']} {third['load_over_capacity']['p50']:.2f} (" in line
    carried = {q["quarter"]: q["share_carried"] for q in record["quarters"]}["2026Q2"]
    assert line.endswith(f"The tools can carry the plan in {100 * carried:.0f} % of realizations.")


def test_without_a_quarter_the_most_loaded_is_in_detail(capsys) -> None:
    record, text = as_json(TWO_FABS, capsys), printed(TWO_FABS, capsys)
    loads = {q["quarter"]: q["load_over_capacity"]["p50"] for q in record["quarters"]}
    assert record["quarter"] == max(loads, key=loads.__getitem__)
    assert record["chosen"] == "largest load over capacity"
    assert f"In detail: {record['quarter']}, the quarter with the largest load" in text
    rows = tables(text)["north, by"]
    assert len(rows) == len(loads)
    for row, quarter in zip(rows, record["quarters"], strict=True):
        assert row[0] == quarter["quarter"]
        for cell, key in zip(row[1:4], ("planned", "started", "out"), strict=True):
            assert cell == f"{quarter[f'{key}_wafers_per_month']['p50']:,.0f}"
        assert row[4:6] == [quarter["bottleneck"], f"{100 * quarter['share_scarcest']:.0f} %"]
        assert row[6] == f"{quarter['load_over_capacity']['p50']:.2f}"
        assert row[7] == percent(quarter["utilization"]["p50"])
        times = [quarter["cycle_time_days"]["p50"], quarter["x_factor"]["p50"]]
        assert row[8:] == [f"{times[0]:.1f}", f"{times[1]:.2f}"]


def test_the_detail_is_that_of_the_quarter(capsys) -> None:
    """Of a fab with one process the figures of the quarter are those of the process."""
    record = as_json([*ONE_GROUP, "--quarter", "2026Q1"], capsys)
    quarter, process = record["quarters"][0], record["processes"][0]
    for key, figure in process.items():
        if key not in ("process", "title"):
            assert quarter[key]["p50"] == pytest.approx(figure["p50"], rel=1e-12), key
    assert record["quarters"][1]["out_wafers_per_month"] != quarter["out_wafers_per_month"]


def test_a_fab_without_tools_says_so(capsys) -> None:
    text = printed(ONE_LINE, capsys)
    assert text.startswith(
        "line, 2026Q1: the fab has no tools in the model, so only its plan limits it"
    )
    assert "the quarter with the largest plan" in text
    assert "tool group" not in text
    assert as_json(ONE_LINE, capsys)["has_tools"] is False


def test_a_group_without_tools_is_infinite(capsys) -> None:
    later = '{quarters=["2027Q1"], values=[2], interpolate="step", before="zero"}'
    setting = ["--set", f"fabs.line.fleets.litho.imported.count={later}"]
    text = printed([*ONE_GROUP, *setting, "--quarter", "2026Q4"], capsys)
    assert "litho is the bottleneck: load over capacity inf (P10 to P90: inf to inf)" in text
    assert "can carry the plan in 0 % of realizations" in text


def test_what_a_scenario_lifts_is_said(capsys) -> None:
    arguments = [*ONE_GROUP, "--scenario", "no_limit:wafers", "--quarter", "2026Q4"]
    text = printed(arguments, capsys)
    assert "Scenario no_limit:wafers. Model one_group, seed 0, 2 realizations." in text
    assert "The plan is multiplied by 100" in text
    assert "planned, wafers a month        100,000" in text


def test_a_seed_and_a_setting_count(capsys) -> None:
    usual = as_json(TWO_FABS, capsys)
    assert as_json([*TWO_FABS, "--threads", "1"], capsys) == usual
    assert as_json([*TWO_FABS, "--seed", "3"], capsys)["tool_groups"] != usual["tool_groups"]
    more = as_json([*TWO_FABS, "--set", "processes.n2.visits.litho=60"], capsys)
    assert more["tool_groups"][0]["tool_group"] == "litho"


def test_the_picture_is_written(tmp_path: Path, capsys) -> None:
    image = tmp_path / "x.png"
    assert main([*ONE_GROUP, "--png", str(image)]) == 0
    assert image.read_bytes().startswith(b"\x89PNG")
    assert capsys.readouterr().err == f"figure: {image}\n"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--fab", "x"], 2, "--fab: is not in the model, got 'x'; allowed: line"),
        (["--quarter", "2031Q1"], 2, "--quarter: is not in the model's time, got '2031Q1'; all"),
        (["--quarter", "soon"], 2, "--quarter: must be a quarter, got 'soon'; allowed: such as"),
        (["--scenario", "x"], 2, "scenario: unknown scenario, got 'x'; allowed: baseline"),
        (["--png", "x.bmp"], 2, "--png: unknown image format, got 'x.bmp'; allowed: png"),
        (["--png", "none/x.png"], 2, "--png: no such folder, got 'none'"),
        (["--realizations", "0"], 2, "Invalid value for '--realizations'"),
        (["--set", "fabs.line.plan.x=1"], 1, "--set: fabs.line.plan"),
    ],
)
def test_wrong_usage_is_one_line(arguments, code, message, capsys, monkeypatch) -> None:
    def never(*_: object) -> None:
        raise AssertionError("simulated before the check")

    monkeypatch.setattr("yieldsim.analysis.fab.capacity_run.Simulator", never)
    check_refused(capsys, [*ONE_GROUP, *arguments], code, message)


def test_the_picture_needs_tools_and_the_command_a_fab(capsys) -> None:
    assert main([*ONE_LINE, "--png", "x.png"]) == 2
    message = (
        "--png: draws tools, and the fab has none, got 'line'; allowed: a fab with tools: none"
    )
    assert message in capsys.readouterr().err
    assert main(ONE_GROUP[:2]) == 2
    assert "Missing option '--fab'" in capsys.readouterr().err


# ---- the picture


@pytest.fixture
def record(capsys) -> dict:
    return as_json([*TWO_FABS, "--quarter", "2026Q2"], capsys)


def test_bars_marks_and_lines_are_the_figures(record: dict) -> None:
    bars, loads, times = capacity_chart(record).axes
    groups = record["tool_groups"]
    drawn = [p for p in bars.patches if isinstance(p, Rectangle)]
    patches = [p for p in drawn if p.get_height() < 0.7]  # and no shaded plan
    classes = [tools for group in groups for tools in group["classes"].values()]
    assert len(patches) == len(classes)
    ends = {}
    for patch in patches:
        row = round(patch.get_y() + patch.get_height() / 2)
        ends[row] = max(ends.get(row, 0.0), patch.get_x() + patch.get_width())
    for row, group in enumerate(groups):
        # two parts of a bar
        capacity = group["capacity_wafers_per_month"]["p50"]
        assert ends[row] == pytest.approx(capacity, rel=1e-9)
        if bars.get_xlim()[1] > capacity:
            made = [line for line in bars.get_lines() if line.get_marker() == "D"][row]
            assert made.get_xdata()[0] == group["made_wafers_per_month"]["p50"]
    quarters = record["quarters"]
    plan = next(q for q in quarters if q["quarter"] == "2026Q2")["planned_wafers_per_month"]
    assert bars.get_lines()[0].get_xdata()[0] == plan["p50"]
    assert bars.get_xlim()[1] <= max(WIDEST * plan["p50"], 1.1 * plan["p90"])
    assert [label.get_text() for label in bars.get_yticklabels()] == [
        group["tool_group"] for group in groups
    ]
    for number, group in enumerate(groups):
        drawn = loads.get_lines()[number].get_ydata()
        name = group["tool_group"]
        assert drawn.tolist() == [
            q["tool_groups"][name]["load_over_capacity"]["p50"] for q in quarters
        ]
    assert times.get_lines()[0].get_ydata().tolist() == [q["x_factor"]["p50"] for q in quarters]


def test_no_two_texts_of_the_picture_overlap_and_none_leaves_the_page(record: dict) -> None:
    names = ["a_group_of_tools_with_a_very_long_name", "another_one_that_is_also_long", "z" * 40]
    text = json.dumps(record)
    for group, long in zip(record["tool_groups"], names, strict=True):
        text = text.replace(f'"{group["tool_group"]}"', f'"{long}"')
    record = json.loads(text) | {"title": "A fab with a title that no line of a page can hold " * 3}
    check_texts(capacity_chart(record), more_than=30)


def test_tools_missing_for_a_number_of_wafers(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [*TWO_FABS, "--quarter", "2026Q2"]
    plain = as_json(arguments, capsys)
    assert "for" not in plain
    litho = plain["tool_groups"][0]
    more = 2.0 * litho["capacity_wafers_per_month"]["p90"]
    record = as_json([*arguments, "--for", str(more)], capsys)
    gap = record.pop("for")
    assert record == plain
    assert (gap["wafers_per_month"], gap["quarter"]) == (more, "2026Q2")
    # Twice what the bottleneck carries: as many tools again are missing, in whole tools.
    first = gap["tool_groups"][0]
    assert first["tool_group"] == litho["tool_group"]
    assert first["share_short"] == 1.0
    assert first["load_over_capacity"]["p10"] == pytest.approx(2.0, rel=0.01)
    text = printed([*arguments, "--for", str(more)], capsys)
    assert f"north, 2026Q2, {more:,.0f} wafers a month: the tools are enough in 0 %" in text


@pytest.mark.parametrize("wafers", ["0", "-3", "nan", "1e30"])
def test_an_impossible_number_of_wafers_is_refused(
    wafers: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*TWO_FABS, "--for", wafers]) == 2
    err = capsys.readouterr().err
    assert "--for: is out of range" in err
    assert err.count("\n") == 1
