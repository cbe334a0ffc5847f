"""Someone with xarray and Zarr alone gets the figures of `summary`: the recipe of runs/README.md.

An environment is made anew, with the versions of requirements.lock. In it the recipe is run as it
stands there.
"""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from tests.paths import ROOT
from yieldsim.analysis import open_weighted, summarize
from yieldsim.cli.main import main
from yieldsim.ensemble.added.weights import write_weights

RECIPE = ROOT / "runs" / "README.md"
HEADING = "## A store with xarray alone"
LOCK = ROOT / "requirements.lock"
NEEDED = ["xarray", "zarr"]  # all that is asked for; Zarr brings NumPy, xarray brings pandas
ABSENT = ["yieldsim", "scipy", "numba", "dask", "matplotlib", "pydantic"]
QUANTILES = ["p10", "p50", "p90"]
# float64 sums of the same float32 figures, in another order
ROUNDING = 1e-12

# what the test asks of the recipe's names, in the bare interpreter
ASKED = f"""
import json, importlib.metadata, importlib.util

def refused(call):
    try:
        call()
    except TypeError as error:
        return str(error)
    return None

print("FIGURES", json.dumps({{
    "years": by_year["year"].values.tolist(),
    "scenarios": ds["scenario"].values.tolist(),
    "plain": by_year.quantile([0.1, 0.5, 0.9], dim="realization").values.tolist(),
    "weighted": weighted.tolist(),
    "products": products,
    "cast": refused(lambda: ds["product"].astype(str)),
    "cast of values": refused(lambda: ds["product"].values.astype(str)),
    "as objects": ds["product"].astype(object).values.tolist(),
    "one": ds["usable_chips"].sel(product=products[0]).ndim,
    "versions": {{name: importlib.metadata.version(name) for name in {NEEDED!r}}},
    "there": [name for name in {ABSENT!r} if importlib.util.find_spec(name)],
}}))
"""


def recipe() -> str:
    section = RECIPE.read_text(encoding="utf-8").split(f"{HEADING}\n")[1].split("\n## ")[0]
    (code,) = re.findall(r"^```python\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    return code


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, finished_once: Path) -> Path:
    """A store of two scenarios, three products (one a phone) and two years, with weights."""
    path = tmp_path_factory.mktemp("bare") / "baseline.zarr"
    shutil.copytree(finished_once, path)
    weights = np.random.default_rng(1).exponential(size=xr.open_zarr(path).sizes["realization"])
    write_weights(path, "evidence", weights / weights.sum(), {"evidence": "made_up.csv"})
    return path


def command(*arguments: str | Path) -> str:
    """The output of a command; the test fails with its errors, and skips without a network."""
    done = subprocess.run([*map(str, arguments)], capture_output=True, text=True, check=False)
    if "failed to fetch" in done.stderr.lower():
        pytest.skip(f"no package index: {done.stderr.strip().splitlines()[-1]}")
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a new environment with xarray and Zarr, and what these bring."""
    uv = shutil.which("uv", path=Path(sys.executable).parent) or shutil.which("uv")
    if uv is None:
        pytest.skip("needs uv (pip install .[dev])")
    folder = tmp_path_factory.mktemp("environment") / "bare"
    command(uv, "venv", "--quiet", "--python", sys.executable, folder)
    python = folder / "bin" / "python"
    command(uv, "pip", "install", "--quiet", "--python", python, "--constraint", LOCK, *NEEDED)
    return python


@pytest.fixture(scope="module")
def found(bare: Path, store: Path) -> dict[str, Any]:
    """What the recipe finds where there is nothing else; its folder holds the store."""
    code = "import warnings\nwarnings.simplefilter('error')\n" + recipe() + ASKED
    done = subprocess.run(
        [bare, "-I", "-c", code], cwd=store.parent, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1].removeprefix("FIGURES "))


def yearly(summary: dict[str, Any]) -> np.ndarray:
    """(quantile, scenario, year) of the total, from a summary."""
    totals = [r for r in summary["yearly"] if r["product"] == "total"]
    scenarios = list(dict.fromkeys(r["scenario"] for r in totals))
    own = [[r for r in totals if r["scenario"] == name] for name in scenarios]
    return np.array([[[r[q] for r in several] for several in own] for q in QUANTILES])


@pytest.mark.integration  # makes an environment from the package index
def test_the_environment_is_bare(found: dict[str, Any]) -> None:
    assert found["there"] == []
    pinned = dict(re.findall(r"^([\w-]+)==(\S+)", LOCK.read_text(encoding="utf-8"), re.MULTILINE))
    assert found["versions"] == {name: pinned[name] for name in NEEDED}


@pytest.mark.integration
def test_totals_by_year_are_those_of_summary(
    found: dict[str, Any], store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["summary", str(store), "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert found["scenarios"] == list(dict.fromkeys(r["scenario"] for r in summary["yearly"]))
    assert [str(year) for year in found["years"]] == ["2025", "2026"]
    # (quantile, scenario, year) on both sides
    np.testing.assert_allclose(found["plain"], yearly(summary), rtol=ROUNDING)


@pytest.mark.integration
def test_weighted_totals_are_those_of_summary(found: dict[str, Any], store: Path) -> None:
    wanted = yearly(summarize(open_weighted(store, "evidence")))
    np.testing.assert_allclose(found["weighted"], wanted, rtol=ROUNDING)
    assert not np.allclose(found["weighted"], found["plain"])


@pytest.mark.integration
def test_labels_select_and_only_the_cast_to_str_fails(found: dict[str, Any]) -> None:
    assert found["products"] == found["as objects"] == ["accelerator", "handset", "trainer"]
    assert found["one"] == 3
    assert found["cast"]
    assert found["cast of values"]


def test_labels_open_in_plain_xarray_as_the_recipe_says(finished_once: Path) -> None:
    with xr.open_zarr(finished_once) as ds:
        products = ds["product"]
        if products.dtype.kind != "T":
            pytest.skip("NumPy before 2.0 has no StringDType, and Zarr gives objects")
        with pytest.raises(TypeError, match="StringDType"):
            products.astype(str)
        assert products.astype(object).values.tolist() == products.values.tolist()
        assert (ds["product_kind"] == "ai").values.tolist() == [True, False, True]
