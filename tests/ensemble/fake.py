"""A simulation that costs nothing: deterministic figures from the realization number.

The same contract as `yieldsim.simulate.Simulator`; for what goes wrong around a simulation.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from yieldsim.model import ModelFile, load_file
from yieldsim.variables import OUTPUTS

MODEL = Path(__file__).resolve().parents[2] / "benchmarks" / "analyst.toml"
QUARTERS = ["2025Q3", "2025Q4", "2026Q1"]


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
    """``usable_chips`` of realization r is r + 1000 s + 10 q; the rest follow its variable."""

    def __init__(
        self,
        file: ModelFile,
        scenarios: Sequence[str],
        seed: int,
        before: Callable[[int], None] = lambda first: None,
    ) -> None:
        self.scenarios, self.seed, self.before = list(scenarios), seed, before
        self.outputs = OUTPUTS
        self.coords = {
            "scenario": list(scenarios),
            "quarter": QUARTERS,
            "fab": ["line"],
            "process": ["n2"],
            "tool_group": ["etch", "litho"],
            "die": ["ai"],
            "bin": ["1", "2"],
            "memory": [],  # a model may have none
            "packaging": ["line"],
            "product": ["accelerator"],
        }
        paths = ["processes.n2.d0_mature_per_cm2", "fabs.line.plan.n2.scale"]
        self.parameters = [FakeParameter(path) for path in paths]
        self.coords["parameter"] = paths
        self.attrs: dict[str, Any] = {
            "bin_names": '{"ai": {"1": "good"}}',
            "product_kind": {"accelerator": "ai"},
            "usable_chips": {"comment": "r + 1000 s + 10 q"},
        }
        self.first_calls: list[int] = []
        self.lock = threading.Lock()

    def block(self, first: int, count: int) -> dict[str, np.ndarray]:
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
            offset = 0 if variable.name == "usable_chips" else i
            values = np.broadcast_to(wide + offset, shape) % 32000.0
            arrays[variable.name] = values.astype(variable.dtype)
        drawn = np.stack([np.sin(number + self.seed), np.cos(2.0 * number)], axis=-1)
        arrays["parameter_value"] = np.broadcast_to(drawn, (cells[0], *drawn.shape)).copy()
        return arrays
