"""Model files and their scenarios.

`files` parses and merges, `schema` validates and `checks` compares the parts. A file may have

- ``extends = "baseline"``: another model (a shipped name or a path) that this one changes;
- ``include = ["fabs.toml", ...]``: parts of the same model, which may not repeat each other;
- ``[[table]] file = "visits.csv"  into = "processes.{process}.visits.{tool_group}"``: rows of a
  CSV file (see `files.csv`);
- ``[scenarios.NAME]`` with ``title``, ``source``, ``grade`` and ``[scenarios.NAME.changes]``.

Names of scenarios combine: see `scenario_names`.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

from yieldsim.errors import ModelError, StoreError, UsageError, YieldsimError
from yieldsim.model.checks.check import check_model
from yieldsim.model.files.merge import Raw, merge
from yieldsim.model.files.messages import validate
from yieldsim.model.files.origins import Places, located, with_setting
from yieldsim.model.files.scenarios import (
    check_scenario,
    parse_setting,
    refuse_conflict,
    without_stale_correlations,
)
from yieldsim.model.files.toml import find_model, read_model
from yieldsim.model.limits import limits_of
from yieldsim.model.more import inputs_of, meaning, with_more
from yieldsim.model.scenario_names import (
    BASELINE,
    check_scenario_name,
    checked_parts,
    expand_names,
    is_written,
    join_parts,
    lifted_limits,
    raised_input,
    raised_inputs,
    scenario_parts,
)
from yieldsim.model.schema import Model
from yieldsim.model.schema.fields import ORIGIN

__all__ = ["ModelFile", "load_file", "load_model"]

# A run asks for its first model five times: to note defaults, to simulate, and from the store. To
# validate the baseline takes as long as to simulate ten of its realizations.
_MODELS_IN_MEMORY = 4
_SETTING = {"source": "setting", "grade": "assumed"}
_SETTING_TITLE = "given when the model was loaded"


class _Tables:
    """Raw tables as a key: two are equal only if all they hold, and its order, is equal."""

    def __init__(self, raw: Raw) -> None:
        self.raw, self._text = raw, repr(raw)

    def __hash__(self) -> int:
        return hash(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Tables) and self._text == other._text


@lru_cache(_MODELS_IN_MEMORY)
def _checked_model(tables: _Tables) -> Model:
    """The validated model of raw tables. It is frozen, so all who ask for it can share it."""
    model = validate(Model, tables.raw)
    check_model(model)
    return with_more(model)


@dataclass(frozen=True)
class ModelFile:
    """The merged raw tables of a model file and its scenarios.

    ``places`` says where each key stands, for messages; it is no part of the model. Nor is
    ``held_by``, the store that a file was read from, with its version.
    """

    place: str
    raw: Raw
    scenarios: dict[str, Raw]
    places: Places = field(default_factory=dict, compare=False, repr=False)
    held_by: tuple[str, str] | None = field(default=None, compare=False, repr=False)

    def model(self, scenario: str = BASELINE) -> Model:
        """The validated model of one scenario; ``baseline`` is the file without changes.

        A scenario keeps the fabs, dies, products, ... of the file in their order and may add more
        after them. Raises ModelError with the file, the place, the value got and what is allowed,
        and UsageError for an unknown scenario or for two that set one parameter differently. For a
        model that a store holds, the error is a StoreError that names the store.
        """
        raw = self._merged(scenario)
        try:
            return _checked_model(_Tables(raw))
        except ModelError as error:
            if self.held_by is not None:
                raise _outdated(error, *self.held_by) from None
            raise self.located(error, scenario) from None

    def correlations(self, scenario: str = BASELINE) -> list[tuple[str, str, float]]:
        """The two paths and the rank correlation of each pair that a scenario correlates.

        Nothing else of the model is read, so it may be one of another version of yieldsim.
        """
        found = []
        try:
            for pair in self._merged(scenario).get("correlations", {}).values():
                first, second = map(str, pair["between"])
                found.append((first, second, float(pair["rank"])))
            return found
        except (AttributeError, KeyError, TypeError, ValueError):
            raise ModelError("correlations", "are no tables of between and rank") from None

    def _merged(self, scenario: str) -> Raw:
        """The tables of the file with the changes of a scenario."""
        parts = self._parts(scenario)
        raw = self.raw
        for number, part in enumerate(parts):
            changes, origin = self._changes(part, parts[:number])
            raw = merge(without_stale_correlations(raw, changes), changes, origin)
        return raw

    def located(self, error: YieldsimError, scenario: str = BASELINE) -> YieldsimError:
        """An error in the tables of a scenario, with the file and the scenario at fault."""
        parts = scenario_parts(scenario) if scenario != BASELINE else ()
        changes = [f"scenarios.{part}.changes." for part in reversed(parts)]
        found = located(error, self.places, [*changes, ""])
        return found.at(f"scenario {scenario}: {error.where}", found.file) if parts else found

    def title(self, scenario: str) -> str:
        """The titles of all scenarios that a name combines; a part without a title is named."""
        return "; ".join(self._title(part) for part in scenario_parts(scenario))

    def _title(self, part: str) -> str:
        own = raised_input(part)
        return str(self.scenarios.get(part, {}).get("title", part)) if own is None else meaning(own)

    def scenario_names(self, asked: Iterable[str]) -> tuple[str, ...]:
        """The scenarios to run, each once, with ``all`` and the like written out."""
        return expand_names(asked, self.scenarios, limits_of(self.raw), inputs_of(self.raw))

    def _parts(self, scenario: str) -> tuple[str, ...]:
        """The scenarios that one name combines, none for the baseline, after all checks."""
        parts = checked_parts(scenario)
        named = [part for part in parts if is_written(part)]
        for part in named:
            if part not in self.scenarios:
                alone = len(parts) == 1
                problem = "unknown scenario" if alone else f"unknown part of {scenario}"
                names = [*[BASELINE][:alone], *sorted(self.scenarios)]
                raise UsageError("scenario", problem, got=part, allowed=", ".join(names))
            self.check_scenario(part)
        for pair in itertools.combinations(named, 2):
            refuse_conflict(*pair, self.scenarios, self.raw)
        return parts

    def check_scenario(self, name: str) -> None:
        """Raise ModelError unless a scenario has an allowed name and only allowed changes."""
        try:
            check_scenario_name(name)
            check_scenario(name, self.scenarios[name], self.raw)
        except ModelError as error:
            raise located(error, self.places) from None

    def _changes(self, part: str, earlier: Sequence[str]) -> tuple[Raw, Raw]:
        """The changes of one part after ``earlier`` ones, and the source and grade they inherit."""
        if not is_written(part):
            name = join_parts((*earlier, part))
            special = {"no_limit": lifted_limits(name), "more": raised_inputs(name)}
            return {"simulation": {key: names for key, names in special.items() if names}}, {}
        entry = self.scenarios[part]
        changes: Raw = entry["changes"]
        for name in earlier:
            if is_written(name):  # a number that either scenario fixes is not correlated
                changes = without_stale_correlations(changes, self.scenarios[name]["changes"])
        return changes, {key: entry[key] for key in ORIGIN if key in entry}

    def with_changes(self, changes: Iterable[str]) -> ModelFile:
        """The same file after ``path=value`` settings (values in TOML).

        A parameter that a setting fixes loses its correlations.
        """
        raw, places = self.raw, self.places
        for text in changes:
            setting = parse_setting(text, raw)
            path = ".".join(step.strip() for step in text.partition("=")[0].split("."))
            places = with_setting(places, path, setting)
            raw = merge(without_stale_correlations(raw, setting), setting, _SETTING)
            sources = raw.get("sources", {})
            if isinstance(sources, dict):
                raw["sources"] = {"setting": {"title": _SETTING_TITLE}, **sources}
        return replace(self, raw=raw, places=places)

    def to_json(self) -> str:
        """The whole file as text; `from_json` reads it.

        Tables keep their order, which is that of the coordinates and of a die's bins.
        """
        content = {"place": self.place, "raw": self.raw, "scenarios": self.scenarios}
        return json.dumps(content, ensure_ascii=False, default=str)

    @classmethod
    def from_json(cls, text: str, held_by: tuple[str, str] | None = None) -> ModelFile:
        """The inverse of `to_json`. Raises ModelError for a text that `to_json` did not write."""
        try:
            content = json.loads(text)
            return cls(content["place"], content["raw"], content["scenarios"], held_by=held_by)
        except (ValueError, KeyError, TypeError, RecursionError):
            raise ModelError("model", "its stored text is damaged") from None

    def digest(self, scenarios: Sequence[str] = ()) -> str:
        """SHA-256 of the tables and the named scenarios, which identifies the model of a run."""
        named = {name: self._entries(name) for name in scenarios}
        text = json.dumps([self.raw, named], default=str)
        return hashlib.sha256(text.encode()).hexdigest()

    def _entries(self, scenario: str) -> Raw | list[Raw | None] | None:
        """The table of a scenario, or a list of those that it combines."""
        parts = scenario_parts(scenario)
        if len(parts) == 1:
            return self.scenarios.get(scenario)
        return [self.scenarios.get(part) for part in parts]


def _outdated(error: ModelError, store: str, made_by: str) -> StoreError:
    """The error for a model that a store holds and this version cannot compute."""
    problem = (
        f"was made by another version of yieldsim ({made_by}), whose model this one cannot "
        f"compute ({error})"
    )
    return StoreError(store, problem, allowed="commands that only read, or a new run")


def load_file(name: str | Path, allow_outside: Iterable[str | Path] = ()) -> ModelFile:
    """Read a model file, or a shipped model by its name.

    Its parts must lie in the model's folder, or in one of the folders ``allow_outside``. Raises
    ModelError for a file that is missing, unreadable, truncated, outside, too large or not TOML.
    """
    path = find_model(str(name))
    tables = read_model(path, allow_outside)
    stem = path.stem.encode(errors="replace").decode()  # a name on disk may be no text
    file = ModelFile(stem, tables.raw, tables.scenarios, tables.places)
    _refuse_wafer_model(path, file.raw)
    for key in file.scenarios:
        file.check_scenario(key)
    return file


def _refuse_wafer_model(path: Path, raw: Raw) -> None:
    """A wafer model has one die and no products."""
    if "die" in raw and "products" not in raw:
        allowed = "a supply model; `yieldsim yield --die` and `yieldsim wafer` read this one"
        raise ModelError(path.name, "is a wafer model", allowed=allowed)


def load_model(name: str | Path, scenario: str = BASELINE, changes: Iterable[str] = ()) -> Model:
    """The validated model of a file or shipped name, in one scenario, after ``path=value`` changes.

    Raises ModelError with the place, the value got and what is allowed.
    """
    return load_file(name).with_changes(changes).model(scenario)
