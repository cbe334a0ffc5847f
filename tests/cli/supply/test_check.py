import json
import shutil
from pathlib import Path

import pytest

from tests.cli.refusals import check_refused
from tests.paths import ROOT
from yieldsim.cli.main import main

ANALYST = str(ROOT / "benchmarks" / "analyst.toml")


def analyst_beside(path: Path) -> str:
    """The name of the analyst's model, copied into the folder of a model that extends it."""
    return shutil.copy(ANALYST, path.with_name("analyst.toml")).name


@pytest.fixture
def scenarios(tmp_path: Path) -> str:
    """A model with two scenarios, the second of which is wrong."""
    path = tmp_path / "two.toml"
    path.write_text(
        f"extends = {json.dumps(analyst_beside(path))}\n"
        'name = "two"\n'
        "[scenarios.fewer]\n"
        'title = "fewer stacks"\nsource = "benchmark"\ngrade = "assumed"\n'
        "changes.memory.hbm.deliveries.scale = 0.5\n"
        "[scenarios.wrong]\n"
        'title = "impossible"\nsource = "benchmark"\ngrade = "assumed"\n'
        "changes.processes.n2.alpha = -1\n",
        encoding="utf-8",
    )
    return str(path)


def test_a_sound_model_is_one_line(capsys) -> None:
    assert main(["check", ANALYST]) == 0
    out, err = capsys.readouterr()
    assert out == (
        "analyst: OK, 1 scenario, 17 parameters (4 uncertain), 1 fab, 1 process, 1 die, "
        "1 product, 1 source\n"
    )
    assert err == ""


def test_the_counts_come_as_json(capsys) -> None:
    assert main(["check", ANALYST, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "model": "analyst",
        "ok": True,
        "scenarios": ["baseline"],
        "parameters": 17,
        "uncertain": 4,
        "fabs": 1,
        "processes": 1,
        "dies": 1,
        "products": 1,
        "sources": 1,
        "defaults": {},
    }


def test_all_scenarios_are_validated(scenarios: str, capsys) -> None:
    assert main(["check", scenarios]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("yieldsim: error: two.toml: scenario wrong: processes.n2.alpha: ")
    assert "-1" in err
    assert err.count("\n") == 1


def test_one_scenario_can_be_checked_alone(scenarios: str, capsys) -> None:
    assert main(["check", scenarios, "--scenario", "fewer", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["scenarios"] == ["fewer"]


def test_settings_are_checked_too(capsys) -> None:
    assert main(["check", ANALYST, "--set", "processes.n2.alpha=0"]) == 1
    err = capsys.readouterr().err
    assert err.startswith("yieldsim: error: --set: processes.n2.alpha: out of range, got 0")


PACKAGED = ("packaging.line.capacity=1000", 'products.accelerator.packaging="line"')


def test_defaults_that_change_the_chips_are_named(capsys) -> None:
    settings = [part for text in PACKAGED for part in ("--set", text)]
    assert main(["check", ANALYST, *settings, "--json"]) == 0
    out, err = capsys.readouterr()
    left = {"packages_per_interposer_wafer": 1.0, "final_test_yield": 1.0, "lag_days": 0.0}
    assert json.loads(out)["defaults"] == {"accelerator": left}
    assert err == (
        "note: products.accelerator leaves out and takes as default: "
        "packages_per_interposer_wafer (1), final_test_yield (1), lag_days (0)\n"
    )


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ('packaging.line.counts="packages"', "default: final_test_yield (1), lag_days (0)\n"),
        ("products.accelerator.packages_per_interposer_wafer=9", "default: final_test_yield (1), "),
        ('products.accelerator.kind="other"', ""),
        ("products.accelerator.packaging=[]", ""),
    ],
)
def test_only_what_matters_to_a_product_is_named(setting: str, words: str, capsys) -> None:
    settings = [part for text in (*PACKAGED, setting) for part in ("--set", text)]
    assert main(["check", ANALYST, *settings]) == 0
    err = capsys.readouterr().err
    assert words in err
    assert bool(words) == bool(err)


def test_correlations_that_contradict_each_other_are_found(tmp_path: Path, capsys) -> None:
    names = ["processes.n2.d0_mature_per_cm2", "fabs.line.plan.n2.scale"]
    names.append("memory.hbm.deliveries.scale")
    pairs = [(0, 1, 0.9), (1, 2, 0.9), (0, 2, -0.9)]
    path = tmp_path / "x.toml"
    text = f'extends = {json.dumps(analyst_beside(path))}\nname = "x"\n'
    for i, j, rank in pairs:
        text += f"[correlations.c{i}{j}]\nbetween = ['{names[i]}', '{names[j]}']\nrank = {rank}\n"
    path.write_text(text, encoding="utf-8")
    assert main(["check", str(path)]) == 1
    assert "correlations: contradict each other" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["no/such.toml"], "no/such.toml: no such file"),
        (["nonsense"], "model: no such file or shipped model, got 'nonsense'; allowed: a .toml"),
        ([ANALYST, "--scenario", "x"], "scenario: unknown scenario, got 'x'; allowed: baseline"),
        ([str(ROOT)], f"{ROOT}: is not a file; allowed: a TOML model file"),
    ],
)
def test_what_is_not_there_is_one_line(arguments: list[str], message: str, capsys) -> None:
    usage = 2 if "--scenario" in arguments else 1
    check_refused(capsys, ["check", *arguments], usage, message)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"name = ", "is not valid TOML"),
        (b"\xff\xfe\x00n", "is not a text file in UTF-8"),
        (b"", "name: is missing"),
    ],
)
def test_a_damaged_file_is_one_line(content: bytes, message: str, tmp_path: Path, capsys) -> None:
    path = tmp_path / "damaged.toml"
    path.write_bytes(content)
    assert main(["check", str(path)]) == 1
    err = capsys.readouterr().err
    assert message in err
    assert "bug" not in err
    assert err.count("\n") == 1
