"""Rules of the architecture: who may import whom, sizes, no machine paths.

Each rule is a function from a package folder to a list of violations.
"""

import ast
import re
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

# A module imports only what stands above it. `yieldsim/__init__.py` may import anything.
LAYERS = (
    "errors",
    "units",
    "version",
    "arithmetic",
    "outputs",
    "kernels",
    "closed_form",
    "model",
    "design",
    "sampling",
    "ensemble",
    "wafer",
    "supply",
    "flow",
    "execute",
    "analysis",
    "plots",
    "report",
    "cli",
    "__main__",
)
# What a kernel may see: arrays and compiled code. NamedTuples of arrays come from typing.
# Constants of units and of the results' codes are plain numbers that compile into the code.
KERNEL_IMPORTS = {
    "__future__",
    "math",
    "numba",
    "numpy",
    "typing",
    "yieldsim.kernels",
    "yieldsim.units",
    "yieldsim.outputs",
}
# The files of kernels/ that hold no kernel but how kernels are compiled and kept.
JIT_OPTIONS = {
    f"jit{name}.py" for name in ("", "_beside", "_cache", "_cells", "_notice", "_stage", "_tables")
}
STDLIB = sys.stdlib_module_names
MAX_MODULE_LINES = 400
MAX_KERNEL_LINES = 60
MAX_FOLDER_MODULES = 14  # beside its `__init__.py`

# Folders of one machine, in pieces so that this file does not name them itself.
MACHINE_PATH = re.compile(r"(?<![\w.$}])/(?:" + "|".join(("work", "tmp", "root", "home")) + r")/")
TEXT_SUFFIXES = {".py", ".toml", ".csv", ".md", ".ipynb", ".sh", ".yaml", ".lock", ".json", ".txt"}
TEXT_NAMES = {"Makefile", "run", "LICENSE", ".gitignore"}
CHECKED_FOLDERS = (".ci", "yieldsim", "models", "tests", "benchmarks", "notebooks", "runs")


def modules(package: Path) -> list[Path]:
    return sorted(package.rglob("*.py"))


def layer_of(path: Path, package: Path) -> str:
    """The layer that a file belongs to: `model/load.py` and `model.py` are both `model`."""
    return path.relative_to(package).parts[0].removesuffix(".py")


def is_kernel(path: Path, package: Path) -> bool:
    """Whether a file lies in a folder named `kernels`: the shared one or a simulator's own."""
    return "kernels" in path.relative_to(package).parts[:-1]


def imports(path: Path, package: Path) -> list[tuple[int, str]]:
    """Every import of a file, late ones too, as (line, absolute dotted name).

    `from a import b` gives `a.b`: whether b is a module or a name makes no difference here.
    """
    here = (package.name, *path.relative_to(package).with_suffix("").parts)
    return imports_of(path.read_text(encoding="utf-8"), here)


@cache
def imports_of(text: str, here: tuple[str, ...]) -> list[tuple[int, str]]:
    found: list[tuple[int, str]] = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            # One dot is the folder of the file, each further dot one folder up.
            base = here[: -node.level] if node.level else ()
            stem = ".".join([*base, *filter(None, [node.module])])
            found += [(node.lineno, f"{stem}.{alias.name}") for alias in node.names]
    return found


def direction_violations(package: Path) -> list[str]:
    """Imports within the package that point down the list of LAYERS, and files not on it."""
    rank = {layer: i for i, layer in enumerate(LAYERS)}
    found = []
    for path in modules(package):
        layer = layer_of(path, package)
        if layer == "__init__":
            continue
        place = path.relative_to(package)
        if layer not in rank:
            found.append(f"{place}: '{layer}' is not a layer, allowed are {', '.join(LAYERS)}")
            continue
        for line, name in imports(path, package):
            if name.split(".")[0] != package.name:
                continue
            target = name.split(".")[1]
            if target not in rank:
                found.append(f"{place}:{line}: imports {name}, which is not in a layer")
            elif rank[target] > rank[layer]:
                found.append(f"{place}:{line}: {layer} imports {target}, which stands below it")
    return found


def kernel_import_violations(package: Path) -> list[str]:
    """Kernels see numba, numpy and one another; `errors` sees the standard library."""
    found = []
    for path in modules(package):
        layer = layer_of(path, package)
        for line, name in imports(path, package):
            place = f"{path.relative_to(package)}:{line}"
            parts = name.split(".")
            head = ".".join(parts[:2]) if parts[0] == package.name else parts[0]
            inside = parts[0] == package.name and "kernels" in parts[1:]
            allowed = KERNEL_IMPORTS | (
                STDLIB | {"llvmlite"} if path.name in JIT_OPTIONS else set()
            )
            if is_kernel(path, package) and head not in allowed and not inside:
                found.append(f"{place}: a kernel imports {name}")
            if layer == "errors" and head not in STDLIB:
                found.append(f"{place}: errors imports {name}")
    return found


def zarr_violations(package: Path) -> list[str]:
    """`ensemble` is the only writer and reader of Zarr."""
    return [
        f"{path.relative_to(package)}:{line}: imports {name}"
        for path in modules(package)
        for line, name in imports(path, package)
        if name.split(".")[0] == "zarr" and layer_of(path, package) != "ensemble"
    ]


def body_lines(function: ast.FunctionDef) -> int:
    """Lines of a function from its `def`, without its docstring and decorators."""
    lines = (function.end_lineno or function.lineno) - function.lineno + 1
    if ast.get_docstring(function) is not None:
        docstring = function.body[0]
        lines -= (docstring.end_lineno or docstring.lineno) - docstring.lineno + 1
    return lines


def size_violations(package: Path) -> list[str]:
    """Modules and kernels that have grown past what can be read in one go."""
    found = []
    for path in modules(package):
        text = path.read_text(encoding="utf-8")
        place = path.relative_to(package)
        count = len(text.splitlines())
        if count > MAX_MODULE_LINES:
            found.append(f"{place}: {count} lines, allowed are {MAX_MODULE_LINES}")
        if not is_kernel(path, package):
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef) and body_lines(node) > MAX_KERNEL_LINES:
                found.append(
                    f"{place}:{node.lineno}: {node.name} has {body_lines(node)} lines, "
                    f"allowed are {MAX_KERNEL_LINES}"
                )
    return found


def folder_violations(package: Path) -> list[str]:
    """Folders with more modules than a reader takes in at once."""
    counts = Counter(path.parent for path in modules(package) if path.name != "__init__.py")
    return [
        f"{folder.relative_to(package)}: {count} modules, allowed are {MAX_FOLDER_MODULES}"
        for folder, count in sorted(counts.items())
        if count > MAX_FOLDER_MODULES
    ]


def rooms(folder: Path, package: Path) -> dict[str, set[str]]:
    """The modules and folders inside a folder, each with those beside it that it imports."""
    base = (package.name, *folder.relative_to(package).parts)
    graph: dict[str, set[str]] = {}
    for path in modules(folder):
        room = path.relative_to(folder).parts[0].removesuffix(".py")
        names = [tuple(name.split(".")) for _, name in imports(path, package)]
        inside = [name for name in names if name[: len(base)] == base and len(name) > len(base)]
        beside = {name[len(base)] for name in inside}
        graph.setdefault(room, set()).update(beside - {room})
    graph.pop("__init__", None)  # it may gather what the folder offers
    return {room: beside & graph.keys() for room, beside in graph.items()}


def circle_violations(package: Path) -> list[str]:
    """Modules and folders of a folder that import one another, directly or by others."""
    found = []
    for folder in sorted({path.parent for path in modules(package)} - {package}):
        graph = rooms(folder, package)
        while free := [room for room, beside in graph.items() if not beside & graph.keys()]:
            for room in free:
                del graph[room]
        if graph:
            found.append(f"{folder.relative_to(package)}: a circle through {', '.join(graph)}")
    return found


def text_files(root: Path) -> Iterator[Path]:
    """The project's own text: top-level files and CHECKED_FOLDERS, not what a run wrote."""
    yield from (path for path in sorted(root.iterdir()) if path.is_file() and is_text(path))
    for folder in CHECKED_FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            inside = path.relative_to(root).parts
            written = any(part.endswith(".zarr") or part == "__pycache__" for part in inside)
            if not written and path.is_file() and is_text(path):
                yield path


def is_text(path: Path) -> bool:
    return path.suffix in TEXT_SUFFIXES or path.name in TEXT_NAMES


def machine_path_violations(root: Path) -> list[str]:
    """Lines that name a folder which exists on one machine only."""
    return [
        f"{path.relative_to(root)}:{number}: {line.strip()[:100]}"
        for path in text_files(root)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if MACHINE_PATH.search(line)
    ]


RULES = {
    "direction": direction_violations,
    "kernel imports": kernel_import_violations,
    "zarr": zarr_violations,
    "size": size_violations,
    "folder": folder_violations,
    "circle": circle_violations,
}
