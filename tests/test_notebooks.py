"""The notebooks run as they are, with warnings as errors, and say what the analysis says."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

import yieldsim
from tests.paths import ROOT
from yieldsim.analysis import summarize

nbformat = pytest.importorskip("nbformat", reason="notebooks need nbformat (pip install .[dev])")
nbclient = pytest.importorskip("nbclient", reason="notebooks need nbclient (pip install .[dev])")

FOLDER = ROOT / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
FAN_CHART = FOLDER / "fan_chart.ipynb"
# not those of the kernel itself, which would fail to shut down
STRICT = """
import warnings
warnings.simplefilter("error")
warnings.filterwarnings("default", module="ipykernel")
"""
FIGURES = """
import json
print("FIGURES", json.dumps(year_quantiles.sel(scenario="baseline").T.values.tolist()))
"""
REALIZATIONS = 24
CELL_SECONDS = 300  # compilation included


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """What a kernel inherits: folders of its own, and the backend that draws into the notebook."""
    for name in ("JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    monkeypatch.delenv("MPLBACKEND", raising=False)
    monkeypatch.setenv("YIELDSIM_REALIZATIONS", str(REALIZATIONS))
    return monkeypatch


def execute(path: Path) -> list[Any]:
    """The code cells of a notebook after a run with warnings as errors; one more prints figures."""
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(STRICT))
    notebook.cells.append(nbformat.v4.new_code_cell(FIGURES))
    where = {"metadata": {"path": str(path.parent)}}
    nbclient.NotebookClient(notebook, timeout=CELL_SECONDS, resources=where).execute()
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def texts(cells: list[Any], stream: str) -> str:
    outputs = [output for cell in cells for output in cell.outputs]
    return "".join(o.text for o in outputs if o.output_type == "stream" and o.name == stream)


def pictures(cells: list[Any]) -> int:
    outputs = [output for cell in cells for output in cell.outputs]
    return sum("image/png" in output.get("data", {}) for output in outputs)


def figures(cells: list[Any]) -> list[list[float]]:
    line = texts(cells, "stdout").splitlines()[-1]
    return json.loads(line.removeprefix("FIGURES "))


def by_the_analysis(store: Path) -> list[list[float]]:
    """P10, P50 and P90 of the baseline's total by year."""
    yearly = summarize(yieldsim.open_ensemble(store))["yearly"]
    totals = [r for r in yearly if (r["scenario"], r["product"]) == ("baseline", "total")]
    return [[record[name] for name in ("p10", "p50", "p90")] for record in totals]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_stored_without_outputs(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert (cell.outputs, cell.execution_count) == ([], None), cell.source


def test_makes_a_store_where_there_is_none(tmp_path: Path, kernel: pytest.MonkeyPatch) -> None:
    store = tmp_path / "two.zarr"
    kernel.setenv("YIELDSIM_STORE", str(store))
    cells = execute(FAN_CHART)
    assert texts(cells, "stderr") == ""
    assert pictures(cells) == 1
    assert "domestic_late less baseline" in texts(cells, "stdout")
    assert yieldsim.open_ensemble(store).sizes["realization"] == REALIZATIONS
    # float32 chips are summed in double precision on both ways
    for got, wanted in zip(figures(cells), by_the_analysis(store), strict=True):
        assert got == pytest.approx(wanted, rel=1e-9)


@pytest.mark.slow  # another way into the same cells
def test_reads_the_store_that_is_named(tmp_path: Path, kernel: pytest.MonkeyPatch) -> None:
    store = tmp_path / "one.zarr"
    yieldsim.run("baseline", realizations=REALIZATIONS + 1, seed=11, out=store)
    before = {path: path.stat().st_mtime_ns for path in store.rglob("*")}
    kernel.setenv("YIELDSIM_STORE", os.path.relpath(store, FOLDER))
    cells = execute(FAN_CHART)
    assert "seed 11" in texts(cells, "stdout")
    assert "one scenario" in texts(cells, "stdout")
    assert figures(cells)[0] == pytest.approx(by_the_analysis(store)[0], rel=1e-9)
    assert {path: path.stat().st_mtime_ns for path in store.rglob("*")} == before
