import json
from pathlib import Path

import pytest

import yieldsim.ensemble
from tests.analysis.made_up import ensemble
from tests.cli.refusals import check_refused
from tests.plots.texts import check_texts
from yieldsim.analysis import compare_with_published
from yieldsim.analysis.caption import origin
from yieldsim.analysis.evidence.checks import checks_of, widths
from yieldsim.analysis.evidence.file import SHIPPED_EVIDENCE, SHIPPED_FORECASTS
from yieldsim.analysis.evidence.words import below, published, short
from yieldsim.cli.main import main
from yieldsim.plots.evidence import WIDEST, evidence_chart

HEADER = "entity,period,low,central,high,unit,source,variable,select,comparable\n"
ROWS = (
    "in the middle,2024,,400000,,chips,one (a remark),usable_chips,product=ascend_*,as counted\n"
    "a range,2025,100000,,900000,packages: all,two,usable_chips,product=ascend_910c,\n"
    "far above,2025H1,,90000000,,cards,three,usable_chips,product=ascend_910c,\n"
    "a bound,2025Q1,,,150000,chips,four,packages_started,product=ascend_910b,\n"
    "money,2025,,7.5e9,,USD; and more,five,,,there are no prices\n"
)


@pytest.fixture(autouse=True)
def store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yieldsim.ensemble, "open_ensemble", lambda path: ensemble())


@pytest.fixture
def evidence(tmp_path: Path) -> str:
    path = tmp_path / "mine.csv"
    path.write_text(HEADER + ROWS, encoding="utf-8")
    return str(path)


def test_the_json_is_that_of_the_analysis(evidence: str, capsys) -> None:
    arguments = ["compare-evidence", "x", "--evidence", evidence, "--scenario", "domestic_late"]
    assert main([*arguments, "--json"]) == 0
    out, err = capsys.readouterr()
    content = json.loads(out)
    records = compare_with_published(ensemble(), evidence, "domestic_late")
    assert content.pop("figures") == records
    assert content.pop("forecasts") == []
    assert content.pop("checks") == checks_of(records)
    assert content.pop("totals") == widths(ensemble(), "domestic_late")
    assert content == {"scenario": "domestic_late", **origin(ensemble())}
    assert err == ""


def test_the_table_has_every_row_with_its_source(evidence: str, capsys) -> None:
    assert main(["compare-evidence", "x", "--evidence", evidence]) == 0
    out = capsys.readouterr().out
    lines = out.splitlines()
    assert lines[0] == "Published counts beside the ensemble's, scenario baseline"
    cells = [line.split() for line in lines if line.startswith("[") and " one" not in line]
    records = compare_with_published(ensemble(), evidence)
    assert cells[0][:6] == ["[1]", "in", "the", "middle", "2024", "400,000"]
    assert cells[0][6] == short(records[0]["p10"])
    assert cells[0][-4:] == [*below(records[0]).split(), "yes", "check"]
    assert "100,000 to 900,000" in out
    assert "<= 150,000" in out
    assert "    usable_chips of product=ascend_*; as counted" in lines
    assert "[2] packages: all: two" in lines
    rest = out[out.index("Not compared") :]
    # nothing of the unit is cut off
    assert "money, 2025: 7.5e09 USD; and more (five)\n    there are no prices" in rest
    assert "Model made_up, seed 7, 64 realizations." in rest


def test_without_a_file_the_shipped_ones_are_compared(capsys) -> None:
    assert main(["compare-evidence", "x"]) == 0
    out = capsys.readouterr().out
    assert "Huawei Ascend 910C" in out
    assert "the model has no prices" in out
    assert "Forecasts of others beside the ensemble's, scenario baseline" in out
    assert "imported cards are an input of the model, no result" in out
    assert main(["compare-evidence", "x", "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert content["figures"] == compare_with_published(ensemble(), SHIPPED_EVIDENCE)
    assert content["forecasts"] == compare_with_published(ensemble(), SHIPPED_FORECASTS)
    assert {r["role"] for r in content["forecasts"]} == {"forecast", "input"}


def test_one_file_of_forecasts_is_compared_alone(tmp_path: Path, capsys) -> None:
    path = tmp_path / "plans.csv"
    remark = "the plan was for more"
    path.write_text(
        "entity,period,low,central,high,unit,source,variable,role,remark\n"
        f"far off,2025,,9e9,,chips,one,usable_chips,forecast,{remark}\n"
        "further,2025,,9e9,,chips,two,usable_chips,forecast,\n",
        encoding="utf-8",
    )
    assert main(["compare-evidence", "x", "--forecasts", str(path)]) == 0
    out = capsys.readouterr().out
    assert out.startswith("Forecasts of others")
    assert f"    beyond P5 to P95: {remark}\n" in out
    assert "    beyond P5 to P95: no reason is given\n" in out
    assert "independent" not in out


def test_the_checks_and_the_widths_end_the_text(tmp_path: Path, capsys) -> None:
    path = tmp_path / "counts.csv"
    path.write_text(
        "entity,period,low,central,high,unit,source,variable,role,sets,house\n"
        "all,2025,,1,,chips,one,usable_chips,check,,Somebody\n"
        "all,2025,1,,1e9,chips,two,usable_chips,check,,Nobody\n"
        "all,2025,,1,,chips,three,usable_chips,input,memory.x; dies.y,Anybody\n",
        encoding="utf-8",
    )
    assert main(["compare-evidence", "x", "--evidence", str(path)]) == 0
    out = capsys.readouterr().out
    assert (
        "Of 2 separate checks, P10 to P90 holds 1. "
        "Counts that inputs rest on, which test nothing: 1.\n"
        "    outside: all, 2025, 1 by Somebody (0 % below)\n"
    ) in out
    assert "    an input of memory.x, dies.y\n" in out
    first = next(line for line in out.splitlines() if line.startswith("[1]")).split()
    assert all("." not in cell for cell in first[4:12])  # whole chips, their small errors too
    (row,) = [line for line in out.splitlines() if line.startswith("2024  ")]
    assert row.split()[-1] == f"{widths(ensemble(), 'baseline')[0]['ratio']:.2f}"


def test_the_picture_is_written(evidence: str, tmp_path: Path, capsys) -> None:
    image = tmp_path / "x.png"
    assert main(["compare-evidence", "x", "--evidence", evidence, "--png", str(image)]) == 0
    assert image.read_bytes().startswith(b"\x89PNG")
    assert capsys.readouterr().err == f"figure: {image}\n"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--scenario", "x"], 2, "scenario: is not in the ensemble, got 'x'; allowed: baseline"),
        (["--png", "x.bmp"], 2, "--png: unknown image format, got 'x.bmp'; allowed: png"),
        (["--evidence", "none.csv"], 1, "none.csv: cannot be read (no such file or directory)"),
    ],
)
def test_wrong_usage_is_one_line(arguments, code, message, capsys) -> None:
    check_refused(capsys, ["compare-evidence", "x", *arguments], code, message)


def test_a_store_that_is_not_there_is_one_line(tmp_path: Path, capsys, monkeypatch) -> None:
    monkeypatch.undo()
    assert main(["compare-evidence", str(tmp_path / "none.zarr")]) == 1
    assert "none.zarr: no such ensemble store; `yieldsim run" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("figures", "text"),
    [
        ((None, 805_000.0, None), "805,000"),
        ((200_000.0, None, 300_000.0), "200,000 to 300,000"),
        ((1.0, 2.0, 3.0), "1 to 3"),
        ((1.0, 2.0, None), "1 to 2"),
        ((None, None, 0.25), "<= 0.25"),
        ((1.2e10, None, None), ">= 1.2e10"),
        ((None, 3e-15, None), "0"),
        ((None, None, None), "-"),
    ],
)
def test_published_figures_read_well(figures, text) -> None:
    names = ("published_low", "published_central", "published_high")
    assert published(dict(zip(names, figures, strict=True))) == text


@pytest.mark.parametrize(
    ("percentile", "low", "high", "text"),
    [
        (0.426, None, None, "43 %"),
        (0.996, None, None, ">99 %"),
        (0.002, 0.0, 1.0, "<1 %"),
        (0.0, None, None, "0 %"),
        (None, 0.086, 0.359, "9 to 36 %"),
        (None, None, 1.0, "100 %"),
        (None, 0.5, 0.502, "50 %"),
    ],
)
def test_shares_read_well(percentile, low, high, text) -> None:
    record = {"percentile": percentile, "percentile_low": low, "percentile_high": high}
    assert below(record) == text


def test_the_picture_shows_bands_marks_and_numbers(evidence: str) -> None:
    records = compare_with_published(ensemble(), evidence)
    figure = evidence_chart({"figures": records}, origin(ensemble()), "baseline")
    (axes,) = figure.axes
    first = records[0]
    bar = axes.patches[0]
    middle = first["p50"]
    assert len(axes.patches) == 4  # what is not compared has no bar
    # quotients of the same two numbers
    assert bar.get_x() == pytest.approx(first["p10"] / middle, rel=1e-12)
    assert bar.get_x() + bar.get_width() == pytest.approx(first["p90"] / middle, rel=1e-12)
    marks = {line.get_marker(): line for line in axes.get_lines()}
    diamonds = [line for line in axes.get_lines() if line.get_marker() == "D"]
    assert diamonds[0].get_xdata()[0] == pytest.approx(400_000 / middle, rel=1e-12)
    assert "<" in marks  # the bound
    # what is a hundred times the median is an arrow at the edge, not a scale of a hundred
    assert marks[">"].get_xdata()[0] == axes.get_xlim()[1] == WIDEST
    texts = [text.get_text() for text in axes.texts]
    assert "in the middle, 2024" in texts
    assert "chips; one" in texts
    assert f"published 400,000 ({below(first)} below)" in texts


def test_no_two_texts_of_the_picture_overlap_and_none_leaves_the_page(tmp_path: Path) -> None:
    long = "a long name of somebody who is counted somewhere"
    row = f"{long},2025H1,100000,,900000,packages,{long},usable_chips,product=ascend_910c,\n"
    path = tmp_path / "long.csv"
    path.write_text(HEADER + ROWS + row * 3, encoding="utf-8")
    records = compare_with_published(ensemble(), path)
    for sections in ({"figures": records}, {"figures": records, "forecasts": records}):
        figure = evidence_chart(sections, origin(ensemble()), "x_y")
        check_texts(figure, more_than=30)


def test_a_row_of_nothing_but_zeros_is_drawn(tmp_path: Path) -> None:
    ds = ensemble()
    ds["usable_chips"][:] = 0.0
    path = tmp_path / "zero.csv"
    path.write_text(HEADER + "x,2024,,0,,chips,s,usable_chips,,\n", encoding="utf-8")
    records = {"figures": compare_with_published(ds, path)}
    (axes,) = evidence_chart(records, origin(ds), "baseline").axes
    assert len(axes.patches) == 1
