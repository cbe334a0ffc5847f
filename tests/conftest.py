"""What every test shares: reproducible hypothesis runs and figures without a display."""

import gc
import os
import pickle
import signal
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from tests.examples import USUAL_EXAMPLES

# Before anything imports matplotlib: the tests draw into files only.
os.environ["MPLBACKEND"] = "Agg"

# derandomize: the same examples every time, so a failure in CI is a failure here.
# No deadline: the first example of a kernel compiles it, which takes seconds.
hypothesis.settings.register_profile(
    "yieldsim", derandomize=True, deadline=None, max_examples=USUAL_EXAMPLES
)
hypothesis.settings.load_profile("yieldsim")

gc.set_threshold(100_000, 20, 10)  # what is collected stays; looking through it takes seconds

# Compiling the simulation takes the better part of a minute. Workers take files in turn: one starts
# with the first file, which compiles it, the other with folders that can do without.
FIRST = "tests/supply/test_parameter_effects.py"
WITHOUT = ("tests/wafer/", "tests/closed_form/", "tests/sampling/", "tests/flow/")
# The longest files come before the many short ones, so that both workers end at the same time.
LONG = (
    "tests/supply/planner/",
    "tests/supply/test_twin.py",
    "tests/models/test_scenarios_baseline.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort files so that two workers do not compile the same at once, and end together."""

    def order(item: pytest.Item) -> int:
        if item.nodeid.startswith(FIRST):
            return 0
        if item.nodeid.startswith(WITHOUT):
            return 1
        return 2 if item.nodeid.startswith(LONG) else 3

    items.sort(key=order)


def pytest_collection_finish() -> None:
    """Leave tests and libraries out of garbage collections, which took 7 % of the time."""
    gc.freeze()
    gc.set_threshold(10_000, 20, 10)


@pytest.fixture
def ctrl_c_is_heard() -> Iterator[None]:
    """Ctrl-C interrupts this process and those it starts, whatever the tests were started with.

    Under nohup and in the background jobs of many CI systems SIGINT is ignored on entry, and a
    process passes that on to its children. A handler is not passed on: children start with the
    default.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def hangup_is_heard() -> Iterator[None]:
    """SIGHUP ends the children of a test, although nohup lets this process ignore it.

    A handler is not passed on: children start with the default.
    """
    before = signal.signal(signal.SIGHUP, lambda number, frame: None)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.fixture(scope="session", autouse=True)
def shipped_models_are_read_once() -> Iterator[None]:
    """Tests ask for the baseline some thousand times; no test changes the shipped files."""
    from yieldsim.model import load
    from yieldsim.model.files.toml import SHIPPED

    @cache
    def stored(path: Path) -> bytes:
        return pickle.dumps(read_model(path))

    def remembered(path: Path, allow_outside: Iterable[str | Path] = ()) -> Any:
        outside = tuple(allow_outside)
        shipped = path.parent == SHIPPED and path.is_file() and not outside
        return pickle.loads(stored(path)) if shipped else read_model(path, outside)

    read_model = load.read_model
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(load, "read_model", remembered)
        patch.setattr(load, "_checked_model", lru_cache(64)(load._checked_model.__wrapped__))
        yield


@pytest.fixture(scope="session")
def finished_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished store of four blocks, to be copied before it is spoiled."""
    from tests.ensemble.fake import make_store
    from yieldsim.ensemble import Folder, finalize

    path = tmp_path_factory.mktemp("finished") / "x.zarr"
    make_store(Folder(path))
    finalize(Folder(path))
    return path
