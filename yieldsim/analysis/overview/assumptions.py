"""The uncertain inputs of the model that an ensemble carries: value, source, grade and note."""

from __future__ import annotations

from collections import Counter
from typing import Any

import xarray as xr

from yieldsim.analysis.caption import raw_model
from yieldsim.analysis.records import Record
from yieldsim.errors import ModelError, UsageError
from yieldsim.model import Model, Quantity
from yieldsim.model.listing import titles
from yieldsim.model.load import ModelFile
from yieldsim.model.parameters import Parameter, parameters
from yieldsim.model.scenario_names import BASELINE

_OF_SERIES = ("position", "scale")  # of a series, which they describe as a whole


def assumption_summary(ds: xr.Dataset, scenario: str = BASELINE) -> dict[str, Any]:
    """``inputs``: a record of each uncertain input; ``grades``: how many inputs have each grade.

    A record has ``path``, ``label`` (words of the model), ``value`` (the distribution as text),
    ``unit``, ``grade``, ``source`` (its title), ``url`` and ``note``. ``count`` is the number of
    all inputs. If the ensemble has no complete model, nothing is listed and ``reason`` says so.
    """
    model = stored_model(ds, scenario)
    if model is None:
        reason = "the ensemble carries no model that can be read"
        return {"inputs": [], "grades": {}, "count": 0, "reason": reason}
    found = parameters(model)
    labels = input_labels(model)
    uncertain = [parameter for parameter in found if parameter.uncertain]
    return {
        "inputs": [_record(model, parameter, labels) for parameter in uncertain],
        "grades": dict(Counter(parameter.item.grade for parameter in uncertain)),
        "count": len(found),
        "reason": None,
    }


def stored_model(ds: xr.Dataset, scenario: str = BASELINE) -> Model | None:
    """The typed model of a scenario that the ensemble carries; None if it carries none in full."""
    if not raw_model(ds).get("products"):
        return None
    try:
        return ModelFile.from_json(ds.attrs["model_json"]).model(scenario)
    except (ModelError, UsageError):
        return None


def input_labels(model: Model) -> dict[str, str]:
    """Each input's path -> the title of its table and what it is, in words; no two are the same.

    A shared quantity has a title of its own, or its name in words.
    """
    title_of = {entry.path: entry.title for entry in titles(model) if entry.path and entry.title}
    found = parameters(model)
    labels = {parameter.path: _label(parameter, title_of) for parameter in found}
    number = Counter(labels.values())
    again = [parameter for parameter in found if number[labels[parameter.path]] > 1]
    labels |= {parameter.path: _label(parameter, title_of, with_own=True) for parameter in again}
    number = Counter(labels.values())
    return {
        path: label if number[label] == 1 else f"{label} ({path})" for path, label in labels.items()
    }


def _label(parameter: Parameter, title_of: dict[str, str], with_own: bool = False) -> str:
    """Return the title of the nearest table, the names below it, and what the input is.

    ``with_own`` adds its own name, by which inputs of one table differ that are described as one.
    """
    if parameter.path.startswith("shared."):
        return title_of.get(parameter.path) or _words(parameter.path.rpartition(".")[2])
    table = parameter.path.rpartition(".")[0]
    while table and table not in title_of:
        table = table.rpartition(".")[0]
    steps = parameter.path.removeprefix(f"{table}.").split(".")
    own = steps[: -1 if steps[-1] in _OF_SERIES else None]
    between = own if with_own else own[:-1]
    names = [*filter(None, [title_of.get(table)]), *map(_words, between)]
    what = parameter.doc or _words(steps[-1])
    return f"{', '.join(names)}: {what}" if names else what


def _words(name: str) -> str:
    return name.replace("_", " ")


def _record(model: Model, parameter: Parameter, labels: dict[str, str]) -> Record:
    item = parameter.item
    source = model.sources.get(item.source)
    resolved = item
    if isinstance(item, Quantity) and item.ref is not None:
        resolved = model.shared[item.ref]
    return {
        "path": parameter.path,
        "label": labels[parameter.path],
        "value": item.describe() if isinstance(item, Quantity) else "a series",
        "unit": resolved.unit or parameter.spec.unit or "1",
        "grade": item.grade,
        "source": source.title if source else item.source,
        "url": source.url if source else "",
        "note": item.note,
    }
