"""Model files and their scenarios.

Loading only parses and merges; `schema` validates and `check` compares the parts. A file may say

- ``extends = "baseline"``: another model (a shipped name or a path) that it is laid over;
- ``include = ["fabs.toml", ...]``: parts of the same model, none of which may repeat another;
- ``[[table]] file = "visits.csv"  into = "processes.{process}.visits.{tool_group}"``: rows of a
  CSV file (see `tables`);
- ``[scenarios.NAME]`` with ``title``, ``source``, ``grade`` and ``[scenarios.NAME.changes]``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import ModelError, UsageError
from .changes import check_scenario, parse_setting, without_stale_correlations
from .check import check_model
from .fields import ORIGIN
from .files import find_model, read_model
from .merge import Raw, merge
from .messages import validate
from .schema import Model

BASELINE = "baseline"
_SETTING = {"source": "setting", "grade": "assumed"}
_SETTING_TITLE = "given when the model was loaded"


@dataclass(frozen=True)
class ModelFile:
    """The merged raw tables of a model file and its scenarios."""

    place: str
    raw: Raw
    scenarios: dict[str, Raw]

    def model(self, scenario: str = BASELINE) -> Model:
        """The validated model of one scenario (``baseline`` is the file without changes).

        All scenarios have the same fabs, dies, products, ... in the same order. Raises ModelError
        with the place, what was got and what is allowed.
        """
        if scenario == BASELINE:
            raw, where = self.raw, ""
        else:
            changes, origin = self._changes(scenario)
            raw = merge(without_stale_correlations(self.raw, changes), changes, origin)
            where = f"scenario {scenario}: "
        model = validate(raw, where)
        check_model(model, where)
        return model

    def _changes(self, scenario: str) -> tuple[Raw, Raw]:
        if scenario not in self.scenarios:
            names = ", ".join([BASELINE, *sorted(self.scenarios)])
            raise UsageError("scenario", "unknown scenario", got=scenario, allowed=names)
        entry = self.scenarios[scenario]
        check_scenario(scenario, entry, self.raw)
        origin: Raw = {key: entry[key] for key in ORIGIN if key in entry}
        return entry["changes"], origin

    def with_changes(self, changes: Iterable[str]) -> ModelFile:
        """The same file with ``path=value`` settings laid over it (values in TOML).

        A setting that makes a parameter sure ends its correlations.
        """
        raw = self.raw
        for text in changes:
            setting = parse_setting(text, raw)
            raw = merge(without_stale_correlations(raw, setting), setting, _SETTING)
            sources = raw.get("sources", {})
            if isinstance(sources, dict):
                raw["sources"] = {
                    "setting": {"title": "given when the model was loaded"},
                    **sources,
                }
        return ModelFile(self.place, raw, self.scenarios)

    def to_json(self) -> str:
        """The whole model as text, from which `from_json` makes it again.

        The order of the tables is kept: it is that of the coordinates, and of a die's bins.
        """
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
    raw, scenarios = read_model(path)
    for key, entry in scenarios.items():
        if key == BASELINE:
            problem = "is the name of the model without changes"
            raise ModelError(f"scenarios.{key}", problem, allowed="another name")
        check_scenario(key, entry, raw)
    return ModelFile(path.stem, raw, scenarios)


def load_model(name: str | Path, scenario: str = BASELINE, changes: Iterable[str] = ()) -> Model:
    """The validated model of a file or shipped name, in one scenario, with ``path=value`` changes.

    Raises ModelError with the place, the value got and what is allowed.
    """
    return load_file(name).with_changes(changes).model(scenario)
