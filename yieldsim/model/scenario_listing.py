"""The scenarios of a model file: what each is called, and what it changes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from yieldsim.errors import UsageError
from yieldsim.model.files.merge import Raw, is_leaf
from yieldsim.model.load import ModelFile

_ORIGIN = ("title", "note", "source", "grade")


def scenario_records(file: ModelFile, name: str | None = None) -> list[dict[str, Any]]:
    """A record of each scenario, or of the one named.

    Its ``name``, ``title``, ``note``, ``source`` and ``grade`` (empty where not given), and its
    ``changes``: a list of ``path`` and ``value`` as the file writes it. Raises UsageError for an
    unknown name.
    """
    if name is not None and name not in file.scenarios:
        allowed = ", ".join(file.scenarios) or "none: the model has no scenarios"
        raise UsageError(f"scenarios.{name}", "unknown scenario", got=name, allowed=allowed)
    names = list(file.scenarios) if name is None else [name]
    return [_record(key, file.scenarios[key]) for key in names]


def _record(name: str, entry: Raw) -> dict[str, Any]:
    told = {key: entry.get(key, "") for key in _ORIGIN}
    changes = [{"path": path, "value": value} for path, value in _leaves(entry["changes"], "")]
    return {"name": name, **told, "changes": changes}


def _is_event(item: Any) -> bool:
    # `quarters` is a list of a series' points, but a length of time in an event
    return isinstance(item, dict) and "kind" in item


def _leaves(raw: Raw, prefix: str) -> Iterator[tuple[str, Any]]:
    for key, item in raw.items():
        if not item or (is_leaf(item) and not _is_event(item)):
            yield f"{prefix}{key}", item
        else:
            yield from _leaves(item, f"{prefix}{key}.")
