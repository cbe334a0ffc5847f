"""What is released: one version everywhere, and a wheel that works where nothing else is."""

import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

from tests.paths import ROOT

LOCK = ROOT / "requirements.lock"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
COMPILED_ONCE = "4"  # realizations of the baseline; its kernels come from the cache of the tests


def released(name: str, pattern: str) -> str:
    """The first match of a pattern in a file of the repository."""
    found = re.search(pattern, (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE)
    assert found is not None, f"{name}: no {pattern}"
    return found[1]


def test_one_version_everywhere():
    assert released("CITATION.cff", r"^version: (\S+)$") == PROJECT["version"]
    assert released("CHANGELOG.md", r"^## \[(\d\S*)\]") == PROJECT["version"]


def test_the_citation_has_the_date_of_the_changelog():
    date = released("CITATION.cff", r'^date-released: "(\S+)"$')
    assert released("CHANGELOG.md", r"^## \[\d\S*\] - (\S+)$") == date


def command(*arguments: str | Path, cwd: Path) -> str:
    """The output of a command; the test fails with its errors, and skips without a network."""
    done = subprocess.run(
        [*map(str, arguments)], cwd=cwd, capture_output=True, text=True, check=False
    )
    if "failed to fetch" in done.stderr.lower():
        pytest.skip(f"no package index: {done.stderr.strip().splitlines()[-1]}")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist of this checkout, and the wheel that is built from that sdist."""
    folder = tmp_path_factory.mktemp("dist")
    build = (sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT)
    command(*build, cwd=folder)
    return folder


@pytest.fixture(scope="module")
def program(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command of the wheel in an environment of its own, with the pinned versions."""
    uv = shutil.which("uv", path=Path(sys.executable).parent) or shutil.which("uv")
    if uv is None:
        pytest.skip("needs uv (pip install .[dev])")
    folder = tmp_path_factory.mktemp("environment")
    (wheel,) = built.glob("*.whl")
    command(uv, "venv", "--quiet", "--python", sys.executable, folder / "bare", cwd=folder)
    python = folder / "bare" / "bin" / "python"
    install = (uv, "pip", "install", "--quiet", "--python", python, "--constraint", LOCK, wheel)
    command(*install, cwd=folder)
    return python.with_name("yieldsim")


@pytest.mark.integration  # makes an environment from the package index
def test_the_files_hold_what_they_need(built: Path):
    version = PROJECT["version"]
    with zipfile.ZipFile(built / f"yieldsim-{version}-py3-none-any.whl") as wheel:
        names = set(wheel.namelist())
    assert "yieldsim/_models/baseline.toml" in names
    assert not [name for name in names if name.startswith(("tests/", "models/"))]
    with tarfile.open(built / f"yieldsim-{version}.tar.gz") as sdist:
        top = {name.split("/")[1] for name in sdist.getnames()}
    assert {"CHANGELOG.md", "CITATION.cff", "LICENSE", "README.md", "models", "tests"} <= top


@pytest.mark.integration
def test_the_wheel_runs_by_itself(program: Path, tmp_path: Path):
    assert PROJECT["version"] in command(program, "--version", cwd=tmp_path)
    run = ("run", "baseline", "--realizations", COMPILED_ONCE, "--seed", "7", "--out", "x.zarr")
    command(program, *run, cwd=tmp_path)
    assert f"{COMPILED_ONCE} realizations" in command(program, "summary", "x.zarr", cwd=tmp_path)
    command(program, "plot", "x.zarr", "--out", "x.png", cwd=tmp_path)
    assert (tmp_path / "x.png").stat().st_size > 0
