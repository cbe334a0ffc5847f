"""One realization of small models whose results can be worked out by hand."""

from typing import Any

import numpy as np

from tests.paths import VALID
from yieldsim.model.load import ModelFile, load_file
from yieldsim.outputs import ALL_OUTPUTS
from yieldsim.supply.simulate import Simulator

FLOAT32 = 2e-7  # results are stored as float32
ONE_LINE, ONE_GROUP = VALID / "one_line.toml", VALID / "one_group.toml"
ALL_KEPT = f"simulation.outputs={[variable.name for variable in ALL_OUTPUTS]}"  # also on request
DIES = 300_000.0  # a quarter of one_line.toml
B_TOO = "products.b.start='2026Q1'"
NO_WAFERS = "fabs.line.plan.n2=0"
Block = dict[str, np.ndarray]


def of_file(file: ModelFile, scenario: str = "baseline") -> Block:
    """Results of one realization, less the leading dims."""
    block = Simulator(file, [scenario], 1).block(0, 1)
    return {key: values[0, 0] for key, values in block.items()}


def run(*changes: str, scenario: str = "baseline") -> Block:
    """Results of one_line.toml with changes."""
    return of_file(load_file(ONE_LINE).with_changes(changes), scenario)


def run_tools(*changes: str, scenario: str = "baseline") -> Block:
    """Results of one_group.toml with changes, those that are kept on request too."""
    return of_file(load_file(ONE_GROUP).with_changes([ALL_KEPT, *changes]), scenario)


def binned(bins: dict[str, int], *changes: str, tables: dict[str, Any] | None = None) -> ModelFile:
    """one_line.toml with bins of so many good cores of four, for products without performance."""
    file = load_file(ONE_LINE)
    for product in file.raw["products"].values():
        del product["performance"]
        product["kind"] = "other"
    rules = {name: {"min_good_cores": cores} for name, cores in bins.items()}
    file.raw["dies"]["chip"] |= {"cores": 4, "core_fraction": 0.5, "bins": rules}
    for table, entries in (tables or {}).items():
        file.raw.setdefault(table, {}).update(entries)
    return file.with_changes(changes)


def bank(die: str, bin_name: str, dies: float) -> dict[str, Any]:
    """A die bank that gives so many dies a quarter."""
    origin = {"source": "made_up", "grade": "assumed"}
    return {"die": die, "bin": bin_name, "draw": {"value": dies}, **origin}


def from_banks(dies: dict[str, float]) -> dict[str, Any]:
    """Banks that give the chips of each bin in place of a fab."""
    return {f"of_{name}": bank("chip", name, number) for name, number in dies.items()}


def assert_all(values: np.ndarray, expected: object) -> None:
    """Every quarter as expected, up to the rounding of single precision."""
    np.testing.assert_allclose(values, np.broadcast_to(expected, values.shape), rtol=FLOAT32)
