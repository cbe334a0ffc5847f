"""Cross-checks of dies, die banks, memory and products."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from yieldsim.errors import ModelError
from yieldsim.model.checks.names import known
from yieldsim.model.references import memory_pools, reach
from yieldsim.model.schema import Die, Model, Product
from yieldsim.model.schema.calendar import quarter_index
from yieldsim.model.schema.fabs import OTHER
from yieldsim.model.schema.quantity import Quantity

_ROUNDING = 1e-12  # of a sum of two shares


def check_chips(model: Model) -> None:
    """Raise ModelError for the first rule that fails."""
    if OTHER in model.dies:
        problem = "has the name that stands for designs outside the model"
        raise ModelError("dies", problem, got=OTHER, allowed="another name")
    for name, die in model.dies.items():
        _check_die(model, name, die)
    if not model.products:
        raise ModelError("products", "needs at least one product, got none")
    for name, product in model.products.items():
        _check_product(model, name, product)
    for name, bank in model.die_banks.items():
        known(f"die_banks.{name}.die", bank.die, model.dies, "die")
        known(f"die_banks.{name}.bin", bank.bin, model.dies[bank.die].bins, "bin of the die")


def _check_die(model: Model, name: str, die: Die) -> None:
    where = f"dies.{name}"
    if not die.process:
        raise ModelError(f"{where}.process", "needs at least one process, got none")
    for process in die.process:
        known(f"{where}.process", process, model.processes, "process")
    _refuse_twice(f"{where}.process", die.process, "process")
    wafer = model.wafer
    smallest = reach(model, wafer.diameter_mm, "mm")[0]
    usable = smallest - 2.0 * reach(model, wafer.edge_exclusion_mm, "mm")[1]
    for side, size in (("width_mm", die.width_mm), ("height_mm", die.height_mm)):
        largest = reach(model, size, "mm")[1]
        if largest > usable:
            problem = f"can be larger than the usable wafer, got {largest:g} mm"
            raise ModelError(f"{where}.{side}", problem, allowed=f"<= {usable:g} mm")
    if die.floorplan is not None:
        return
    _check_bins(where, die)
    cores, memory = _top(model, die.core_fraction), _top(model, die.memory_fraction)
    if cores + memory > 1.0 + _ROUNDING:
        problem = "core_fraction and memory_fraction can exceed the die"
        raise ModelError(where, f"{problem}, got {cores:g} + {memory:g}", allowed="a sum <= 1")
    if (die.cores == 0) != (die.core_fraction is None):
        has = "a" if die.core_fraction is not None else "no"
        problem = f"cores and core_fraction go together, got {die.cores} with {has} core_fraction"
        raise ModelError(f"{where}.cores", problem, allowed="both or none")


def _check_bins(where: str, die: Die) -> None:
    rules = list(die.bins.items())
    if not rules:
        raise ModelError(f"{where}.bins", "needs at least one bin, got none")
    best, rule = rules[0]
    if rule.min_good_cores > die.cores:
        raise ModelError(
            f"{where}.bins.{best}.min_good_cores",
            "is more than the die has",
            got=rule.min_good_cores,
            allowed=f"<= {die.cores}",
        )
    for (first, better), (second, worse) in pairwise(rules):
        if better.min_good_cores <= worse.min_good_cores:
            raise ModelError(
                f"{where}.bins.{second}.min_good_cores",
                f"must be below that of {first}",
                got=worse.min_good_cores,
                allowed=f"< {better.min_good_cores}",
            )


def _top(model: Model, item: Quantity | None) -> float:
    """The largest share that a quantity can draw."""
    return 0.0 if item is None else reach(model, item, "1")[1]


def _check_product(model: Model, name: str, product: Product) -> None:
    where = f"products.{name}"
    known(f"{where}.die", product.die, model.dies, "die")
    _check_made(model, f"{where}.die", product.die)
    if product.end is not None and quarter_index(product.end) <= quarter_index(product.start):
        raise ModelError(
            f"{where}.end", "must be after start", got=product.end, allowed=f"after {product.start}"
        )
    pools = _check_pools(model, where, product)
    if bool(pools) != bool(product.stacks_per_package):
        got = f"{product.stacks_per_package} {'with' if pools else 'without'} memory"
        problem = f"stacks and memory pools go together, got {got}"
        allowed = "> 0 with memory, 0 without"
        raise ModelError(f"{where}.stacks_per_package", problem, allowed=allowed)
    for packaging_line in product.packaging:
        known(f"{where}.packaging", packaging_line, model.packaging, "packaging line")
    _refuse_twice(f"{where}.packaging", product.packaging, "packaging line")
    _check_other_dies(model, where, product)
    _check_bins_sold(model, where, product)


def _refuse_twice(where: str, names: Sequence[str], what: str) -> None:
    if len(set(names)) != len(names):
        raise ModelError(where, f"names a {what} twice, got {', '.join(names)}")


def _check_pools(model: Model, where: str, product: Product) -> list[str]:
    generations = dict.fromkeys(p.generation for p in model.memory.values() if p.generation)
    for name in product.memory:
        known(f"{where}.memory", name, [*model.memory, *generations], "memory pool or generation")
    pools = memory_pools(model, product)
    _refuse_twice(f"{where}.memory", pools, "pool")
    return pools


def _check_other_dies(model: Model, where: str, product: Product) -> None:
    """The dies of other designs must be made somewhere and be the main die of no product."""
    product_of = {other.die: name for name, other in model.products.items()}
    for die in product.other_dies:
        known(f"{where}.other_dies", die, model.dies, "die")
        if die in product_of:
            problem = f"is the main die of product {product_of[die]}"
            allowed = "a die that is the main die of no product"
            raise ModelError(f"{where}.other_dies", problem, got=die, allowed=allowed)
        _check_made(model, f"{where}.other_dies", die)


def _check_bins_sold(model: Model, where: str, product: Product) -> None:
    die = model.dies[product.die]
    for key in product.performance:
        known(f"{where}.performance", key, die.bins, "bin of the die")
    for key in product.sells:
        known(f"{where}.sells", key, die.bins, "bin of the die")
    _refuse_twice(f"{where}.sells", product.sells, "bin")
    for key in product.sells or die.bins:
        if product.kind == "ai" and key not in product.performance:
            raise ModelError(f"{where}.performance.{key}", "is missing for a bin of an AI chip")
    if product.pairing == "best_fit" and (die.floorplan is not None or not die.cores):
        problem = f"needs a die with cores, and {product.die} has none"
        got = product.pairing
        raise ModelError(f"{where}.pairing", problem, got=got, allowed="like, random")
    if product.pairing == "random" and 0 < len(product.sells) < len(die.bins):
        problem = "pairing 'random' sells packages of all bins"
        raise ModelError(
            f"{where}.sells", problem, got=", ".join(product.sells), allowed="none: leave it out"
        )


def _check_made(model: Model, where: str, die: str) -> None:
    """A fab or a die bank must supply the dies."""
    made = {d for fab in model.fabs.values() for w in fab.allocation.values() for d in w}
    made = made - {OTHER} | {bank.die for bank in model.die_banks.values()}
    if die in made:
        return
    own = model.dies[die].process
    running = list(dict.fromkeys(name for fab in model.fabs.values() for name in fab.plan))
    if set(own) & set(running):
        allowed = ", ".join(sorted(made)) or None
        raise ModelError(where, "gets no wafers from any fab", got=die, allowed=allowed)
    problem = f"needs process '{', '.join(own)}', which no fab runs"
    allowed = f"dies of {', '.join(running)}" if running else None
    raise ModelError(where, problem, got=die, allowed=allowed)
