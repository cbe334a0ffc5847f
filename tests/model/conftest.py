"""The models of these tests."""

from pathlib import Path

import pytest

from tests.paths import TESTS

MODELS = TESTS / "models"


@pytest.fixture
def invalid(monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of invalid models, made the current one so that messages name bare files."""
    monkeypatch.chdir(MODELS / "invalid")
    return MODELS / "invalid"


@pytest.fixture
def sound() -> Path:
    """The sound model that the invalid ones extend."""
    return MODELS / "invalid" / "parts" / "sound.toml"
