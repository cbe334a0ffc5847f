"""Every model of tests/models/invalid is refused in one line, at the place and for the value given.

Its first comment is ``# at: PLACE``. The second is ``# got: VALUE`` or, where there is no value to
show, ``# says: WORDS`` of the message. Some models add ``# allowed: ...`` and ``# file: ...``, the
file, line and column that the message begins with. Every message names a file.
"""

import re
from pathlib import Path

import pytest

from tests.paths import INVALID
from yieldsim.errors import ModelError
from yieldsim.model import BASELINE, load_file

NAMES = sorted(path.stem for path in INVALID.glob("*.toml"))


def check(name: str) -> None:
    """All that a model file must pass before it is compiled."""
    file = load_file(name)
    for scenario in [BASELINE, *file.scenarios]:
        file.model(scenario)


def test_the_model_that_they_extend_is_sound(invalid: Path) -> None:
    check("parts/sound.toml")


@pytest.mark.parametrize("name", NAMES)
def test_an_invalid_model_is_refused(name: str, invalid: Path) -> None:
    lines = (invalid / f"{name}.toml").read_text(encoding="utf-8").splitlines()
    expected = dict(line[2:].split(": ", 1) for line in lines[:4] if re.match("# [a-z]+: ", line))
    with pytest.raises(ModelError) as caught:
        check(f"{name}.toml")
    message = str(caught.value)
    assert caught.value.where == expected["at"]
    assert (
        f", got {expected['got']}" in message if "got" in expected else expected["says"] in message
    )
    assert expected.get("allowed", "") in message
    assert expected.get("file", caught.value.file) == caught.value.file
    assert re.search(r"\w\.(toml|csv)\b", message)
    assert "\n" not in message


def test_an_empty_file_is_an_empty_model(tmp_path: Path) -> None:
    path = tmp_path / "empty.toml"
    path.touch()
    with pytest.raises(ModelError, match=r"^empty.toml: name: is missing \(and 7 more\)$"):
        check(str(path))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a = " + "[" * 9999 + "]" * 9999, "is nested too deeply; allowed: 16 levels"),
        ("a" + ".a" * 2999 + " = 1", "is nested too deeply; allowed: 16 levels"),
        ("a = " + "9" * 5000, "is not valid TOML: Exceeds the limit"),
        ("a = 0x" + "f" * 5000, "must be a finite number, got more than 1e30; allowed: 64 bits"),
        ('include = ["a\\u0000b"]', "no such file, got 'a\\x00b'"),
        (f'include = ["{"a" * 5000}"]', "cannot be read (file name too long)"),
        ('[[table]]\nfile = "a\\u0000b"\ninto = "dies.{die}"', "embedded null"),
    ],
)
def test_what_breaks_a_parser_is_one_line(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "broken.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ModelError) as caught:
        check(str(path))
    assert message in str(caught.value)
    assert len(str(caught.value)) < 6000
    assert "\n" not in str(caught.value)


def test_a_folder_and_a_broken_name_are_no_model(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="is not a file"):
        check(str(tmp_path))
    with pytest.raises(ModelError, match="cannot be read"):
        check("x" * 5000)


def test_a_loop_of_links_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "a.toml").symlink_to(tmp_path / "b.toml")
    (tmp_path / "b.toml").symlink_to(tmp_path / "a.toml")
    with pytest.raises(ModelError, match="no such file"):
        check(str(tmp_path / "a.toml"))


def test_a_file_must_be_utf_8(tmp_path: Path) -> None:
    path = tmp_path / "latin.toml"
    path.write_bytes(b'title = "caf\xe9"\n')
    with pytest.raises(ModelError) as caught:
        check(str(path))
    assert str(caught.value) == "latin.toml: is not a text file in UTF-8"


def test_an_unreadable_part_is_named(tmp_path: Path) -> None:
    path = tmp_path / "main.toml"
    path.write_text('[[table]]\nfile = "bad.csv"\ninto = "dies.{die}"\n', encoding="utf-8")
    for content, problem in {
        b"die,width_mm\nphone,10\xe9\n": "bad.csv: is not a text file in UTF-8",
        b'die,width_mm\nphone,"10\n': "bad.csv line 2: cannot be read (unexpected end of data)",
        b"die,die\nphone,10\n": "bad.csv line 1: has a column twice, got die, die",
    }.items():
        (tmp_path / "bad.csv").write_bytes(content)
        with pytest.raises(ModelError) as caught:
            check(str(path))
        assert str(caught.value) == problem
