"""Programs of benchmarks/ and runs/ as modules, for the tests."""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

import pytest

from tests.paths import ROOT


@contextmanager
def script(folder: str, name: str) -> Iterator[ModuleType]:
    """A module of a top-level folder, which is on the path as when the program is run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / folder))
        yield importlib.import_module(name)
