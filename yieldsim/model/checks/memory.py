"""Cross-checks of memory: where the stacks of a pool come from."""

from __future__ import annotations

from yieldsim.errors import ModelError
from yieldsim.model.checks.names import known
from yieldsim.model.references import reach
from yieldsim.model.schema import MemoryMaker, MemoryPool, Model
from yieldsim.model.schema.calendar import quarter_index

_SMALLEST_MM2 = 1.0  # counting smaller dies on a wafer takes too long


def check_memory(model: Model) -> None:
    """Raise ModelError for the first rule that fails."""
    for name, pool in model.memory.items():
        _check_pace(f"memory.{name}", pool)
        if pool.maker is not None:
            _check_maker(model, f"memory.{name}.maker", pool.maker)
    used = {pool.maker.dram_line for pool in model.memory.values() if pool.maker is not None}
    for name in model.dram_lines:
        if name not in used:
            problem = "feeds no pool"
            raise ModelError(f"dram_lines.{name}", problem, allowed="a pool's maker.dram_line")


def _check_pace(where: str, pool: MemoryPool) -> None:
    if pool.paced_from is None:
        return
    if pool.lasts_until is None:
        problem = f"begins to pace stacks, got {pool.paced_from} without lasts_until"
        raise ModelError(f"{where}.paced_from", problem, allowed="with lasts_until")
    if quarter_index(pool.paced_from) >= quarter_index(pool.lasts_until):
        allowed = f"before lasts_until, {pool.lasts_until}"
        raise ModelError(f"{where}.paced_from", f"got {pool.paced_from}", allowed=allowed)


def _check_maker(model: Model, where: str, maker: MemoryMaker) -> None:
    if (maker.wafers is None) == (not maker.dram_line):
        got = "both" if maker.dram_line else "none"
        raise ModelError(where, f"needs wafers or dram_line, got {got}", allowed="one of them")
    if maker.dram_line:
        known(f"{where}.dram_line", maker.dram_line, model.dram_lines, "DRAM line")
        if maker.slip_quarters is not None:
            problem = f"is that of its DRAM line {maker.dram_line}, got one of its own"
            allowed = f"dram_lines.{maker.dram_line}.slip_quarters"
            raise ModelError(f"{where}.slip_quarters", problem, allowed=allowed)
    elif maker.line_weight is not None:
        problem = "is a weight on a DRAM line, got it with wafers of its own"
        raise ModelError(f"{where}.line_weight", problem, allowed="with dram_line")
    if (maker.stacks_per_wafer is None) == (maker.dram_die_mm2 is None):
        got = "none" if maker.dram_die_mm2 is None else "both"
        problem = f"needs stacks_per_wafer or dram_die_mm2, got {got}"
        raise ModelError(where, problem, allowed="one of them")
    _check_stack(model, where, maker)


def _check_stack(model: Model, where: str, maker: MemoryMaker) -> None:
    if maker.dram_die_mm2 is None:
        for key in ("dies_per_stack", "base_dies_per_stack"):
            if getattr(maker, key) is not None:
                problem = "divides dies counted by geometry, got it with stacks_per_wafer"
                raise ModelError(f"{where}.{key}", problem, allowed="with dram_die_mm2")
        return
    if maker.dies_per_stack is None:
        raise ModelError(f"{where}.dies_per_stack", "is missing beside dram_die_mm2")
    smallest = reach(model, maker.dram_die_mm2, "mm2")[0]
    if smallest < _SMALLEST_MM2:
        problem = f"can be too small to count, got {smallest:g} mm2"
        raise ModelError(f"{where}.dram_die_mm2", problem, allowed=f">= {_SMALLEST_MM2:g} mm2")
