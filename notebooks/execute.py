"""Runs the notebooks on a store and keeps their outputs: `python notebooks/execute.py STORE`.

Names of notebooks may follow; by default all are run. Nothing is written unless all of them
succeed. It needs nbclient and ipykernel, and no Jupyter server.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

import nbclient
import nbformat

FOLDER = Path(__file__).resolve().parent
LARGEST_PNG_BYTES = 100_000  # a code host shows larger ones slowly, and Git keeps each forever
CELL_SECONDS = 600  # with compiling on a busy machine
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
# not those of the kernel itself, which would fail to shut down
STRICT = """
import warnings
warnings.simplefilter("error")
warnings.filterwarnings("default", module="ipykernel")
"""


def executed(path: Path, last: str = "") -> Any:
    """A notebook after a run in a kernel of its own, with warnings as errors.

    The kernel inherits the environment, and with it ``YIELDSIM_STORE``. ``last`` is the source of a
    cell that is run, and kept, after the others. Raises CellExecutionError if a cell fails.
    """
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(STRICT))
    if last:
        notebook.cells.append(nbformat.v4.new_code_cell(last))
    where = {"metadata": {"path": str(path.parent)}}
    options: dict[str, Any] = {"timeout": CELL_SECONDS, "record_timing": False}
    # a kernel warns of its own connection, which stays on this machine
    options["extra_arguments"] = ["--log-level=ERROR"]
    nbclient.NotebookClient(notebook, resources=where, **options).execute()
    del notebook.cells[0]
    for count, cell in enumerate(code_cells(notebook), start=1):
        cell.execution_count = count
        for output in cell.outputs:
            if "execution_count" in output:
                output.execution_count = count
    # the version of this Python would differ from machine to machine
    notebook.metadata = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    return notebook


def code_cells(notebook: Any) -> list[Any]:
    """The cells that have outputs."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def outputs_of(notebook: Any) -> list[Any]:
    """All outputs, in order."""
    return [output for cell in code_cells(notebook) for output in cell.outputs]


def pictures(notebook: Any) -> list[int]:
    """The sizes of all pictures in bytes."""
    texts = [output.get("data", {}).get("image/png") for output in outputs_of(notebook)]
    return [len(text.replace("\n", "")) * 3 // 4 for text in texts if text]


def problems(notebook: Any) -> list[str]:
    """What a notebook must not keep: errors and warnings, large pictures, cells out of order."""
    found = []
    for output in outputs_of(notebook):
        if output.output_type == "error":
            found.append(f"an error: {output.ename}")
        elif output.output_type == "stream" and output.name == "stderr":
            found.append(f"text on stderr: {output.text.strip()[:80]}")
    found += [
        f"a picture of {size:,} bytes, allowed are {LARGEST_PNG_BYTES:,}"
        for size in pictures(notebook)
        if size > LARGEST_PNG_BYTES
    ]
    counts = [cell.execution_count for cell in code_cells(notebook)]
    if counts != list(range(1, len(counts) + 1)):
        found.append(f"cells that were not run in order: {counts}")
    return found


def main(store: str, *names: str) -> int:
    """Run the notebooks, and write them back with their outputs. Returns the exit code."""
    os.environ["YIELDSIM_STORE"] = str(Path(store).resolve())
    os.environ.pop("MPLBACKEND", None)  # the kernel's own draws into the notebook
    paths = [FOLDER / f"{Path(name).stem}.ipynb" for name in names] or sorted(
        FOLDER.glob("*.ipynb")
    )
    missing = [path.stem for path in paths if not path.is_file()]
    if missing:
        known = ", ".join(path.stem for path in sorted(FOLDER.glob("*.ipynb")))
        print(f"no notebook {', '.join(missing)}; there are: {known}", file=sys.stderr)
        return 2
    done = []
    for path in paths:
        start = time.perf_counter()
        try:
            done.append(executed(path))
        except nbclient.exceptions.CellExecutionError as error:
            problem = f"{error.ename}: {error.evalue}"
            print(f"nothing is written: {path.name}: {problem}", file=sys.stderr)
            return 1
        sizes = pictures(done[-1])
        seconds = time.perf_counter() - start
        print(f"{path.name}: {seconds:.0f} s, {len(sizes)} pictures, {sum(sizes):,} bytes")
    wrong = [f"{p.name}: {w}" for p, n in zip(paths, done, strict=True) for w in problems(n)]
    if wrong:
        print("nothing is written:", "; ".join(wrong), file=sys.stderr)
        return 1
    for path, notebook in zip(paths, done, strict=True):
        nbformat.write(notebook, path)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]) if len(sys.argv) > 1 else f"usage: {sys.argv[0]} STORE [NAME...]")
