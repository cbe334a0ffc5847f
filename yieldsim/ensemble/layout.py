"""The content of a store: the plan of a run, and the dims, shape and chunks of every array."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from yieldsim.design import RANDOM, Design
from yieldsim.model.load import ModelFile
from yieldsim.model.schema.calendar import quarter_index
from yieldsim.outputs import LEADING, Variable, constraint_names

# Limits for a block of one scenario, and of all scenarios together: each thread holds a block or
# two in memory.
BLOCK_BYTES, ALL_BLOCK_BYTES = 16 * 2**20, 48 * 2**20
MIN_BLOCK, MAX_BLOCK, MIN_BLOCKS = 16, 16384, 8
# A block has a file for each array (some fifty), a marker and a record, so MAX_BLOCKS blocks have
# some 59,000 files. Beyond 260,000 realizations of the baseline, or 20,000 of all its scenarios,
# blocks are larger than the limits above.
MAX_BLOCKS, MAX_FILES = 1050, 60_000
EPOCH = date(2000, 1, 1)
DONE = "block_done"
_MAX_INT64 = 2**63 - 1


def chunk_name(*index: int) -> str:
    """Return the key of a chunk within its array, such as ``c.0.3.0``."""
    return ".".join(["c", *map(str, index)])


PARAMETER_VALUE = "parameter_value"
ABOUT = ("unit", "source", "grade", "description")  # coordinates of each parameter


class BlockSource(Protocol):
    """What the store needs of a simulation (`yieldsim.supply.simulate.Simulator`).

    ``parameters`` are the uncertain parameters, each with path, unit, source, grade and
    description. ``block(first, count)`` gives each output as (scenario, count, quarter, ...) and
    ``parameter_value`` as (scenario, count, parameter); several threads may call it. ``attrs``
    holds further attributes of a variable under its name, the kind of each product under
    ``product_kind``, and texts that become attributes of the store. With ``only``, ``block`` gives
    these scenarios alone.
    """

    @property
    def coords(self) -> Mapping[str, Sequence[str]]: ...
    @property
    def outputs(self) -> Sequence[Variable]: ...
    @property
    def parameters(self) -> Sequence[Any]: ...
    @property
    def attrs(self) -> Mapping[str, Any]: ...
    def block(
        self, first: int, count: int, only: Collection[str] | None = None
    ) -> Mapping[str, np.ndarray]: ...


@dataclass(frozen=True)
class RunPlan:
    """The run that a store holds: model, scenarios, seed, realizations, block size, inputs."""

    file: ModelFile
    scenarios: tuple[str, ...]
    seed: int
    realizations: int
    block_size: int
    per_file: int = 0  # scenarios in a file; 0: all
    design: Design = RANDOM

    @property
    def row_size(self) -> int:
        """Scenarios of a row: those that share a file."""
        return self.per_file or len(self.scenarios)

    @property
    def rows(self) -> int:
        """Rows of scenarios."""
        return math.ceil(len(self.scenarios) / self.row_size)

    def row(self, row: int) -> tuple[str, ...]:
        """The scenarios of a row."""
        return self.scenarios[row * self.row_size : (row + 1) * self.row_size]

    @cached_property
    def run_hash(self) -> str:
        """What the records of blocks are bound to: model, seed, block size and design."""
        return run_hash(self.file.to_json(), self.seed, self.block_size, self.design.text)

    @property
    def blocks(self) -> int:
        return math.ceil(self.realizations / self.block_size)

    def span(self, block: int) -> tuple[int, int]:
        """The first realization of a block and how many it has (the last may have fewer)."""
        first = block * self.block_size
        return first, min(self.block_size, self.realizations - first)


def run_hash(model_json: str, seed: int, block_size: int, design: str = "") -> str:
    """Return `RunPlan.run_hash` from the text of the model and that of the design."""
    text = f"{model_json}\n{seed}\n{block_size}"
    text += f"\n{design}" if design else ""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


@dataclass(frozen=True)
class ArraySpec:
    """An array: with ``values`` if it is a coordinate, without if blocks are written into it."""

    name: str
    dims: tuple[str, ...]
    dtype: Any
    shape: tuple[int, ...]
    chunks: tuple[int, ...]
    attrs: dict[str, Any] = field(default_factory=dict)
    values: np.ndarray | None = None
    per_file: int = 1  # scenarios whose chunks share a file

    @property
    def shards(self) -> tuple[int, ...] | None:
        """The shape of a file, None where it is one chunk."""
        return (self.per_file, *self.chunks[1:]) if self.per_file > 1 else None

    @property
    def fill(self) -> Any:
        """The value of what was never written; no result can have it.

        Only ``block_done`` says what is missing.
        """
        if self.dtype is str:
            return ""
        kind = np.dtype(self.dtype).kind
        return math.nan if kind == "f" else (0 if kind == "u" else -1)

    def key(self, row: int, block: int) -> str:
        """The key of the file of a block in a row of scenarios."""
        index = (row, block, *(0 for _ in self.dims[2:]))
        return f"{self.name}/{chunk_name(*index)}"


def plain(attrs: Mapping[str, Any]) -> dict[str, Any]:
    """Return attributes as NetCDF can have them: texts, numbers, lists of numbers, else JSON."""
    return {name: _plain(value) for name, value in attrs.items()}


def _plain(value: Any) -> Any:
    numbers = isinstance(value, list) and all(isinstance(item, int | float) for item in value)
    if isinstance(value, list | dict) and not numbers:
        return json.dumps(value, ensure_ascii=False)
    # NetCDF has no integer attribute of 64 bits without sign
    return str(value) if isinstance(value, int) and value > _MAX_INT64 else value


def default_block_size(realizations: int, bytes_per_realization: int, scenarios: int) -> int:
    """Realizations of a block: about 16 MiB of each scenario, and at least eight blocks.

    ``bytes_per_realization`` is that of a single scenario.
    """
    block_bytes = min(BLOCK_BYTES, ALL_BLOCK_BYTES // scenarios)
    by_memory = math.ceil(realizations * bytes_per_realization / block_bytes)
    even = math.ceil(realizations / max(by_memory, MIN_BLOCKS))
    fewest = math.ceil(realizations / MAX_BLOCKS)
    return min(realizations, max(MIN_BLOCK, min(even, MAX_BLOCK), fewest))


def bytes_per_realization(source: BlockSource) -> int:
    """Bytes of a realization of a single scenario before compression."""
    sizes = {name: len(labels) for name, labels in source.coords.items()}
    total = 8 * len(source.parameters)
    for variable in source.outputs:
        cells = math.prod(sizes[dim] for dim in ("quarter", *variable.dims))
        total += cells * np.dtype(variable.dtype).itemsize
    return total


def block_specs(source: BlockSource, plan: RunPlan) -> list[ArraySpec]:
    """The arrays that are written block by block: outputs and drawn parameters."""
    sizes = {name: len(labels) for name, labels in source.coords.items()}
    sizes |= {"scenario": len(plan.scenarios), "realization": plan.realizations}
    specs = []
    for variable in source.outputs:
        dims = (*LEADING, *variable.dims)
        beside = ["scenario_title", "quarter_label"]
        beside += ["product_kind"] if "product" in variable.dims else []
        attrs = {
            "long_name": variable.long_name,
            "units": variable.units,
            "cell_methods": variable.cell_methods,
            "coordinates": " ".join(beside),
            **(_binding_attrs(source) if variable.name == "binding" else {}),
            **source.attrs.get(variable.name, {}),
        }
        specs.append(_block_spec(variable.name, dims, variable.dtype, sizes, plan, plain(attrs)))
    drawn = {
        "long_name": "value drawn for each uncertain parameter",
        "comment": "the unit of each parameter is in parameter_unit",
        "coordinates": " ".join(["scenario_title", *(f"parameter_{part}" for part in ABOUT)]),
    }
    dims = ("scenario", "realization", "parameter")
    return [*specs, _block_spec(PARAMETER_VALUE, dims, "float64", sizes, plan, drawn)]


def _block_spec(
    name: str,
    dims: tuple[str, ...],
    dtype: str,
    sizes: Mapping[str, int],
    plan: RunPlan,
    attrs: dict[str, Any],
) -> ArraySpec:
    shape = tuple(sizes[dim] for dim in dims)
    chunks = (1, plan.block_size, *(max(1, n) for n in shape[2:]))
    return ArraySpec(name, dims, dtype, shape, chunks, attrs, per_file=plan.row_size)


def _binding_attrs(source: BlockSource) -> dict[str, Any]:
    names = constraint_names(list(source.coords["tool_group"]))
    words = (name.replace(": ", ":").replace(" ", "_") for name in names)
    return {
        "flag_values": list(range(len(names))),
        "flag_meanings": " ".join(words),
        "flag_names": names,
    }


def coordinate_specs(source: BlockSource, plan: RunPlan) -> list[ArraySpec]:
    """The coordinates with their values, and the marker of each block, not yet set."""
    return [
        *_quarter_specs(source.coords["quarter"]),
        _realization_spec(plan.realizations),
        *_label_specs(source, plan),
        ArraySpec(
            DONE,
            ("block",),
            "uint8",
            (plan.blocks,),
            (1,),
            {
                "long_name": "whether a block of realizations is stored whole",
                "flag_values": [0, 1],
                "flag_meanings": "missing done",
                "comment": f"block b holds the realizations from {plan.block_size} b on",
            },
        ),
    ]


def _quarter_specs(labels: Sequence[str]) -> Iterator[ArraySpec]:
    starts = [_days(quarter_index(label)) for label in labels]
    ends = [_days(quarter_index(label) + 1) for label in labels]
    # Bounds take units and calendar from the coordinate (CF 7.1).
    time = {
        "standard_name": "time",
        "long_name": "first day of the calendar quarter",
        "axis": "T",
        "units": f"days since {EPOCH.isoformat()}",
        "calendar": "proleptic_gregorian",
        "bounds": "quarter_bounds",
    }
    yield _filled("quarter", ("quarter",), np.array(starts, dtype="int64"), time)
    bounds = np.column_stack([starts, ends]).astype("int64")
    yield _filled("quarter_bounds", ("quarter", "bnds"), bounds, {})
    name = {"long_name": "name of the calendar quarter"}
    yield _filled("quarter_label", ("quarter",), list(labels), name)


def _days(index: int) -> int:
    """Days from EPOCH to the first day of a quarter."""
    return (date(index // 4, index % 4 * 3 + 1, 1) - EPOCH).days


def _realization_spec(realizations: int) -> ArraySpec:
    attrs = {
        "standard_name": "realization",
        "long_name": "number of the realization: the same luck in every scenario",
        "units": "1",
    }
    return _filled("realization", ("realization",), np.arange(realizations), attrs)


def _label_specs(source: BlockSource, plan: RunPlan) -> Iterator[ArraySpec]:
    titles = [plan.file.title(name) for name in plan.scenarios]
    yield _text("scenario", "scenario", plan.scenarios, "name of the scenario")
    yield _text("scenario_title", "scenario", titles, "title of the scenario")
    used = dict.fromkeys(dim for variable in source.outputs for dim in variable.dims)
    for dim in used:
        yield _text(dim, dim, source.coords[dim], f"name of the {dim.replace('_', ' ')}")
    if "product" in used:
        kinds = [source.attrs["product_kind"][name] for name in source.coords["product"]]
        yield _text("product_kind", "product", kinds, "kind of product")
    parameters = source.parameters
    yield _text("parameter", "parameter", [p.path for p in parameters], "path in the model")
    for part in ABOUT:
        texts = [str(getattr(p, part)) for p in parameters]
        yield _text(
            f"parameter_{part}",
            "parameter",
            texts,
            f"{part} of the parameter where it is drawn first",
        )


def _text(name: str, dim: str, texts: Sequence[str], long_name: str) -> ArraySpec:
    return _filled(name, (dim,), list(texts), {"long_name": long_name})


def _filled(
    name: str, dims: tuple[str, ...], values: np.ndarray | list[str], attrs: dict[str, Any]
) -> ArraySpec:
    text = isinstance(values, list)
    array = np.array(values, dtype=object) if text else np.asarray(values)
    chunks = tuple(max(1, n) for n in array.shape)
    dtype = str if text else array.dtype.name
    return ArraySpec(name, dims, dtype, array.shape, chunks, attrs, array)
