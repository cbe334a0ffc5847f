"""Kernels read state by name: a name that no table has is an error when they are compiled."""

from functools import cache
from typing import Any

import numba
import numpy as np
import pytest

from tests.paths import VALID
from yieldsim.model.load import load_file
from yieldsim.outputs import OUTPUTS
from yieldsim.supply.compile import Compiled, compile_model
from yieldsim.supply.compile.axes import axes_of
from yieldsim.supply.compile.results import TallyLayout
from yieldsim.supply.kernels.records import TALLY_DIMS, Tally, tally_fields


@cache
def compiled_model() -> Compiled:
    return compile_model(load_file(VALID / "one_line.toml").model())


def reads(kernel: Any) -> Any:
    return numba.njit(kernel)(compiled_model().world()[1])


def test_a_kernel_reads_the_fields_of_the_schema() -> None:
    assert reads(lambda world: world.process[0].alpha.shape) == (16,)


@pytest.mark.parametrize(
    ("name", "kernel"),
    [
        ("alhpa", lambda world: world.process[0].alhpa[0]),
        ("width_mm", lambda world: world.wafer.width_mm[0]),  # a field of a die
        ("proces", lambda world: world.proces[0].alpha[0]),
    ],
)
def test_a_name_that_no_table_has_does_not_compile(name: str, kernel: Any) -> None:
    # Numba says KeyError for a record without the field
    with pytest.raises((KeyError, numba.TypingError), match=f"'{name}'"):
        reads(kernel)


def test_every_output_has_one_place_in_the_tally() -> None:
    tables = [(table, name) for table in Tally._fields for name in tally_fields(table)]
    for variable in OUTPUTS:
        own = [table for table, name in tables if name == variable.name]
        assert [TALLY_DIMS[table] for table in own] == [variable.dims], variable.name


@pytest.mark.parametrize("name", ["one_line", "two_fabs", "shocks"])
def test_every_entry_of_an_output_has_a_place_of_its_own(name: str) -> None:
    compiled = compile_model(load_file(VALID / f"{name}.toml").model())
    layout = TallyLayout(compiled, OUTPUTS, axes_of(compiled.model))
    flat, tally = layout.tally()
    places = layout.places[layout.places >= 0]
    assert len(np.unique(places)) == len(places)
    assert places.max() < len(flat)
    # a mark in a field of the tally is found under the name of its variable
    flat[:] = -1.0
    for number, variable in enumerate(OUTPUTS):
        table = next(t for t, dims in TALLY_DIMS.items() if dims == variable.dims)
        getattr(tally, table)[variable.name][...] = number
    out = np.where(layout.places >= 0, flat[layout.places, 0], np.nan)[None]
    for number, (key, values) in enumerate(layout.split(out)):
        assert key == OUTPUTS[number].name
        assert np.all((values == number) | np.isnan(values)), key
        assert values.size == 0 or np.any(values == number), key
