"""Model files and their scenarios.

Loading only parses and merges; `schema` validates and `check` compares the parts. A file may say

- ``extends = "baseline"``: another model (a shipped name or a path) that it is laid over;
- ``include = ["fabs.toml", ...]``: parts of the same model, none of which may repeat another;
- ``[[table]] file = "visits.csv"  into = "processes.{process}.visits.{tool_group}"``: rows of a
  CSV file (see `tables`);
- ``[scenarios.NAME]`` with ``title``, ``source``, ``grade`` and ``[scenarios.NAME.changes]``.

Scenarios are combined by their names: ``a+b`` applies a and then b.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from yieldsim.errors import UsageError
from yieldsim.model.checks.check import check_model
from yieldsim.model.files.merge import Raw, merge
from yieldsim.model.files.messages import validate
from yieldsim.model.files.scenarios import (
    BASELINE,
    JOINT,
    check_scenario,
    check_scenario_name,
    parse_setting,
    refuse_conflict,
    scenario_parts,
    without_stale_correlations,
)
from yieldsim.model.files.toml import find_model, read_model
from yieldsim.model.limits import lifted
from yieldsim.model.schema import Model
from yieldsim.model.schema.fields import ORIGIN

__all__ = ["BASELINE", "ModelFile", "load_file", "load_model"]

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

        ``a+b`` applies a and then b. All scenarios have the same fabs, dies, products, ... in the
        same order. Raises ModelError with the place, what was got and what is allowed, and
        UsageError for an unknown scenario or for two that set a parameter differently.
        """
        parts = self._parts(scenario)
        raw = self.raw
        for number, part in enumerate(parts):
            changes, origin = self._changes(part, parts[:number])
            raw = merge(without_stale_correlations(raw, changes), changes, origin)
        where = f"scenario {scenario}: " if parts else ""
        model = validate(raw, where)
        check_model(model, where)
        return model

    def title(self, scenario: str) -> str:
        """The title of a scenario, or those of all that it combines; its name where it has none."""
        return "; ".join(
            str(self.scenarios.get(part, {}).get("title", part)) for part in scenario.split(JOINT)
        )

    def _parts(self, scenario: str) -> tuple[str, ...]:
        """The scenarios that one name stands for: none for the baseline."""
        if scenario == BASELINE:
            return ()
        parts = scenario_parts(scenario)
        named = [part for part in parts if lifted(part) is None]
        for part in named:
            if part not in self.scenarios:
                alone = len(parts) == 1
                problem = "unknown scenario" if alone else f"unknown part of {scenario}"
                names = [*[BASELINE][:alone], *sorted(self.scenarios)]
                raise UsageError("scenario", problem, got=part, allowed=", ".join(names))
            check_scenario(part, self.scenarios[part], self.raw)
        for one, other in itertools.combinations(named, 2):
            refuse_conflict(one, other, self.scenarios, self.raw)
        return parts

    def _changes(self, part: str, earlier: Sequence[str]) -> tuple[Raw, Raw]:
        """What a scenario changes, given those before it, and the origin of what names none."""
        if (limit := lifted(part)) is not None:
            before = [name for one in earlier if (name := lifted(one)) is not None]
            return {"simulation": {"no_limit": [*before, limit]}}, {}
        entry = self.scenarios[part]
        changes: Raw = entry["changes"]
        for name in filter(
            lambda one: lifted(one) is None, earlier
        ):  # a correlation ends with whichever of the two fixes a number
            changes = without_stale_correlations(changes, self.scenarios[name]["changes"])
        return changes, {key: entry[key] for key in ORIGIN if key in entry}

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
        named = {name: self._named(name) for name in scenarios}
        text = json.dumps([self.raw, named], default=str)
        return hashlib.sha256(text.encode()).hexdigest()

    def _named(self, scenario: str) -> Raw | list[Raw | None] | None:
        """The table of a scenario, or those of all that it combines."""
        parts = scenario.split(JOINT)
        if len(parts) == 1:
            return self.scenarios.get(scenario)
        return [self.scenarios.get(part) for part in parts]


def load_file(name: str | Path) -> ModelFile:
    """Read a model file, or the model of that name that ships with the package.

    Raises ModelError for a file that is missing, unreadable, truncated or not TOML.
    """
    path = find_model(str(name))
    raw, scenarios = read_model(path)
    for key, entry in scenarios.items():
        check_scenario_name(key)
        check_scenario(key, entry, raw)
    return ModelFile(path.stem, raw, scenarios)


def load_model(name: str | Path, scenario: str = BASELINE, changes: Iterable[str] = ()) -> Model:
    """The validated model of a file or shipped name, in one scenario, with ``path=value`` changes.

    Raises ModelError with the place, the value got and what is allowed.
    """
    return load_file(name).with_changes(changes).model(scenario)
