"""``--scenario a+b`` with every command that takes a scenario."""

import json
from itertools import product
from pathlib import Path

import pytest

from tests.cli.refusals import check_refused
from tests.examples import thinned
from yieldsim.cli.main import main

NAME = "n3_ramps+memory_fast"
COARSE = ["--set", "simulation.steps_per_quarter=1", "--set", "simulation.warmup_quarters=1"]


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(list(arguments)) == 0
    return capsys.readouterr().out


def test_a_combination_is_checked_and_shown(capsys: pytest.CaptureFixture[str]) -> None:
    content = json.loads(printed(capsys, "check", "baseline", "--scenario", NAME, "--json"))
    assert content["scenarios"] == [NAME]
    shown = printed(capsys, "show", "baseline", "processes.n3", "--scenario", NAME)
    assert shown != printed(capsys, "show", "baseline", "processes.n3")
    assert shown == printed(capsys, "show", "baseline", "processes.n3", "--scenario", "n3_ramps")


def test_a_combination_draws_the_wafer_of_its_parts(capsys: pytest.CaptureFixture[str]) -> None:
    wafer = ["wafer", "baseline", "--product", "ascend_950pr", "--fidelity", "dies", "--json"]
    both = printed(capsys, *wafer, "--scenario", NAME)
    assert both == printed(capsys, *wafer, "--scenario", "n3_ramps")
    assert both != printed(capsys, *wafer)


def test_a_combination_is_run_summarized_and_plotted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store, image = str(tmp_path / "x.zarr"), tmp_path / "x.png"
    asked = ["--scenario", "baseline", "--scenario", NAME]
    run = ["run", "baseline", *asked, "--realizations", "2", "--out", store, *COARSE, "--json"]
    assert json.loads(printed(capsys, *run))["scenarios"] == ["baseline", NAME]
    # the same again is complete; the parts in another order are another run
    assert json.loads(printed(capsys, *run))["already_complete"]
    run[run.index(NAME)] = "memory_fast+n3_ramps"
    assert main(run) != 0
    assert "scenarios" in capsys.readouterr().err
    content = json.loads(printed(capsys, "summary", store, "--scenario", NAME, "--json"))
    assert {record["scenario"] for record in content["yearly"]} == {NAME}
    printed(capsys, "plot", store, "--scenario", NAME, "--product", "total", "--out", str(image))
    assert image.stat().st_size > 0


@pytest.mark.parametrize(
    ("command", "name"),
    thinned(
        product(
            ["run", "check", "show", "wafer"],
            ["n3_ramps+n3_fails", "n3_ramps+x", "n3_ramps+n3_ramps", "+"],
        ),
        3,
    ),
)
def test_what_cannot_be_combined_is_one_line(
    command: str, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = {"run": ["--out", str(tmp_path / "x.zarr")], "wafer": ["--product", "ascend_910b"]}
    check_refused(
        capsys, [command, "baseline", "--scenario", name, *more.get(command, [])], 2, "scenario: "
    )
    assert not (tmp_path / "x.zarr").exists()
