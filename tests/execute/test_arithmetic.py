"""Machines that round otherwise do not compute blocks of one store."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ensemble.fake import MODEL, make_store, one_line
from tests.examples import thinned
from tests.paths import ROOT
from yieldsim.arithmetic import arithmetic
from yieldsim.ensemble import Folder, finalize, open_ensemble, read_stored, unmark
from yieldsim.ensemble.provenance import check_arithmetic
from yieldsim.errors import StoreError
from yieldsim.execute import work_store

PRINT = "from yieldsim.arithmetic import arithmetic; print(arithmetic())"


def digest_with(**variables: str) -> str:
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PRINT],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    return result.stdout.strip()


def test_every_process_of_a_machine_rounds_alike() -> None:
    assert digest_with(OPENBLAS_NUM_THREADS="1") == digest_with() == arithmetic()


@pytest.mark.parametrize(
    "variables",
    thinned(
        [
            {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA"},
            {"NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_SKX AVX512_ICL AVX512_SPR"},
        ],
        2,
    ),
)
def test_other_variants_of_a_function_are_noticed(variables: dict[str, str]) -> None:
    """Skipped on a machine whose variants agree: without FMA, AVX-512 or glibc."""
    values = (
        "import math, numpy as np; z = [k / 409.6 - 20 for k in range(16384)]; "
        "print(hash((tuple(map(math.exp, z)), tuple(np.exp(np.array(z)).tolist()))))"
    )
    command = [sys.executable, "-W", "ignore", "-c", values]
    environments = (dict(os.environ), {**os.environ, **variables})
    results = [
        subprocess.run(command, env=env, capture_output=True, check=True).stdout
        for env in environments
    ]
    if results[0] == results[1]:
        pytest.skip("this machine rounds alike with and without")
    assert digest_with(**variables) != arithmetic()


def test_a_machine_that_rounds_otherwise_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Folder(tmp_path / "x.zarr")
    make_store(place)
    unmark(place, [2])
    monkeypatch.setattr("yieldsim.ensemble.provenance.arithmetic", lambda: "0123")
    stored = read_stored(place)
    assert stored is not None
    with pytest.raises(StoreError) as error:
        check_arithmetic(stored)
    one_line(error, str(place), "rounds otherwise", "got '0123'", f"allowed: {arithmetic()}")
    with pytest.raises(StoreError, match="rounds otherwise"):
        work_store(place.path, blocks="2-2")
    monkeypatch.undo()
    check_arithmetic(stored)


def test_any_machine_may_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_store(Folder(tmp_path / "x.zarr"))
    finalize(Folder(tmp_path / "x.zarr"))
    monkeypatch.setattr("yieldsim.ensemble.provenance.arithmetic", lambda: "0123")
    chips = open_ensemble(tmp_path / "x.zarr")["usable_chips"]
    assert float(chips[0, 3, 0, 0]) == 3.0  # of realization 3


def nodes_alike() -> dict[str, str]:
    """The variables of runs/README.md that make nodes round alike."""
    lines = (ROOT / "runs" / "README.md").read_text(encoding="utf-8").splitlines()
    (line,) = [line for line in lines if line.startswith("export GLIBC_TUNABLES=")]
    pairs = (word.split("=", 1) for word in shlex.split(line)[1:])
    return dict(pairs)


def command(variables: dict[str, str], *words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "yieldsim", *map(str, words)],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def alike() -> dict[str, str]:
    variables = nodes_alike()
    if digest_with(**variables) == arithmetic():
        pytest.skip("this machine rounds alike with and without the variables")
    return variables


RUN = ("--realizations", 32, "--block-size", 16, "--seed", 5)


@pytest.mark.slow  # three processes; above is the refusal in this one
def test_a_task_without_the_variables_of_the_others_is_refused(
    tmp_path: Path, alike: dict[str, str]
) -> None:
    store = tmp_path / "x.zarr"
    assert command(alike, "init", MODEL, "--out", store, *RUN).returncode == 0
    refused = command({}, "work", store, "--blocks", 0)
    assert (refused.returncode, refused.stdout, refused.stderr.count("\n")) == (1, "", 1)
    assert "rounds otherwise" in refused.stderr
    assert "made alike (runs/README.md, mixed clusters)" in refused.stderr


@pytest.mark.slow
def test_tasks_with_the_same_variables_give_the_same_bits(
    tmp_path: Path, alike: dict[str, str]
) -> None:
    """Also where one compiles its kernels for any x86-64 processor, and the other for this one."""
    store, whole = tmp_path / "x.zarr", tmp_path / "whole.zarr"
    assert command(alike, "init", MODEL, "--out", store, *RUN).returncode == 0
    oldest = {**alike, "NUMBA_CPU_NAME": "x86-64"}
    for block, variables in enumerate((alike, oldest)):
        done = command(variables, "work", store, "--blocks", block)
        assert done.returncode == 0, done.stderr
    assert command(alike, "finalize", store).returncode == 0
    assert command(alike, "run", MODEL, "--out", whole, *RUN).returncode == 0
    chunks = [chunk for chunk in whole.rglob("c.*") if chunk.is_file()]
    assert len(chunks) > 20
    for chunk in chunks:
        assert chunk.read_bytes() == (store / chunk.relative_to(whole)).read_bytes(), chunk
