"""Demand side of a block of realizations: deliveries, imports, and the gap to the market's demand.

The gap is counted in chips and in H100-equivalents. In chips, every AI chip counts as 1: shipments
to China are published in this way, but a chip may be worth several of another kind. In
H100-equivalents (dense FP16 compute) all kinds can be added, but the compute wanted is an estimate
of the model. Neither gap is cut at zero, so a surplus offsets other quarters and sums over quarters
hold.
"""

from __future__ import annotations

import numpy as np

from yieldsim.supply.orders.compiled import DemandPlan
from yieldsim.supply.orders.deliveries import deliver
from yieldsim.units import H100_TB_PER_S, H100_TFLOPS_FP16

NEEDED = ("usable_chips", "h100_equivalents")  # variables of the supply that the demand side needs


def run_demand(
    plan: DemandPlan, drawn: np.ndarray, usable: np.ndarray, h100: np.ndarray
) -> dict[str, np.ndarray]:
    """Return the variables of ``plan.outputs``, (realization, quarter, ...) in double precision.

    ``drawn`` is (realization, parameter). ``usable`` (chips) and ``h100`` (H100-equivalents) are
    (realization, quarter, product), in the order of products that the plan was compiled for. The
    results of a realization depend on its own row alone.
    """
    usable, h100 = usable.astype(np.float64), h100.astype(np.float64)
    results: dict[str, np.ndarray] = {}
    if plan.orders:
        results |= _orders(plan, drawn, usable)
    imports = _imports(plan, drawn, usable.shape[1])
    if plan.imports:
        results |= imports
    if plan.has_demand:
        results |= _gaps(plan, drawn, usable, h100, imports)
    return results


def _orders(plan: DemandPlan, drawn: np.ndarray, usable: np.ndarray) -> dict[str, np.ndarray]:
    size = np.empty((len(drawn), len(plan.orders)))
    share = np.empty_like(size)
    for place, (order, fields) in enumerate(zip(plan.orders, plan.sizes, strict=True)):
        first, *second = (_drawn(plan, drawn, f"orders.{order.name}.{key}", 0.0) for key in fields)
        size[:, place] = first
        if second:
            divided = fields[0] == "value_yuan"  # value over price; pods times chips per pod
            size[:, place] = first / second[0] if divided else first * second[0]
        share[:, place] = _drawn(plan, drawn, f"orders.{order.name}.share", 1.0)
    done = deliver(plan.orders, size, share, usable)
    return {
        "order_size": done.size,
        "order_delivered": done.delivered,
        "order_backlog": done.backlog,
        "unclaimed_chips": done.unclaimed,
    }


def _imports(plan: DemandPlan, drawn: np.ndarray, quarters: int) -> dict[str, np.ndarray]:
    chips = np.zeros((len(drawn), quarters, len(plan.imports)))
    compute, bandwidth = np.zeros_like(chips), np.zeros_like(chips)
    for place, name in enumerate(plan.imports):
        path = f"imports.{name}"
        passed = plan.series[f"{path}.deliveries"].values(drawn)
        if f"{path}.licensed" in plan.series:
            passed = passed * plan.series[f"{path}.licensed"].values(drawn)
        chips[:, :, place] = passed
        tflops = _drawn(plan, drawn, f"{path}.tflops_fp16", 0.0)
        tb_per_s = _drawn(plan, drawn, f"{path}.bandwidth_tb_per_s", 0.0)
        compute[:, :, place] = passed * (tflops / H100_TFLOPS_FP16)[:, None]
        bandwidth[:, :, place] = passed * (tb_per_s / H100_TB_PER_S)[:, None]
    return {
        "imports": chips,
        "imports_h100_equivalents": compute,
        "imports_h100_equivalents_bandwidth": bandwidth,
    }


def _gaps(
    plan: DemandPlan,
    drawn: np.ndarray,
    usable: np.ndarray,
    h100: np.ndarray,
    imports: dict[str, np.ndarray],
) -> dict[str, np.ndarray]:
    wanted = plan.series["demand.chips"].values(drawn)
    each = plan.series["demand.tflops_fp16"].values(drawn)
    compute = wanted * each / H100_TFLOPS_FP16
    every_import = range(len(plan.imports))
    short = wanted - _sum(usable, plan.domestic)
    short_compute = compute - _sum(h100, plan.domestic)
    imported = _sum(imports["imports"], every_import)
    imported_compute = _sum(imports["imports_h100_equivalents"], every_import)
    return {
        "demand": wanted,
        "gap_without_imports": short,
        "gap_with_imports": short - imported,
        "demand_h100_equivalents": compute,
        "gap_without_imports_h100_equivalents": short_compute,
        "gap_with_imports_h100_equivalents": short_compute - imported_compute,
    }


def _sum(values: np.ndarray, places: tuple[int, ...] | range) -> np.ndarray:
    """Return the sum over places of the last axis, with the same bits in blocks of any size."""
    total = np.zeros(values.shape[:-1])
    for place in places:
        total = total + values[..., place]
    return total


def _drawn(plan: DemandPlan, drawn: np.ndarray, path: str, neutral: float) -> np.ndarray:
    """Return the (realization) values of a parameter, or its neutral value where it is absent."""
    if path not in plan.column:
        return np.full(len(drawn), neutral)
    return drawn[:, plan.column[path]]
