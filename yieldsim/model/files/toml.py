"""Reading model files: TOML with `extends`, included parts and CSV tables.

This only parses and merges; the contents of a model are checked later.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from yieldsim.errors import ModelError
from yieldsim.model.files.allowed import AllowedFiles, read_text, reason_of
from yieldsim.model.files.csv import read_table
from yieldsim.model.files.entities import check_added
from yieldsim.model.files.merge import Raw, join, merge
from yieldsim.model.files.origins import Part, Places, places_of
from yieldsim.model.files.scenarios import without_stale_correlations
from yieldsim.model.schema.values import shown

_PACKAGE = Path(__file__).resolve().parents[2]
# the wheel has the models inside the package, a source checkout beside it
SHIPPED = next(
    p
    for p in (_PACKAGE / "_models", _PACKAGE.parent / "models")
    if p.is_dir() or p.parent != _PACKAGE
)
_DEEPEST = 16  # levels of tables; a model needs seven
_LARGEST_INTEGER = 2**63
_MODELS = "a TOML model file or a shipped model's name"
_NEAR = "a path from the file's own folder"


def find_model(name: str, where: str = "model") -> Path:
    """The path of a model file, or of a shipped model by its name.

    Raises ModelError at ``where`` if there is neither.
    """
    path = Path(name)
    # a folder is no model: `run` puts the store of a model `x` where `--out x` says
    if path.suffix == ".toml" or (_exists(path, name) and not path.is_dir()):
        _must_be_file(path, name, None, _MODELS)
        return path
    beside = {p.stem: p for p in sorted(SHIPPED.glob("*.toml"))}
    if name in beside and _is_model(beside[name]):
        return beside[name]
    if _exists(path, name):
        _must_be_file(path, name, None, _MODELS)
    shipped = [stem for stem, p in beside.items() if _is_model(p)]
    allowed = f"a .toml file, or one of: {', '.join(shipped)}"
    raise ModelError(where, "no such file or shipped model", got=name, allowed=allowed)


def _exists(path: Path, place: str) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError) as error:  # a name that is too long or holds a NUL
        raise ModelError(shown(place), f"cannot be read ({reason_of(error)})") from None


def _must_be_file(path: Path, where: str, got: str | None, allowed: str) -> None:
    if not _exists(path, where):
        raise ModelError(where, "no such file", got=got, allowed=allowed)
    if not path.is_file():
        raise ModelError(where, "is not a file", got=got, allowed=allowed)


def _must_be_part(path: Path, files: AllowedFiles, where: str, got: str) -> None:
    files.check_inside(path, where, got)
    _must_be_file(path, where, got, _NEAR)


def _is_model(path: Path) -> bool:
    # only a whole model has a name, not its parts beside it
    return _tables(read_text(path, path.name), path.name).get("name") == path.stem


@dataclass(frozen=True)
class Tables:
    """The raw tables of a model file and of its scenarios, and where each key stands."""

    raw: Raw
    scenarios: dict[str, Any]
    places: Places


def read_model(path: Path, allow_outside: Iterable[str | Path] = ()) -> Tables:
    """The tables of a file, with its parts and the model that it extends.

    ``allow_outside`` are folders beside the model's own that its parts may lie in. Raises
    ModelError for a file that is missing, unreadable, truncated, cyclic, contradictory, outside
    the folders or too large.
    """
    return _read_model(path, AllowedFiles([path.parent, SHIPPED, *allow_outside]), ())


def _read_model(path: Path, files: AllowedFiles, trail: tuple[Path, ...]) -> Tables:
    raw = _tables(files.read(path, path.name), path.name)
    here = path.resolve()
    base = Tables({}, {}, {})
    if "extends" in raw:
        where = f"{path.name}: extends"
        name = _text(raw.pop("extends"), where)
        beside = path.parent / name
        extended = beside if beside.suffix == ".toml" else find_model(name, where)
        _must_be_part(extended, files, where, name)
        _refuse_cycle(extended, (*trail, here), where)
        files.check_depth(len(trail), where)
        base = _read_model(extended, files, (*trail, here))
        raw.setdefault("name", path.stem)  # not the name of the extended model
    parts = [Part(path.name, _without_parts(raw)), *_parts(raw, path, files, (here,))]
    own = join([(part.place, part.raw) for part in parts])
    places = base.places | places_of(parts) | {"": path.name}
    added = own.pop("scenarios", {})
    if not isinstance(added, dict):
        problem = f"must be a table, got {shown(added)}"
        raise ModelError("scenarios", problem, file=places.get("scenarios"))
    raw = merge(without_stale_correlations(base.raw, own), own)
    check_added(parts, base.raw, raw)
    return Tables(raw, {**base.scenarios, **added}, places)


def _without_parts(raw: Raw) -> Raw:
    return {key: item for key, item in raw.items() if key not in ("include", "table")}


def _parts(raw: Raw, path: Path, files: AllowedFiles, trail: tuple[Path, ...]) -> list[Part]:
    """The included files and CSV tables of a file."""
    parts: list[Part] = []
    where = f"{path.name}: include"
    for item in _list(raw.get("include", []), where, "a list of file names"):
        name = _text(item, where)
        part_path = path.parent / name
        _must_be_part(part_path, files, where, name)
        _refuse_cycle(part_path, trail, where)
        files.check_depth(len(trail), where)
        part = _tables(files.read(part_path, name), name)
        parts.append(Part(name, _without_parts(part)))
        parts += _parts(part, part_path, files, (*trail, part_path.resolve()))
    where = f"{path.name}: table"
    for number, table in enumerate(_list(raw.get("table", []), where, "[[table]] entries")):
        parts += read_table(table, path, files, f"{where}[{number}]")
    return parts


def _refuse_cycle(path: Path, trail: tuple[Path, ...], where: str) -> None:
    if path.resolve() in trail:
        names = " -> ".join(file.name for file in (*trail, path))
        raise ModelError(where, f"must not lead back to the same file, got {names}")


def _list(item: Any, where: str, what: str) -> list[Any]:
    if not isinstance(item, list):
        raise ModelError(where, f"must be {what}, got {shown(item)}")
    return item


def _text(item: Any, where: str) -> str:
    if not isinstance(item, str):
        raise ModelError(where, f"must be a text, got {shown(item)}")
    return item


def _tables(text: str, place: str) -> Raw:
    try:
        raw = tomllib.loads(text.replace("\r\n", "\n").replace("\r", "\n"))
    except RecursionError:
        raise ModelError(place, "is nested too deeply", allowed=f"{_DEEPEST} levels") from None
    except ValueError as error:  # or an integer with more digits than Python reads
        raise ModelError(place, f"is not valid TOML: {_toml_problem(str(error))}") from None
    _check_values(raw, place, "")
    return raw


def _toml_problem(text: str) -> str:
    """The message of tomllib; a key or table given twice in plain words."""
    text = text.replace("Cannot overwrite a value", "a key is given twice")
    table = re.match(r"Cannot declare \((.*)\) twice", text)
    if table is None:
        return text
    name = ".".join(re.findall(r"'([^']*)'", table[1]))
    return f"table [{name}] is given twice{text[table.end() :]}"


def _check_values(item: Any, place: str, path: str, depth: int = 0) -> None:
    """Refuse endless nesting and integers beyond the 64 bits of TOML."""
    where = f"{place}: {path}" if path else place
    if depth > _DEEPEST:
        raise ModelError(where, "is nested too deeply", allowed=f"{_DEEPEST} levels")
    if isinstance(item, dict):
        for key, entry in item.items():
            _check_values(entry, place, f"{path}.{key}" if path else key, depth + 1)
    elif isinstance(item, list):
        for number, entry in enumerate(item):
            _check_values(entry, place, f"{path}.{number}", depth + 1)
    elif isinstance(item, int) and not -_LARGEST_INTEGER <= item < _LARGEST_INTEGER:
        raise ModelError(where, f"must be a finite number, got {shown(item)}", allowed="64 bits")
