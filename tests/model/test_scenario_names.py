"""The grammar of scenario names; what a combination of scenarios does is in files/."""

import pytest

from yieldsim.errors import ModelError, UsageError
from yieldsim.model.scenario_names import (
    check_scenario_name,
    checked_parts,
    expand_names,
    lifted_limits,
    raised_inputs,
    without_lifts,
    without_raises,
)


def test_parts_of_a_name() -> None:
    assert checked_parts("baseline") == ()
    assert checked_parts("a") == ("a",)
    assert checked_parts("b+no_limit:memory+a") == ("b", "no_limit:memory", "a")


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("a+a", "twice"),
        ("b+a+b", "twice"),
        ("+a", "empty"),
        ("a+", "empty"),
        ("a++b", "empty"),
        ("+", "empty"),
        ("a+baseline", "without changes"),
    ],
)
def test_a_malformed_combination_is_refused(name: str, problem: str) -> None:
    with pytest.raises(UsageError, match=problem) as caught:
        checked_parts(name)
    assert (caught.value.where, caught.value.got) == ("scenario", name)


@pytest.mark.parametrize(
    ("name", "lifted", "base"),
    [
        ("baseline", [], "baseline"),
        ("a+b", [], "a+b"),
        ("no_limit:memory", ["memory"], "baseline"),
        ("domestic_late+no_limit:memory", ["memory"], "domestic_late"),
        ("no_limit:memory+no_limit:packaging", ["memory", "packaging"], "baseline"),
        ("a+no_limit:tools: etch+b", ["tools: etch"], "a+b"),
    ],
)
def test_a_name_says_what_it_lifts_and_from_what(name: str, lifted: list[str], base: str) -> None:
    assert lifted_limits(name) == lifted
    assert without_lifts(name) == base


@pytest.mark.parametrize(
    ("name", "raised", "base"),
    [
        ("baseline", [], "baseline"),
        ("more:memory", ["memory"], "baseline"),
        ("late+more:memory.cxmt+more:wafers", ["memory.cxmt", "wafers"], "late"),
        ("no_limit:memory+more:wafers", ["wafers"], "no_limit:memory"),
    ],
)
def test_a_name_says_what_it_raises_and_from_what(name: str, raised: list[str], base: str) -> None:
    assert raised_inputs(name) == raised
    assert without_raises(name) == base


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ([], ["baseline"]),
        (["late", "baseline", "late"], ["late", "baseline"]),
        (["all"], ["baseline", "late", "early"]),
        (["early", "all"], ["early", "baseline", "late"]),
        (["no_limit:all", "late"], ["baseline", "no_limit:memory", "no_limit:tools", "late"]),
        (["more:all", "late"], ["baseline", "more:memory", "more:yield", "late"]),
        (["late+early"], ["late+early"]),
    ],
)
def test_all_is_written_out(asked: list[str], names: list[str]) -> None:
    limits, inputs = ["memory", "tools"], ["memory", "yield"]
    assert list(expand_names(asked, ["late", "early"], limits, inputs)) == names


@pytest.mark.parametrize("name", ["baseline", "no_limit:memory", "more:memory", "a+b"])
def test_a_scenario_may_not_take_a_reserved_name(name: str) -> None:
    with pytest.raises(ModelError, match="scenarios"):
        check_scenario_name(name)
