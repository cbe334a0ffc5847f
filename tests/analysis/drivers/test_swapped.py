import numpy as np
import pytest

from tests.analysis.made_up_driven import INPUTS, driven
from yieldsim.analysis.drivers.swapped import (
    Design,
    design_of,
    joined_groups,
    swapped_draws,
    write_draws,
)
from yieldsim.errors import UsageError
from yieldsim.sampling import read_samples

GROUPS = [["up", "down"], ["hump"]]


def test_a_swap_takes_the_whole_group_from_the_other_draws() -> None:
    ds = driven(60)
    columns = swapped_draws(ds, "baseline", GROUPS, 20)
    assert list(columns) == [name for name in INPUTS if name != "constant"]
    drawn = ds["parameter_value"].to_numpy()[0]
    blocks = {name: column.reshape(5, 20) for name, column in columns.items()}
    for name, own in blocks.items():
        a, b = drawn[:20, INPUTS.index(name)], drawn[20:40, INPUTS.index(name)]
        swapped = [name in group for group in GROUPS]
        expected = [a, b, a, *(b if swap else a for swap in swapped)]
        assert np.array_equal(own, expected), name


def test_the_design_is_found_in_the_draws() -> None:
    columns = swapped_draws(driven(64), "baseline", GROUPS)
    found = design_of(driven(given=columns), "baseline")
    assert found == Design(32, (("up", "down"), ("hump",)))
    assert found.swap(1) == slice(128, 160)


@pytest.mark.parametrize("spoiled", ["a row", "the repeat", "the end", "nothing given"])
def test_other_samples_are_no_design(spoiled: str) -> None:
    columns = swapped_draws(driven(64), "baseline", GROUPS)
    if spoiled == "a row":
        columns["up"][120] = 0.5
    if spoiled == "the repeat":
        columns["inert"][70] = 0.5
    if spoiled == "the end":
        columns = {name: column[:-1] for name, column in columns.items()}
    ds = driven(given=columns)
    if spoiled == "nothing given":
        del ds.attrs["samples_digest"]
    assert design_of(ds, "baseline") is None


def test_draws_of_any_other_ensemble_are_no_design() -> None:
    assert design_of(driven(64).assign_attrs(samples_digest="x"), "baseline") is None


@pytest.mark.parametrize("kind", ["csv", "npz"])
def test_a_file_of_samples_holds_each_bit(kind: str, tmp_path) -> None:
    columns = swapped_draws(driven(64), "baseline", GROUPS)
    write_draws(columns, tmp_path / f"x.{kind}")
    samples = read_samples(tmp_path / f"x.{kind}")
    assert list(samples.paths) == list(columns)
    assert np.array_equal(samples.values, np.stack(list(columns.values()), axis=1))


def test_correlated_inputs_form_a_group_also_through_others() -> None:
    partners = {"a": ["b"], "b": ["a", "c"], "c": ["b"]}
    assert joined_groups(["x", "c", "a"], partners) == [["x"], ["c", "b", "a"]]


def test_bad_designs_are_refused(tmp_path) -> None:
    ds = driven(64)
    with pytest.raises(UsageError, match="--rows: does not suit the ensemble, got 33; allowed: 8"):
        swapped_draws(ds, "baseline", GROUPS, 33)
    for attrs, got in (({"design": "sobol"}, "sobol"), ({"samples_digest": "x"}, "given samples")):
        with pytest.raises(UsageError, match=f"needs independent draws, got '{got}'"):
            swapped_draws(ds.assign_attrs(attrs), "baseline", GROUPS)
    with pytest.raises(
        UsageError, match=r"unknown kind of samples, got '.*x.txt'; allowed: a name"
    ):
        write_draws({"up": np.ones(3)}, tmp_path / "x.txt")
