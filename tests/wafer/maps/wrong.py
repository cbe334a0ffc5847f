"""Wrong files: one line that names the place, never a traceback."""

from pathlib import Path

import pytest

from yieldsim.errors import YieldsimError
from yieldsim.wafer.maps.files import load_maps
from yieldsim.wafer.maps.options import PLAIN, ReadOptions


def refused(path: Path, words: list[str], options: ReadOptions = PLAIN) -> None:
    with pytest.raises(YieldsimError) as raised:
        load_maps(path, options)
    text = str(raised.value)
    assert "\n" not in text
    for word in (path.name, *words):
        assert word in text, text


def refused_text(folder: Path, name: str, text: str, words: list[str]) -> None:
    (folder / name).write_text(text, encoding="utf-8")
    refused(folder / name, words)
