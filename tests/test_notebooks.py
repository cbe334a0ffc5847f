"""The notebooks keep outputs of a sound run, run as they are, and say what the analysis says."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import yieldsim
from tests.layout_rules import MACHINE_PATH
from tests.paths import ROOT
from tests.scripts import script
from yieldsim.analysis import condition, summarize

nbformat = pytest.importorskip("nbformat", reason="notebooks need nbformat (pip install .[dev])")
pytest.importorskip("nbclient", reason="notebooks need nbclient (pip install .[dev])")

FOLDER = ROOT / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
PICTURES = {  # of an ensemble with the scenarios that the notebooks name
    "first_look": 2,
    "wafers_and_yield": 4,
    "capacity_and_domestic_share": 4,
    "scenarios_and_what_binds": 5,
    "evidence_and_drivers": 3,
}
SCENARIOS = ["baseline", "domestic_late", "memory_fast"]
# as few as conditioning and its quantiles can do with; the same model in coarser steps
REALIZATIONS, STEPS = 32, "simulation.steps_per_quarter=4"
FIGURES = """
import json
print("FIGURES", json.dumps((1e3 * yearly.isel(scenario=0)).T.values.tolist()))
"""
# the store is read with xarray alone
ALONE = """
import sys
assert "yieldsim" not in sys.modules
"""
SLOW = pytest.mark.slow  # a kernel each, for up to half a minute; `make test-integration` runs one


@pytest.fixture(scope="module")
def runner() -> Iterator[ModuleType]:
    """The program behind `make notebooks`."""
    with script("notebooks", "execute") as module:
        yield module


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One small store for all notebooks."""
    path = tmp_path_factory.mktemp("notebooks") / "three.zarr"
    options: dict[str, Any] = {"realizations": REALIZATIONS, "seed": 7, "changes": [STEPS]}
    yieldsim.run("baseline", scenarios=SCENARIOS, out=path, **options)
    return path


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """What a kernel inherits: folders of its own, and the backend that draws into the notebook."""
    for name in ("JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    monkeypatch.delenv("MPLBACKEND", raising=False)
    monkeypatch.setenv("YIELDSIM_REALIZATIONS", str(REALIZATIONS))
    return monkeypatch


def printed(notebook: Any) -> str:
    outputs = [o for cell in notebook.cells for o in cell.get("outputs", [])]
    return "".join(o.text for o in outputs if o.output_type == "stream" and o.name == "stdout")


def totals(store: Path) -> list[list[float]]:
    """P10, P50 and P90 of the first scenario's total by year, by the analysis."""
    found = summarize(yieldsim.open_ensemble(store))
    first = found["yearly"][0]["scenario"]
    own = [r for r in found["yearly"] if (r["scenario"], r["product"]) == (first, "total")]
    return [[record[name] for name in ("p10", "p50", "p90")] for record in own]


def figures(notebook: Any) -> list[list[float]]:
    return json.loads(printed(notebook).splitlines()[-1].removeprefix("FIGURES "))


def agree(got: list[list[float]], wanted: list[list[float]]) -> None:
    assert len(got) == len(wanted)
    for own, other in zip(got, wanted, strict=True):
        # float32 chips are summed in double precision on both ways
        assert own == pytest.approx(other, rel=1e-9)


# -- the outputs that are kept


def test_every_notebook_is_known() -> None:
    assert [path.stem for path in NOTEBOOKS] == sorted(PICTURES)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_outputs_are_kept(path: Path, runner: ModuleType) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert runner.problems(notebook) == []
    assert len(runner.pictures(notebook)) == PICTURES[path.stem]
    texts = [text for output in runner.outputs_of(notebook) for text in _texts(output)]
    assert texts
    assert [text for text in texts if MACHINE_PATH.search(text) or "site-packages" in text] == []


def _texts(output: Any) -> list[str]:
    data = output.get("data", {})
    return [output.get("text", ""), *(data.get(kind, "") for kind in ("text/plain", "text/html"))]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_sentence_follows_each_picture(path: Path) -> None:
    cells = nbformat.read(path, as_version=4).cells
    for cell, following in zip(cells, [*cells[1:], None], strict=True):
        if any("image/png" in output.get("data", {}) for output in cell.get("outputs", [])):
            assert following is not None
            assert following.cell_type == "markdown", cell.source
            assert not following.source.startswith("#"), cell.source
            # figures change with each baseline; years and percentiles of a text would too
            assert not re.search(r"\d\d+|\d[.,]\d", following.source), following.source


# -- running them


def run(name: str, runner: ModuleType, store: Path, kernel: pytest.MonkeyPatch, last: str = ""):
    kernel.setenv("YIELDSIM_STORE", os.path.relpath(store, FOLDER))
    notebook = runner.executed(FOLDER / f"{name}.ipynb", last)
    assert runner.problems(notebook) == []
    return notebook


@pytest.mark.integration
def test_first_look(runner: ModuleType, store: Path, kernel: pytest.MonkeyPatch) -> None:
    notebook = run("first_look", runner, store, kernel, ALONE + FIGURES)
    agree(figures(notebook), totals(store))
    assert len(runner.pictures(notebook)) == PICTURES["first_look"]
    assert "Domestic tools come late" in printed(notebook)


def test_an_unknown_notebook_is_named(runner: ModuleType, capsys) -> None:
    assert runner.main("x.zarr", "nosuch") == 2
    assert capsys.readouterr().err.startswith("no notebook nosuch; there are: capacity_")


@SLOW
def test_evidence_and_drivers(runner: ModuleType, store: Path, kernel: pytest.MonkeyPatch) -> None:
    notebook = run("evidence_and_drivers", runner, store, kernel)
    assert len(runner.pictures(notebook)) == PICTURES["evidence_and_drivers"]
    found, _ = condition(yieldsim.open_ensemble(store))
    size = f"effective sample size {found['effective_sample_size']:.0f} of {REALIZATIONS}"
    assert size in printed(notebook)


@SLOW
@pytest.mark.parametrize("name", ["wafers_and_yield", "scenarios_and_what_binds"])
def test_others(name: str, runner: ModuleType, store: Path, kernel: pytest.MonkeyPatch) -> None:
    notebook = run(name, runner, store, kernel)
    assert len(runner.pictures(notebook)) == PICTURES[name]


@SLOW
def test_capacity(runner: ModuleType, store: Path, kernel: pytest.MonkeyPatch) -> None:
    notebook = run("capacity_and_domestic_share", runner, store, kernel)
    assert len(runner.pictures(notebook)) == PICTURES["capacity_and_domestic_share"]
    assert f"{REALIZATIONS} worlds again, the same chips: True" in printed(notebook)


@SLOW
def test_makes_a_store_where_there_is_none(
    runner: ModuleType, tmp_path: Path, kernel: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "made.zarr"
    notebook = run("first_look", runner, store, kernel, FIGURES)
    ds = yieldsim.open_ensemble(store)
    assert (ds["scenario"].values.tolist(), ds.sizes["realization"]) == (SCENARIOS, REALIZATIONS)
    agree(figures(notebook), totals(store))


@SLOW
@pytest.mark.parametrize("name", PICTURES)
def test_one_scenario_is_enough(
    name: str,
    runner: ModuleType,
    tmp_path_factory: pytest.TempPathFactory,
    kernel: pytest.MonkeyPatch,
) -> None:
    store = tmp_path_factory.getbasetemp() / "one.zarr"
    if not store.exists():
        yieldsim.run(
            "baseline",
            scenarios=["service_lost"],
            realizations=REALIZATIONS,
            seed=11,
            changes=[STEPS],
            out=store,
        )
    assert "seed 11" in printed(run(name, runner, store, kernel))


# -- the program that keeps outputs


def made_up(*sources: str) -> Any:
    v4 = nbformat.v4
    return v4.new_notebook(cells=[v4.new_code_cell(source) for source in sources])


def kept(*outputs: dict[str, Any], count: int = 1) -> Any:
    notebook = made_up("")
    notebook.cells[0].outputs = [nbformat.from_dict(output) for output in outputs]
    notebook.cells[0].execution_count = count
    return notebook


PROBLEMS = {
    "error": ({"output_type": "error", "ename": "ValueError", "traceback": []}, "ValueError"),
    "warning": ({"output_type": "stream", "name": "stderr", "text": "careful"}, "careful"),
    "large": ({"output_type": "display_data", "data": {"image/png": "A" * 140_000}}, "105,000"),
}


@pytest.mark.parametrize("name", PROBLEMS)
def test_what_is_not_kept(name: str, runner: ModuleType) -> None:
    output, words = PROBLEMS[name]
    (problem,) = runner.problems(kept(output))
    assert words in problem


def test_cells_out_of_order_are_not_kept(runner: ModuleType) -> None:
    assert runner.problems(kept()) == []
    assert "in order: [2]" in runner.problems(kept(count=2))[0]


def test_outputs_are_written_back(
    runner: ModuleType, tmp_path: Path, kernel: pytest.MonkeyPatch
) -> None:
    kernel.setattr(runner, "FOLDER", tmp_path)
    path = tmp_path / "a.ipynb"
    nbformat.write(made_up("1 + 1", "import os\nos.environ['YIELDSIM_STORE'][-6:]"), path)
    assert runner.main("x.zarr") == 0
    notebook = nbformat.read(path, as_version=4)
    assert [o.data["text/plain"] for o in runner.outputs_of(notebook)] == ["2", "'x.zarr'"]
    assert runner.problems(notebook) == []


def test_nothing_is_written_unless_all_succeed(
    runner: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(runner, "FOLDER", tmp_path)
    monkeypatch.setenv("YIELDSIM_STORE", "")  # main sets it
    answers = {"a.ipynb": kept(), "b.ipynb": kept(PROBLEMS["warning"][0])}
    monkeypatch.setattr(runner, "executed", lambda path: answers[path.name])
    for name in answers:
        nbformat.write(made_up("1 + 1"), tmp_path / name)
    before = (tmp_path / "a.ipynb").read_bytes()
    assert runner.main("x.zarr") == 1
    assert "b.ipynb: text on stderr: careful" in capsys.readouterr().err
    assert (tmp_path / "a.ipynb").read_bytes() == before
    assert runner.main("x.zarr", "a") == 0
    assert (tmp_path / "a.ipynb").read_bytes() != before


@SLOW
def test_a_cell_that_fails_is_told_in_a_line(
    runner: ModuleType,
    tmp_path: Path,
    kernel: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    kernel.setattr(runner, "FOLDER", tmp_path)
    nbformat.write(made_up("import warnings\nwarnings.warn('careful')"), tmp_path / "b.ipynb")
    assert runner.main("x.zarr") == 1
    told = capsys.readouterr().err
    assert told == "nothing is written: b.ipynb: UserWarning: careful\n"
