"""A simulation that costs nothing: deterministic figures from the realization number.

The same contract as `yieldsim.supply.simulate.Simulator`; for what goes wrong around a simulation.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from tests.paths import ROOT
from yieldsim.ensemble import Place, RunPlan, Writer, create
from yieldsim.model import ModelFile, load_file
from yieldsim.outputs import OUTPUTS, TOTAL_CHIPS, Variable

if TYPE_CHECKING:
    import pytest  # which the processes of tests can spare

MODEL = ROOT / "benchmarks" / "analyst.toml"
QUARTERS = ["2025Q3", "2025Q4", "2026Q1"]
CHUNK = "c.0.2.0.0"  # both scenarios, third block
# Of every number of dims, with an axis that may be empty, and of both types. Stores are written,
# checked and mended file by file: all variables take five times as long and show no more.
NAMED = {"wafer_outs", "tools", "dies_used", "good_dies", "stack_stock", "usable_chips", "binding"}
STORED = tuple(v for v in OUTPUTS if v.name in NAMED)


@dataclass(frozen=True)
class FakeParameter:
    path: str
    unit: str = "1"
    source: str = "assumption"
    grade: str = "assumed"
    description: str = "größe"


def analyst_file(**scenarios: dict[str, Any]) -> ModelFile:
    """The analyst's model with a late scenario, and a correlation of two of its parameters."""
    file = load_file(MODEL)
    pair = ["processes.n2.d0_mature_per_cm2", "fabs.line.plan.n2.scale"]
    raw = {**file.raw, "correlations": {"luck": {"between": pair, "rank": 0.5}}}
    late = {"title": "All comes late", "changes": {"products": {"accelerator": {}}}}
    return ModelFile(file.place, raw, {"late": late, **scenarios})


class FakeSimulator:
    """``usable_chips`` of realization r is r + 1000 s + 10 q + 10^5 p, and so are the others."""

    outputs: tuple[Variable, ...] = (*STORED, TOTAL_CHIPS)

    def __init__(
        self,
        file: ModelFile,
        scenarios: Sequence[str],
        seed: int,
        before: Callable[[int], None] = lambda first: None,
        design: Any = None,
    ) -> None:
        self.scenarios, self.seed, self.before = list(scenarios), seed, before
        self.models = [file.model(name) for name in scenarios]  # as the real one checks them
        self.coords = {
            "scenario": list(scenarios),
            "quarter": QUARTERS,
            "fab": ["line"],
            "process": ["n2"],
            "tool_group": ["etch", "litho"],
            "tool_class": ["imported", "domestic"],
            "die": ["ai"],
            "bin": ["1", "2"],
            "memory": [],  # a model may have none
            "packaging": ["line"],
            "product": ["accelerator", "handset", "trainer"],
        }
        paths = ["processes.n2.d0_mature_per_cm2", "fabs.line.plan.n2.scale"]
        self.parameters = [FakeParameter(path) for path in paths]
        self.coords["parameter"] = paths
        self.attrs: dict[str, Any] = {
            "bin_names": '{"ai": {"1": "good"}}',
            "product_kind": {"accelerator": "ai", "handset": "phone", "trainer": "ai"},
            "usable_chips": {"comment": "made up"},
        }
        self.first_calls: list[int] = []
        self.lock = threading.Lock()

    def block(
        self, first: int, count: int, only: Collection[str] | None = None
    ) -> dict[str, np.ndarray]:
        places = [i for i, name in enumerate(self.scenarios) if only is None or name in only]
        return {name: values[places] for name, values in self._block(first, count).items()}

    def _block(self, first: int, count: int) -> dict[str, np.ndarray]:
        with self.lock:
            self.first_calls.append(first)
        self.before(first)
        number = np.arange(first, first + count, dtype="float64")
        cells = (len(self.scenarios), count, len(QUARTERS))
        base = np.zeros(cells)
        base += number[None, :, None]
        base += 1000.0 * np.arange(len(self.scenarios))[:, None, None]
        base += 10.0 * np.arange(len(QUARTERS))[None, None, :]
        arrays = {}
        for i, variable in enumerate(self.outputs):
            shape = (*cells, *(len(self.coords[dim]) for dim in variable.dims))
            wide = base.reshape(*cells, *(1 for _ in variable.dims))
            last = np.arange(shape[-1]) if variable.dims else np.zeros(1)
            values = np.broadcast_to(wide + 1e5 * last if variable.dims else base, shape)
            values = values + (0 if variable.name == "usable_chips" else i)
            if variable.dtype == "int16":
                values = values % 9
            arrays[variable.name] = values.astype(variable.dtype)
        drawn = np.stack([np.sin(number + self.seed), np.cos(2.0 * number)], axis=-1)
        arrays["parameter_value"] = np.broadcast_to(drawn, (cells[0], *drawn.shape)).copy()
        return arrays


def install(simulator: Callable[..., Any] = FakeSimulator) -> None:
    """Make a process simulate with it, which then need not load the kernels of the real one."""
    module = ModuleType("yieldsim.supply.simulate")
    module.__dict__["Simulator"] = simulator
    sys.modules[module.__name__] = module


def flip_bit(data: bytes, bit: int) -> bytes:
    """The same bytes with one bit turned."""
    spoiled = bytearray(data)
    spoiled[bit // 8] ^= 1 << (bit % 8)
    return bytes(spoiled)


def make_store(
    place: Place,
    *,
    realizations: int = 50,
    block_size: int = 16,
    seed: int = 3,
    blocks: int = 99,
    simulator: type[FakeSimulator] = FakeSimulator,
) -> tuple[Writer, FakeSimulator]:
    """A store of two scenarios with its first ``blocks`` blocks, not finalized."""
    file, scenarios = analyst_file(), ("baseline", "late")
    source = simulator(file, scenarios, seed)
    plan = RunPlan(file, scenarios, seed, realizations, block_size)
    create(place, source, plan, "made by a test")
    writer = Writer.of(place, source, plan)
    for block in range(min(blocks, plan.blocks)):
        writer.write(block, source.block(*plan.span(block)))
    return writer, source


def one_line(error: pytest.ExceptionInfo[BaseException], *parts: str) -> None:
    text = str(error.value)
    assert "\n" not in text
    for part in parts:
        assert part in text, text
