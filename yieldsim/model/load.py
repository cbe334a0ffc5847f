"""Reading model files: TOML with includes, `extends`, CSV tables and scenarios.

Loading only parses and merges; `schema` validates and `check` compares the parts. A file may say

- ``extends = "baseline"``: another model (a shipped name or a path) that it is laid over;
- ``include = ["fabs.toml", ...]``: parts of the same model, none of which may repeat another;
- ``[[table]] file = "visits.csv"  into = "processes.{process}.visits.{tool_group}"``: rows of a
  CSV file; columns in braces name the place, the others become its keys, and rows that share a
  place and have a ``quarter`` column become the points of a schedule;
- ``[scenarios.NAME]`` with ``title``, ``source``, ``grade`` and ``[scenarios.NAME.changes]``.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import ModelError
from .check import check_model
from .fields import ORIGIN
from .merge import Raw, join, merge, nested
from .messages import validate
from .schema import Model

BASELINE = "baseline"
_PACKAGE = Path(__file__).resolve().parent.parent
# inside the wheel the models lie in the package; in a source checkout beside it
SHIPPED = next(
    p
    for p in (_PACKAGE / "_models", _PACKAGE.parent / "models")
    if p.is_dir() or p.parent != _PACKAGE
)
SCENARIO_KEYS = ("title", "source", "grade", "note", "changes")


@dataclass(frozen=True)
class ModelFile:
    """The merged raw tables of a model file and its scenarios."""

    place: str
    raw: Raw
    scenarios: dict[str, Raw]

    def model(self, scenario: str = BASELINE) -> Model:
        """The validated model of one scenario (``baseline`` is the file without changes).

        Raises ModelError with the place, what was got and what is allowed.
        """
        raw = self.raw
        if scenario != BASELINE:
            raw = merge(raw, *self._changes(scenario))
        where = "" if scenario == BASELINE else f"scenario {scenario}: "
        model = validate(raw, where)
        check_model(model, where)
        return model

    def _changes(self, scenario: str) -> tuple[Raw, Raw]:
        if scenario not in self.scenarios:
            names = ", ".join([BASELINE, *sorted(self.scenarios)])
            raise ModelError("scenario", "unknown scenario", got=scenario, allowed=names)
        entry = self.scenarios[scenario]
        origin: Raw = {key: entry[key] for key in ORIGIN if key in entry}
        return entry["changes"], origin

    def with_changes(self, changes: Iterable[str]) -> ModelFile:
        """The same file with ``path=value`` settings laid over it (values in TOML)."""
        raw = self.raw
        for text in changes:
            raw = merge(raw, _parse_setting(text, raw), {"source": "setting", "grade": "assumed"})
            sources = raw.get("sources", {})
            raw["sources"] = {"setting": {"title": "given when the model was loaded"}, **sources}
        return ModelFile(self.place, raw, self.scenarios)

    def to_json(self) -> str:
        """The whole model as text, from which `from_json` makes it again."""
        content = {"place": self.place, "raw": self.raw, "scenarios": self.scenarios}
        return json.dumps(content, ensure_ascii=False, default=str)

    @classmethod
    def from_json(cls, text: str) -> ModelFile:
        """The inverse of `to_json`."""
        content = json.loads(text)
        return cls(content["place"], content["raw"], content["scenarios"])

    def digest(self, scenarios: Sequence[str] = ()) -> str:
        """SHA-256 of the tables and of the named scenarios: the identity of a run's model."""
        named = {name: self.scenarios.get(name) for name in scenarios}
        text = json.dumps([self.raw, named], default=str)
        return hashlib.sha256(text.encode()).hexdigest()


def load_file(name: str | Path) -> ModelFile:
    """Read a model file, or the model of that name that ships with the package.

    Raises ModelError for a file that is missing, unreadable, truncated or not TOML.
    """
    path = find_model(str(name))
    raw, scenarios = _read_model(path, ())
    for key, entry in scenarios.items():
        _check_scenario(key, entry)
    return ModelFile(path.stem, raw, scenarios)


def load_model(name: str | Path, scenario: str = BASELINE, changes: Iterable[str] = ()) -> Model:
    """The validated model of a file or shipped name, in one scenario, with ``path=value`` changes.

    Raises ModelError with the place, the value got and what is allowed.
    """
    return load_file(name).with_changes(changes).model(scenario)


def find_model(name: str) -> Path:
    """The path of a model file, or of a shipped model by its name."""
    path = Path(name)
    if path.suffix == ".toml" or path.exists():
        if path.is_file():
            return path
        problem = "is not a file" if path.exists() else "no such file"
        raise ModelError(name, problem, allowed="a TOML model file or a shipped model's name")
    shipped = SHIPPED / f"{name}.toml"
    if not shipped.is_file():
        names = ", ".join(sorted(p.stem for p in SHIPPED.glob("*.toml")))
        raise ModelError(
            "model",
            "no such file or shipped model",
            got=name,
            allowed=f"a .toml file, or one of: {names}",
        )
    return shipped


def _read_model(path: Path, trail: tuple[Path, ...]) -> tuple[Raw, dict[str, Raw]]:
    """A file with its parts, laid over what it extends."""
    chain = (*trail, path.resolve())
    if path.resolve() in trail:
        names = " -> ".join(p.name for p in chain)
        raise ModelError(f"{path.name}: extends", f"a model cannot extend itself ({names})")
    raw = _read_toml(path)
    base: Raw = {}
    base_scenarios: dict[str, Raw] = {}
    extends = raw.pop("extends", None)
    if extends is not None:
        _must_be_text(extends, f"{path.name}: extends")
        beside = path.parent / extends
        found = beside if beside.suffix == ".toml" else find_model(extends)
        base, base_scenarios = _read_model(found, chain)
    own = join([(path.name, _without_parts(raw)), *_parts(raw, path, (path.resolve(),))])
    scenarios = own.pop("scenarios", {})
    if not isinstance(scenarios, dict):
        raise ModelError("scenarios", "must be a table", got=scenarios)
    return merge(base, own), {**base_scenarios, **scenarios}


def _without_parts(raw: Raw) -> Raw:
    return {key: item for key, item in raw.items() if key not in ("include", "table")}


def _parts(raw: Raw, path: Path, trail: tuple[Path, ...]) -> list[tuple[str, Raw]]:
    """The included files and CSV tables of a file, each with its name."""
    parts: list[tuple[str, Raw]] = []
    include = raw.get("include", [])
    if not isinstance(include, list):
        raise ModelError(f"{path.name}: include", "must be a list of file names", got=include)
    for name in include:
        _must_be_text(name, f"{path.name}: include")
        part_path = path.parent / name
        if part_path.resolve() in trail:
            names = " -> ".join(p.name for p in (*trail, part_path))
            raise ModelError(f"{path.name}: include", f"a part cannot include itself ({names})")
        part = _read_toml(part_path)
        parts.append((name, _without_parts(part)))
        parts += _parts(part, part_path, (*trail, part_path.resolve()))
    tables = raw.get("table", [])
    if not isinstance(tables, list):
        raise ModelError(f"{path.name}: table", "must be [[table]] entries", got=tables)
    for number, table in enumerate(tables):
        parts += _table(table, path, f"{path.name}: table[{number}]")
    return parts


def _read_toml(path: Path) -> Raw:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelError(str(path), "no such file") from None
    except OSError as error:
        raise ModelError(str(path), f"cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise ModelError(str(path), "is not a text file in UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise ModelError(str(path), f"is not valid TOML: {error}") from None


def _table(table: Any, path: Path, where: str) -> list[tuple[str, Raw]]:
    if not isinstance(table, dict) or set(table) != {"file", "into"}:
        raise ModelError(where, "needs exactly the keys file and into", got=table)
    _must_be_text(table["file"], where)
    _must_be_text(table["into"], where)
    columns = re.findall(r"{(\w+)}", table["into"])
    gathered: dict[str, Raw] = {}
    for line, row in _rows(path.parent / table["file"], columns):
        place = table["into"].format(**{name: row.pop(name) for name in columns})
        entry = gathered.setdefault(place, {})
        _add_row(entry, row, f"{table['file']} line {line}")
    return [(table["file"], nested(place, entry)) for place, entry in gathered.items()]


def _rows(path: Path, columns: list[str]) -> list[tuple[int, dict[str, str]]]:
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            reader = csv.DictReader(stream, strict=True)
            rows = [(reader.line_num, row) for row in reader]
            names = reader.fieldnames or []
    except FileNotFoundError:
        raise ModelError(str(path), "no such file") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ModelError(str(path), f"cannot be read ({error})") from None
    missing = [name for name in columns if name not in names]
    if missing:
        raise ModelError(path.name, f"lacks the columns {', '.join(missing)}", got=", ".join(names))
    for line, row in rows:
        if None in row or None in row.values():
            raise ModelError(
                f"{path.name} line {line}",
                "truncated or ragged row",
                allowed=f"{len(names)} columns: {', '.join(names)}",
            )
    return rows


def _add_row(entry: Raw, row: dict[str, str], where: str) -> None:
    points = "quarter" in row
    for key, text in row.items():
        if not text.strip():
            continue
        item = _number_or_text(text.strip())
        if points and key in ("quarter", "value", "low", "high"):
            name = {"quarter": "quarters", "value": "values"}.get(key, key)
            entry.setdefault(name, []).append(item)
        elif key.endswith("_ref"):
            entry[key.removesuffix("_ref")] = {"ref": item}
        elif entry.setdefault(key, item) != item:
            raise ModelError(
                where, f"column {key} differs within one series", got=item, allowed=str(entry[key])
            )


def _number_or_text(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _parse_setting(text: str, raw: Raw) -> Raw:
    path, equals, value = text.partition("=")
    if not equals or not path.strip():
        raise ModelError("--set", "must be path=value", got=text)
    try:
        item = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        try:
            item = tomllib.loads(f"value = '''{value.strip()}'''")["value"]
        except tomllib.TOMLDecodeError as error:
            raise ModelError("--set", f"is not a TOML value ({error})", got=text) from None
    node: Any = raw
    for key in path.strip().split("."):
        node = node.get(key, {}) if isinstance(node, dict) else {}
    is_number = isinstance(item, int | float) and not isinstance(item, bool)
    if is_number and isinstance(node, dict) and node:
        item = {"value": item, "unit": node["unit"]} if "unit" in node else {"value": item}
    return nested(path.strip(), item)


def _check_scenario(name: str, entry: Any) -> None:
    where = f"scenarios.{name}"
    if not isinstance(entry, dict):
        raise ModelError(where, "must be a table", got=entry)
    for key in entry:
        if key not in SCENARIO_KEYS:
            raise ModelError(where, "unknown key", got=key, allowed=", ".join(SCENARIO_KEYS))
    if not isinstance(entry.get("changes"), dict) or not entry["changes"]:
        raise ModelError(where, "needs a table of changes, got none")


def _must_be_text(item: Any, where: str) -> None:
    if not isinstance(item, str):
        raise ModelError(where, "must be a text", got=item)
