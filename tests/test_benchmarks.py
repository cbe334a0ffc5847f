"""The benchmarks run, and the two programs that are timed side by side are the same model."""

import subprocess
import sys

import numpy as np
import pytest

from tests.paths import ROOT
from tests.scripts import script
from yieldsim.analysis.supply.binding import flag_names

FOLDER = ROOT / "benchmarks"
SCRIPTS = sorted(path.name for path in FOLDER.glob("bench_*.py"))
DRAWS = 4_000
# what each script must have printed by its end
TABLES = {
    "bench_analyst.py": ("the same model", "Speed", "Where the time", "Peak memory"),
    "bench_baseline.py": ("Speed", "Where the time", "readable twin", "Commands"),
    "bench_condition.py": ("2,000 realizations of 20 inputs", "weighted quantiles"),
    "bench_flow.py": ("Beside the twin", "readable twin, CPython", "two, two cores"),
    "bench_fluid.py": ("mean absolute error", "mixed fleet", "ms per realization"),
    "bench_growth.py": ("products from 1, shares", "bins", "layers", "to a store", "slope"),
    "bench_maps.py": ("maps, sinf", "Defects, KLARF 1.2", "Defects, KLARF 1.8", "CPU us a map"),
    "bench_mix.py": ("of shares", "linear program", "adds under the same luck", "planner reaches"),
    "bench_page.py": ("The page of 64 realizations of the baseline", "peak MiB"),
    "bench_published.py": ("SMT2020's high-volume line",),
    "bench_scale.py": (
        "CPU ms each further",
        "Reading 64 realizations",
        "Reading 400 realizations",
    ),
    "bench_sensitivity.py": ("2,000 realizations of 20 inputs", "720"),
    "bench_speed.py": (
        "nothing compiled",
        "two threads over one",
        "over filling words",
        "asked for",
    ),
    "bench_store.py": ("run to a store", "CPU ms each", "compression", "2 processes"),
    "bench_wafer.py": ("plain Poisson", "32-core harvest", "Expected beside points"),
}


@pytest.fixture(scope="module")
def bench():
    with script("benchmarks", "bench_analyst") as module:
        yield module


@pytest.fixture(scope="module")
def ensemble(bench):
    return bench.engine(DRAWS, 1, None)


def test_every_benchmark_is_run_here():
    assert set(SCRIPTS) == set(TABLES)


@pytest.mark.slow
@pytest.mark.parametrize("name", SCRIPTS)
def test_benchmark_runs(name):
    command = [sys.executable, str(FOLDER / name), "--quick"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert [text for text in TABLES[name] if text not in done.stdout] == []


def test_numpy_and_engine_agree_draw_by_draw(bench, ensemble):
    # bench.ROUNDING: single precision in the store, 2^-24 = 6e-8 relative, with room for sums
    assert bench.same_draws_error(ensemble) < bench.ROUNDING


def test_both_constraints_of_the_small_model_matter(ensemble):
    """Else dies or memory could be wrong in one of the two without a trace."""
    binding = ensemble["binding"].isel(scenario=0, product=0)
    names = flag_names(ensemble)
    memory = float((binding == names.index("memory")).mean())
    assert 0.05 < memory < 0.95


@pytest.mark.statistical
def test_numpy_and_engine_have_the_same_quantiles(bench, ensemble):
    packages = bench.analyst.simulate(DRAWS, bench.NUMPY_SEED)
    _, _, z = bench.z_scores(packages, bench.supply(ensemble))
    assert z.shape == (17, 3)
    assert np.abs(z).max() < bench.MAX_Z
    # The comparison can fail: a tenth more is 9 standard errors of a median of 4,000 draws, whose
    # relative error is 1.25 * 0.4 / sqrt(4000) = 0.8 %, 1.1 % for the difference of two.
    _, _, wrong = bench.z_scores(1.1 * packages, bench.supply(ensemble))
    assert np.abs(wrong).max() > bench.MAX_Z
