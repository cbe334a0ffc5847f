"""A simulation in memory for the figures of a fab: its wafers, tools, and their drawn times.

Axes of the arrays: R realization, Q quarter, P process of the fab's plan, G tool group of the fab,
C class (imported, domestic).
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from yieldsim.errors import UsageError
from yieldsim.execute.cores import available_cores
from yieldsim.execute.local import run_blocks
from yieldsim.execute.progress import progress_of
from yieldsim.model import Model, ModelFile
from yieldsim.model.files.merge import merge
from yieldsim.model.references import visited_groups
from yieldsim.model.schema.calendar import quarter_range
from yieldsim.supply.compile import CLASSES, Compiled
from yieldsim.supply.kernels.records import LANES
from yieldsim.supply.simulate import Simulator
from yieldsim.units import DAYS_PER_QUARTER, HOURS_PER_DAY

HOURS_PER_QUARTER = DAYS_PER_QUARTER * HOURS_PER_DAY
BLOCK = 2 * LANES  # realizations, so that the progress bar of a small run moves
ROUTE = (
    "wafer_plan",
    "wafer_starts",
    "wafer_outs",
    "wafer_wip",
    "cycle_time_days",
)
GROUP = ("tool_load", "utilization")
FLEET = ("tools", "tool_availability", "tool_passes_possible", "tool_passes")
_TIMES = {
    "pm": "pm_fraction",
    "engineering": "engineering_fraction",
    "nonscheduled": "nonscheduled_fraction",
}


@dataclass(frozen=True)
class FabRun:
    """The outputs of a fab in each realization and quarter.

    ``figures`` has the outputs named in `ROUTE` (R Q P), `GROUP` (R Q G) and `FLEET` (R Q G C) in
    their units per quarter. Drawn parameters: ``raw_days`` (R P), ``passes_per_hour`` of a tool in
    production (R G C), and the shares ``pm``, ``engineering`` and ``nonscheduled`` (R G C).
    ``classes`` (G C) says which fleets the fab has.
    """

    model: Model
    scenario: str
    seed: int
    fab: str
    realizations: int
    quarters: list[str]
    processes: list[str]
    groups: list[str]
    classes: np.ndarray
    figures: dict[str, np.ndarray]
    raw_days: np.ndarray
    passes_per_hour: np.ndarray
    pm: np.ndarray
    engineering: np.ndarray
    nonscheduled: np.ndarray


def check_fab(model: Model, fab: str) -> None:
    """Raise UsageError for a fab that the model does not have."""
    if fab not in model.fabs:
        names = ", ".join(model.fabs)
        raise UsageError("--fab", "is not in the model", got=fab, allowed=names)


def run_fab(
    file: ModelFile,
    fab: str,
    scenario: str,
    realizations: int,
    seed: int,
    threads: int | None = None,
    progress: bool = False,
) -> FabRun:
    """Simulate the realizations 0, 1, ... of a scenario and keep the outputs of a fab.

    They are the realizations of `yieldsim run`, whatever ``threads`` is. Raises UsageError for an
    unknown scenario or fab, ModelError for a faulty model.
    """
    outputs = {"simulation": {"outputs": [*ROUTE, *GROUP, *FLEET]}}
    file = replace(file, raw=merge(file.raw, outputs))
    simulator = Simulator(file, [scenario], seed)
    model, compiled = simulator.models[scenario], simulator.compiled[scenario]
    check_fab(model, fab)
    fab_part = _FabPart(model, fab)
    parts: dict[int, dict[str, np.ndarray]] = {}
    lock = threading.Lock()

    def work(block: int) -> int:
        first = block * BLOCK
        count = min(BLOCK, realizations - first)
        kept = dict(fab_part.figures(simulator.block(first, count)))
        kept |= fab_part.drawn(compiled, seed, first, count)
        with lock:
            parts[block] = kept
        return count

    blocks = range(-(-realizations // BLOCK))
    with progress_of(realizations, 0, bar=progress) as told:
        run_blocks(work, blocks, threads or available_cores(), told.stored, told.stopping)
    arrays = {name: np.concatenate([parts[b][name] for b in blocks]) for name in parts[0]}
    return FabRun(
        model=model,
        scenario=scenario,
        seed=seed,
        fab=fab,
        realizations=realizations,
        quarters=quarter_range(model.simulation.start, model.simulation.end),
        processes=fab_part.processes,
        groups=fab_part.groups,
        classes=fab_part.classes,
        figures={name: arrays.pop(name) for name in (*ROUTE, *GROUP, *FLEET)},
        **arrays,
    )


class _FabPart:
    """The part of the simulation's arrays that belongs to a fab."""

    def __init__(self, model: Model, fab: str) -> None:
        content = model.fabs[fab]
        visited = {g for p in content.plan for g in visited_groups(model, model.processes[p])}
        equipped = {name for name, fleets in content.fleets.items() if fleets}
        self.processes = [name for name in model.processes if name in content.plan]
        self.groups = [name for name in model.tool_groups if name in visited & equipped]
        fleets = [content.fleets[group] for group in self.groups]
        self.classes = np.array([[c in fleet for c in CLASSES] for fleet in fleets], bool)
        self.classes = self.classes.reshape(len(self.groups), len(CLASSES))
        self._fab = list(model.fabs).index(fab)
        self._process = [list(model.processes).index(name) for name in self.processes]
        self._group = [list(model.tool_groups).index(name) for name in self.groups]

    def figures(self, block: dict[str, np.ndarray]) -> Iterator[tuple[str, np.ndarray]]:
        """The fab's part of each output, (R, Q, ...)."""
        for name in (*ROUTE, *GROUP, *FLEET):
            chosen = self._process if name in ROUTE else self._group
            yield name, block[name][0][:, :, self._fab][:, :, chosen]

    def drawn(self, compiled: Compiled, seed: int, first: int, count: int) -> dict[str, np.ndarray]:
        """The drawn parameters of `FabRun`."""
        _, worlds = compiled.draw(seed, first, count)
        raw_days = compiled.drawn(worlds, "process", "raw_process_days")[self._process]

        def tool(name: str) -> np.ndarray:
            drawn = np.moveaxis(compiled.drawn(worlds, "tool", name)[self._group], -1, 0)
            # a class that the fab lacks may have no parameters: then these are placeholders
            return np.where(self.classes, drawn, 0.0)

        return {
            "raw_days": raw_days.T,
            "passes_per_hour": tool("wafers_per_hour") * tool("performance"),
            **{key: tool(name) for key, name in _TIMES.items()},
        }
