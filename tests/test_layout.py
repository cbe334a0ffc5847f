"""The architecture, held by reading the source.

The rules are in `layout_rules.py`. Tests show on a small made-up package that each rule finds what
it forbids.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.layout_rules import (
    MAX_FOLDER_MODULES,
    MAX_KERNEL_LINES,
    MAX_MODULE_LINES,
    RULES,
    circle_violations,
    folder_violations,
    machine_path_violations,
    modules,
    text_files,
)
from tests.paths import ROOT

PACKAGE = ROOT / "yieldsim"
# Imported by a command that needs them, never by `yieldsim --help`, which must answer in 0.3 s.
HEAVY = {"matplotlib", "numba", "numpy", "pandas", "scipy", "xarray", "zarr"}


@pytest.mark.parametrize("rule", RULES)
def test_the_package_keeps_the_rule(rule: str) -> None:
    assert modules(PACKAGE), "no module was found, so the rule would hold for nothing"
    assert RULES[rule](PACKAGE) == []


def test_no_file_names_a_folder_of_one_machine() -> None:
    checked = [path.name for path in text_files(ROOT)]
    assert {"pyproject.toml", "Makefile", "test_layout.py", "run"} <= set(checked)
    assert machine_path_violations(ROOT) == []


FORBIDDEN = {
    "a name from below": (
        "direction",
        "model/load.py",
        "from yieldsim.supply import compile",
    ),
    "a layer from below": ("direction", "units.py", "from yieldsim import model"),
    "by dots": ("direction", "kernels/philox.py", "from ..supply import simulate"),
    "by dots alone": ("direction", "sampling.py", "from . import cli"),
    "late": ("direction", "analysis/tables.py", "def f():\n    import yieldsim.report"),
    "a public name": ("direction", "ensemble/write.py", "from yieldsim import load_model"),
    "a module not in the list": ("direction", "helpers.py", "import math"),
    "a library in a kernel": ("kernel imports", "kernels/dies.py", "import scipy.special"),
    "a simulator's other rooms in its kernels": (
        "kernel imports",
        "supply/kernels/dies.py",
        "from yieldsim.supply.compile import structure",
    ),
    "kernels of a simulator below": (
        "direction",
        "wafer/kernels/dies.py",
        "from yieldsim.supply.kernels.curves import between",
    ),
    "the model in a kernel": ("kernel imports", "kernels/dies.py", "from yieldsim import model"),
    "a file in a kernel": ("kernel imports", "kernels/dies.py", "import pathlib"),
    "a library in the JIT options": ("kernel imports", "kernels/jit.py", "import scipy"),
    "a library in errors": ("kernel imports", "errors.py", "import numpy"),
    "zarr elsewhere": ("zarr", "analysis/tables.py", "def f():\n    from zarr import open_group"),
    "a long module": ("size", "plots.py", "x = 1\n" * (MAX_MODULE_LINES + 1)),
    "a long kernel": ("size", "kernels/dies.py", "def f():\n" + "    x = 1\n" * MAX_KERNEL_LINES),
}
ALLOWED = {
    "a layer above": ("direction", "supply/simulate.py", "from yieldsim.wafer import sites"),
    "the same layer": ("direction", "model/load.py", "from .types import Fab"),
    "the version": ("direction", "ensemble/write.py", "from yieldsim.version import VERSION"),
    "another package": ("direction", "units.py", "import model.cli"),
    "the public names": ("direction", "__init__.py", "from yieldsim.cli import main"),
    "another kernel": ("kernel imports", "kernels/dies.py", "from yieldsim.kernels import philox"),
    "a simulator's own kernels": (
        "kernel imports",
        "supply/kernels/dies.py",
        "from yieldsim.supply.kernels.curves import between",
    ),
    "a kernel's tools": ("kernel imports", "kernels/dies.py", "import numpy as np\nimport numba"),
    "a path for the JIT cache": ("kernel imports", "kernels/jit.py", "from pathlib import Path"),
    "zarr in the store": ("zarr", "ensemble/write.py", "import zarr"),
    "just short enough": ("size", "plots.py", "x = 1\n" * MAX_MODULE_LINES),
    "a documented kernel": (
        "size",
        "kernels/dies.py",
        'def f():\n    """One.\n\n    Two.\n    """\n' + "    x = 1\n" * (MAX_KERNEL_LINES - 1),
    ),
}


def made_up_package(folder: Path, file: str, text: str) -> Path:
    path = folder / "yieldsim" / file
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    return folder / "yieldsim"


def test_a_circle_of_imports_is_found(tmp_path: Path) -> None:
    package = made_up_package(
        tmp_path, "analysis/totals.py", "def f():\n    import yieldsim.analysis.supply.demand"
    )
    supply = package / "analysis" / "supply"
    supply.mkdir()
    (supply / "demand.py").write_text("from yieldsim.analysis.records import Record")
    records = package / "analysis" / "records.py"
    records.write_text("from yieldsim.analysis import caption\n")
    (package / "analysis" / "__init__.py").write_text("from yieldsim.analysis import totals")
    assert circle_violations(package) == []
    records.write_text("from yieldsim.analysis.totals import Period\n")
    (violation,) = circle_violations(package)
    assert violation == "analysis: a circle through records, supply, totals"


def test_a_folder_holds_a_limited_number_of_modules(tmp_path: Path) -> None:
    package = made_up_package(tmp_path, "analysis/supply/__init__.py", "")
    folder = package / "analysis" / "supply"
    for number in range(MAX_FOLDER_MODULES):
        (folder / f"m{number}.py").write_text("", encoding="utf-8")
    assert folder_violations(package) == []
    (folder / "another.py").write_text("", encoding="utf-8")
    (violation,) = folder_violations(package)
    assert violation == "analysis/supply: 15 modules, allowed are 14"


@pytest.mark.parametrize("case", FORBIDDEN)
def test_a_rule_finds_what_it_forbids(case: str, tmp_path: Path) -> None:
    rule, file, text = FORBIDDEN[case]
    found = RULES[rule](made_up_package(tmp_path, file, text))
    assert len(found) == 1
    assert file in found[0]


@pytest.mark.parametrize("case", ALLOWED)
def test_a_rule_lets_the_rest_pass(case: str, tmp_path: Path) -> None:
    rule, file, text = ALLOWED[case]
    assert RULES[rule](made_up_package(tmp_path, file, text)) == []


@pytest.mark.parametrize(
    ("line", "is_machine_path"),
    [
        ("open('" + "/wo" + "rk/main/x')", True),
        ("see " + "/ho" + "me/me/x", True),
        ("models" + "/work" + "/x", False),
        ("$scratch/tmp/x", False),
        ("wafers per hour / work / x", False),
    ],
)
def test_machine_paths_are_told_from_other_slashes(
    line: str, is_machine_path: bool, tmp_path: Path
) -> None:
    (tmp_path / "notes.md").write_text(f"first\n{line}\n", encoding="utf-8")
    found = machine_path_violations(tmp_path)
    assert found == ([f"notes.md:2: {line}"] if is_machine_path else [])


def test_the_command_line_starts_without_the_heavy_libraries() -> None:
    code = "import sys, yieldsim.cli.main; print(*sorted({m.split('.')[0] for m in sys.modules}))"
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    loaded = set(result.stdout.split())
    assert "yieldsim" in loaded
    assert loaded & HEAVY == set()
