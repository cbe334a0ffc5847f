"""Memory makers of the readable twin: DRAM wafers, their dies, and the stacks made of them."""

from __future__ import annotations

import math

from tests.supply.twin.dies import gross_dies
from tests.supply.twin.world import World
from yieldsim.model import Schedule
from yieldsim.model.schema import MemoryMaker


def made(world: World, pool: str, step: int) -> float:
    """Good stacks of a pool's maker in a step, at a rate per month."""
    maker, path = world.model.memory[pool].maker, f"memory.{pool}.maker"
    assert maker is not None
    if maker.dram_line:
        line = world.model.dram_lines[maker.dram_line]
        slip = world.number(f"dram_lines.{maker.dram_line}", line, "slip_quarters")
        wafers = slipped(world, f"dram_lines.{maker.dram_line}.wafers", line.wafers, step, slip)
        wafers *= share_of_line(world, pool, maker.dram_line, step)
    else:
        assert maker.wafers is not None
        slip = world.number(path, maker, "slip_quarters")
        wafers = slipped(world, f"{path}.wafers", maker.wafers, step, slip)
    good = world.schedule(f"{path}.stack_yield", maker.stack_yield, step)
    if maker.die_yield is not None:
        good *= world.schedule(f"{path}.die_yield", maker.die_yield, step)
    return wafers * stacks_per_wafer(world, path, maker) * good


def slipped(world: World, path: str, schedule: Schedule, step: int, slip: float) -> float:
    """A schedule ``slip`` quarters earlier, straight between whole steps, flat before the first."""
    at = step - slip * world.steps_per_quarter
    before = max(0, math.floor(at))
    value = world.schedule(path, schedule, before)
    if at <= before:
        return value
    after = world.schedule(path, schedule, before + 1)
    return value * (before + 1 - at) + after * (at - before)


def share_of_line(world: World, pool: str, line: str, step: int) -> float:
    """The pool's share of the wafers of a DRAM line, by the weights of all pools on it."""
    weights = {}
    for name, other in world.model.memory.items():
        if other.maker is not None and other.maker.dram_line == line:
            weight = other.maker.line_weight
            path = f"memory.{name}.maker.line_weight"
            weights[name] = 1.0 if weight is None else world.schedule(path, weight, step)
    total = sum(weights.values())
    return weights[pool] / total if total > 0.0 else 0.0


def stacks_per_wafer(world: World, path: str, maker: MemoryMaker) -> float:
    """Stacks of a wafer before yield: given, or its dies over those that a stack takes."""
    if maker.dram_die_mm2 is None:
        return world.number(path, maker, "stacks_per_wafer")
    wafer = world.model.wafer
    radius = world.number("wafer", wafer, "diameter_mm") / 2.0
    radius -= world.number("wafer", wafer, "edge_exclusion_mm")
    side = math.sqrt(world.number(path, maker, "dram_die_mm2"))
    dies = gross_dies(side, side, world.number("wafer", wafer, "scribe_mm"), radius)
    taken = world.number(path, maker, "dies_per_stack")
    return dies / (taken + world.number(path, maker, "base_dies_per_stack"))
