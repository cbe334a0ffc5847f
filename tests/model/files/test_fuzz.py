"""Random damage to a sound model gives a Model or a ModelError, never a traceback.

A damaged model that loads must also compile, and its draws must stay in their ranges.
"""

import copy
import datetime
import tomllib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.examples import examples
from tests.paths import INVALID
from yieldsim.errors import ModelError, UsageError
from yieldsim.model import BASELINE, Model, ModelFile, Quantity, load_file, parameters
from yieldsim.supply.compile import compile_model

SOUND = INVALID / "parts" / "sound.toml"
TEXT = SOUND.read_text(encoding="utf-8")
RAW = tomllib.loads(TEXT)


def places(item: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every table, key and list item."""
    keys = list(item) if isinstance(item, dict) else range(len(item) if type(item) is list else 0)
    return [*([path] if path else []), *(p for k in keys for p in places(item[k], (*path, k)))]


PLACES = places(RAW)
WORDS = ["", "a", "a.b", "source", "quarters", "value", "other", "n2", "accelerator", "full", "mm"]
WORDS += ["2025Q1", "1999Q4\n", "２０２４Q1", "delay", "level", "%", "lognormal", "\0", "é"]
NUMBERS = [0, 1, -1, 2, 0.5, 1e-300, 1e29, 1e300, -1e300, 2**80, 10**400, float("nan"), -0.0]
NUMBERS += [float("inf"), -float("inf")]
JUNK = [
    True,
    False,
    None,
    datetime.date(2025, 1, 1),
    datetime.time(1),
    [],
    {},
    [[]],
    [{}],
    [1, "a"],
]
JUNK += [{"value": 1}, {"ref": "delay"}, {"ref": "level"}, {"quarters": ["2025Q1"], "values": [1]}]
JUNK += [{"dist": "lognormal", "median": 1, "sigma": 0.5}, {"source": {"value": 1}}, {"": 1}]
JUNK += [{"dist": "uniform", "low": 0.2, "high": 0.8}, {"kind": "power"}, {"value": 1, "unit": "%"}]
VALUES = st.sampled_from([*WORDS, *NUMBERS, *JUNK]) | st.floats() | st.integers()


def node(raw: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        raw = raw[key]
    return raw


def damage(raw: Any, path: tuple[Any, ...], kind: str, value: Any, other: tuple[Any, ...]) -> None:
    """Change one place of a raw model, unless an earlier change removed it."""
    try:
        owner = node(raw, path[:-1])
        old = owner[path[-1]]
        if kind == "delete":
            del owner[path[-1]]
        elif kind == "replace":
            owner[path[-1]] = copy.deepcopy(value)
        elif kind == "copy":
            owner[path[-1]] = copy.deepcopy(node(raw, other))
        elif kind == "rename" and isinstance(owner, dict):
            owner[str(value)] = owner.pop(path[-1])
        elif kind == "add" and isinstance(old, dict):
            old[other[-1]] = copy.deepcopy(value)
        elif kind == "scale" and isinstance(old, int | float):
            owner[path[-1]] = old * value if isinstance(value, int | float) else -old
    except (KeyError, IndexError, TypeError, OverflowError):
        pass


DAMAGES = st.tuples(
    st.sampled_from(PLACES),
    st.sampled_from(["delete", "replace", "copy", "rename", "add", "scale"]),
    VALUES,
    st.sampled_from(PLACES),
)


def outcome(make: Callable[[], Model]) -> Model | None:
    """The model, or None if it is refused in one line."""
    try:
        return make()
    except (ModelError, UsageError) as error:
        message = str(error)
    assert message
    assert "\n" not in message
    return None


def check_draws(model: Model) -> None:
    compiled = compile_model(model)
    drawn, worlds = compiled.draw(1, 0, 8)
    assert np.isfinite(worlds).all()
    for parameter, column in zip(parameters(model), drawn.T, strict=True):
        if isinstance(parameter.item, Quantity) and parameter.spec.unit:
            spec = parameter.spec
            # conversion of a reference may round beyond a bound
            slack = 1e-12 * abs(column)
            assert (column >= spec.minimum - slack).all()
            assert (column <= spec.maximum + slack).all()
            assert not spec.above or (column > spec.minimum).all()


@examples(400)
@given(st.lists(DAMAGES, min_size=1, max_size=3))
def test_a_damaged_model_is_a_model_or_one_line(damages: list[Any]) -> None:
    raw = copy.deepcopy(RAW)
    for change in damages:
        damage(raw, *change)
    scenarios = raw.pop("scenarios", {})
    if not isinstance(scenarios, dict):
        scenarios = {"service_lost": scenarios}
    file = ModelFile("damaged", raw, scenarios)
    for scenario in [BASELINE, *scenarios]:
        model = outcome(lambda name=scenario: file.model(name))
        if model is None:
            return  # what is wrong with the baseline is wrong with every scenario
        check_draws(model)


@examples(100)
@given(st.sampled_from(PLACES), VALUES, st.sampled_from(["", ".x", ".", " "]))
def test_a_setting_is_a_model_or_one_line(path: tuple[Any, ...], value: Any, tail: str) -> None:
    file = ModelFile("set", {k: v for k, v in RAW.items() if k != "scenarios"}, {})
    text = f"{'.'.join(map(str, path))}{tail}={value if isinstance(value, str) else repr(value)}"
    outcome(lambda: file.with_changes([text]).model())


@examples(150)
@given(data=st.data())
def test_a_damaged_file_is_a_model_or_one_line(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    content = bytearray(TEXT.encode())
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(content) - 1))
        length = data.draw(st.integers(0, 30))
        content[at : at + length] = data.draw(st.binary(max_size=6) | st.just(b"\n[dies]\n"))
    path = tmp_path_factory.mktemp("damaged") / "model.toml"
    path.write_bytes(bytes(content[: data.draw(st.integers(1, len(content)))]))
    outcome(lambda: load_file(path).model())


TABLE = """extends = "base.toml"
[[table]]
file = "t.csv"
into = "processes.{process}.visits.{group}"
"""
ROWS = """process,group,value,dist,low,mode,high,source
n2,litho,,pert,30,40,50,made_up
n2,etch,9,,,,,
"""


@examples(100)
@given(data=st.data())
def test_a_damaged_table_is_a_model_or_one_line(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    (folder / "base.toml").write_text(TEXT, encoding="utf-8")
    (folder / "main.toml").write_text(TABLE, encoding="utf-8")
    content = bytearray(ROWS.encode())
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(content) - 1))
        length = data.draw(st.integers(0, 12))
        content[at : at + length] = data.draw(st.binary(max_size=4) | st.sampled_from([b",", b'"']))
    (folder / "t.csv").write_bytes(bytes(content))
    outcome(lambda: load_file(folder / "main.toml").model())
