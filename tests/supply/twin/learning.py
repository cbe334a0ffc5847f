"""Learning of the readable twin: how far each line is above the mature defect density."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tests.supply.twin.world import World
from yieldsim.model.schema import ExponentialLearning, PowerLearning

Line = tuple[str, str]  # fab, process


@dataclass
class Start:
    """The first wafer of a line with its own learning."""

    step: int
    excess: float  # density over mature density, less 1


class Experience:
    """What every line has learnt: its wafers, and where it began."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.wafers: dict[Line, float] = {}
        self.starts: dict[Line, Start] = {}

    def begin(self, step: int) -> None:
        """Note where the lines begin that have started no wafer before a step."""
        for name, fab in self.world.model.fabs.items():
            for process in fab.plan:
                line = name, process
                if process in fab.learning and not self.wafers.get(line):
                    self.starts[line] = Start(step, self.first_excess(line, step))

    def ratio(self, fab: str, process: str, step: int) -> float:
        """Defect density of the wafers of a step over the mature density."""
        return 1.0 + self.excess((fab, process), step + 0.5)

    def first_excess(self, line: Line, step: int) -> float:
        """Excess of a line that starts in a step: what is not copied, and what is."""
        fab, process = line
        own, path = self.world.model.fabs[fab].learning[process], f"fabs.{fab}.learning.{process}"
        law = self.world.model.processes[process].learning
        assert law is not None
        shared = f"processes.{process}.learning"
        begin = self.world.number(shared, law, "start_ratio")
        if own.start_ratio is not None:
            begin = self.world.number(path, own, "start_ratio")
        if own.copied_from is None:
            return begin - 1.0
        share = self.world.number(path, own, "transferred_share")
        return (1.0 - share) * (begin - 1.0) + share * self.excess((own.copied_from, process), step)

    def excess(self, line: Line, time: float) -> float:
        """Density over mature density, less 1, of a line at a time in steps."""
        process, world = line[1], self.world
        law, path = world.model.processes[process].learning, f"processes.{process}.learning"
        if isinstance(law, ExponentialLearning):
            start = self.starts.get(line)
            since = world.first_step(law.start) if start is None else start.step
            quarters = max(0.0, (time - since) / world.steps_per_quarter)
            left = math.exp(-quarters / world.number(path, law, "tau_quarters"))
        elif isinstance(law, PowerLearning):
            done = self.wafers.get(line, 0.0) / world.number(path, law, "reference_wafers")
            left = (1.0 + done) ** -world.number(path, law, "exponent")
        else:
            return 0.0
        if line in self.starts:
            return self.starts[line].excess * left
        return (world.number(path, law, "start_ratio") - 1.0) * left
