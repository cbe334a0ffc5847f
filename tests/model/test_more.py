"""Inputs raised by 10 %: which parameters, by how much, and that draws stay as they are."""

from pathlib import Path

import numpy as np
import pytest

from yieldsim.design import Design, Samples
from yieldsim.errors import ModelError
from yieldsim.model import Parameter, Schedule, load_file, parameters
from yieldsim.model.more import INPUTS, inputs_of, meaning
from yieldsim.sampling import Sampler

YEARS = np.arange(2024 * 4, 2027 * 4) + 0.5
# the ratio of each input's values; sound.toml has all but a demand
RAISED = {
    "memory": (1.1, ["memory.stockpile.deliveries", "memory.domestic.maker.wafers"]),
    "stack_yield": (1.1, ["memory.domestic.maker.stack_yield"]),
    "wafers": (1.1, ["fabs.first.plan.n2", "fabs.second.plan.n2"]),
    "tools": (
        1.1,
        [
            "tool_groups.litho.imported.wafers_per_hour",
            "tool_groups.litho.domestic.wafers_per_hour",
            "tool_groups.etch.imported.wafers_per_hour",
        ],
    ),
    "yield": (0.9, ["processes.n2.d0_mature_per_cm2", "processes.n3.d0_mature_per_cm2"]),
    "packaging": (1.1, ["packaging.line.capacity"]),
    "dies": (1.1, ["die_banks.elsewhere.draw"]),
    "demand": (1.1, ["products.handset.demand"]),
}


def declared(sound: Path, scenario: str = "baseline") -> dict[str, Parameter]:
    file = load_file(sound).with_changes(["products.handset.demand=20000"])
    return {p.path: p for p in parameters(file.model(scenario))}


def drawn(sound: Path, scenario: str = "baseline") -> np.ndarray:
    file = load_file(sound).with_changes(["products.handset.demand=20000"])
    return Sampler(file.model(scenario)).draw(5, 0, 200)


def test_every_input_is_tested_here() -> None:
    assert set(RAISED) == set(INPUTS)


@pytest.mark.parametrize("name", RAISED)
def test_an_input_raises_its_parameters_and_nothing_else(name: str, sound: Path) -> None:
    ratio, paths = RAISED[name]
    base, more = declared(sound), declared(sound, f"more:{name}")
    values, raised = drawn(sound), drawn(sound, f"more:{name}")
    assert list(base) == list(more)
    for column, (path, parameter) in enumerate(base.items()):
        own = ratio if path in paths else 1.0
        item = parameter.item
        if isinstance(item, Schedule):
            other = more[path].item
            assert isinstance(other, Schedule)
            for curve, changed in zip(item.curves(YEARS), other.curves(YEARS), strict=True):
                np.testing.assert_array_equal(changed, curve * own)
        else:
            np.testing.assert_array_equal(raised[:, column], values[:, column] * own)


def test_one_entry_is_raised_alone(sound: Path) -> None:
    base, more = declared(sound), declared(sound, "more:memory.domestic")
    for path, ratio in (
        ("memory.stockpile.deliveries", 1.0),
        ("memory.domestic.maker.wafers", 1.1),
    ):
        item, other = base[path].item, more[path].item
        assert isinstance(item, Schedule)
        assert isinstance(other, Schedule)
        np.testing.assert_array_equal(other.curves(YEARS)[0], item.curves(YEARS)[0] * ratio)


@pytest.mark.parametrize("name", ["memory.cxmt_hbm3", "memory.cxmt_hbm3e", "memory.cxmt"])
def test_a_pool_of_a_dram_line_raises_the_stacks_of_the_line(name: str) -> None:
    """All pools of the line get a tenth more, in their proportions, and no other pool does."""
    file = load_file("baseline")
    base, more = file.model(), file.model(f"more:{name}")
    for line, own in base.dram_lines.items():
        ratio = 1.1 if line == "cxmt" else 1.0
        changed = more.dram_lines[line].wafers.curves(YEARS)[0]
        np.testing.assert_array_equal(changed, own.wafers.curves(YEARS)[0] * ratio)
    assert more.memory == base.memory


def test_a_share_stops_at_one(sound: Path) -> None:
    points = "quarters=['2024Q1', '2025Q1'], values=[0.5, 0.95]"
    change = "memory.domestic.maker.stack_yield={source='made_up', grade='assumed', %s}"
    at = np.array([2024 * 4 + 0.5, 2025 * 4 + 0.5])
    path = "memory.domestic.maker.stack_yield"

    def curve(text: str) -> np.ndarray:
        file = load_file(sound).with_changes([change % text])
        model = file.model("more:stack_yield")
        maker = model.memory["domestic"].maker
        assert maker is not None
        return maker.stack_yield.curves(at)[0]

    np.testing.assert_allclose(curve(points), [0.55, 1.0])
    # a scale of up to 1.04 multiplies the points: 0.95 x 1.04 was allowed, 1 x 1.04 would not be
    scale = "scale={dist='uniform', low=0.8, high=1.04, source='made_up', grade='assumed'}"
    np.testing.assert_allclose(curve(f"{points}, {scale}"), [0.55, 1.0 / 1.04])
    assert path in declared(sound)


def test_a_reference_is_raised_where_it_is_used_alone(sound: Path) -> None:
    """The quantity that several parameters share stays, and so do the others that refer to it."""
    change = "tool_groups.etch.imported.wafers_per_hour={ref='rate'}"
    rate = "shared.rate={dist='uniform', low=50, high=70, unit='wafer/hour'}"
    same = "tool_groups.etch.imported.mttf_hours=150"
    file = load_file(sound).with_changes([f"{rate[:-1]}, source='made_up', grade='assumed'}}"])
    file = file.with_changes([change, same])
    base, more = Sampler(file.model()), Sampler(file.model("more:tools"))
    column = base.column["tool_groups.etch.imported.wafers_per_hour"]
    shared = base.column["shared.rate"]
    values, raised = base.draw(5, 0, 50), more.draw(5, 0, 50)
    np.testing.assert_array_equal(raised[:, shared], values[:, shared])
    np.testing.assert_array_equal(raised[:, column], values[:, shared] * 1.1)


def test_given_samples_are_raised_too(sound: Path) -> None:
    path = "processes.n2.d0_mature_per_cm2"
    file = load_file(sound)
    base, more = Sampler(file.model()), Sampler(file.model("more:yield"))
    given = Design(samples=Samples((path,), np.linspace(0.1, 0.5, 20)[:, None]))
    values, raised = (sampler.draw(5, 0, 20, given) for sampler in (base, more))
    np.testing.assert_array_equal(values[:, base.column[path]], np.linspace(0.1, 0.5, 20))
    np.testing.assert_array_equal(raised[:, base.column[path]], 0.9 * np.linspace(0.1, 0.5, 20))


def test_inputs_combine_with_each_other_and_with_scenarios(sound: Path) -> None:
    file = load_file(sound)
    model = file.model("service_lost+more:wafers+no_limit:memory+more:packaging")
    assert model.simulation.more == ("wafers", "packaging")
    assert model.simulation.no_limit == ("memory",)
    assert "denied" in model.events
    line = model.packaging["line"].capacity
    assert line.curves(YEARS)[0][0] == pytest.approx(2200.0, rel=1e-15)


def test_a_model_may_say_it_itself(sound: Path) -> None:
    model = load_file(sound).with_changes(['simulation.more=["packaging"]']).model()
    assert model.packaging["line"].capacity.curves(YEARS)[0][0] == pytest.approx(2200.0, rel=1e-15)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("money", "unknown input, got 'money'; allowed: memory, stack_yield, wafers, "),
        ("memory.hbm", "got 'memory.hbm'; allowed: memory.stockpile, memory.domestic"),
        ("memory.", "got 'memory.'; allowed: memory.stockpile"),
    ],
)
def test_an_unknown_input_is_refused(name: str, message: str, sound: Path) -> None:
    with pytest.raises(ModelError) as caught:
        load_file(sound).model(f"more:{name}")
    assert caught.value.where == f"scenario more:{name}: simulation.more"
    assert message in str(caught.value)


def test_all_are_the_inputs_that_a_model_has(sound: Path) -> None:
    file = load_file(sound)
    names = [f"more:{name}" for name in RAISED if name != "demand"]
    assert list(file.scenario_names(["more:all"])) == ["baseline", *names]
    demand = file.with_changes(["products.handset.demand=20000"])
    assert inputs_of(demand.raw) == list(RAISED)
    assert inputs_of({}) == []


def test_a_title_says_what_is_raised(sound: Path) -> None:
    file = load_file(sound)
    assert file.title("more:wafers") == "10 % more planned wafer starts"
    assert file.title("more:dies.elsewhere") == "10 % more dies from die banks (elsewhere)"
    assert meaning("money") == "money"


def test_as_many_tools_are_bought_for_the_plan(sound: Path) -> None:
    """Faster tools would be fewer; the planned use falls by as much, and one group alone may."""
    fleet = "fabs.first.fleets.etch.imported.planned_use"
    file = load_file(sound).with_changes([f"{fleet}=0.88"])
    rate = "tool_groups.etch.imported.wafers_per_hour"
    for name, ratio in (("tools", 1.1), ("tools.etch", 1.1), ("tools.litho", 1.0)):
        more = Sampler(file.model(f"more:{name}"))
        values = more.draw(5, 0, 1)[0]
        assert values[more.column[rate]] == 60 * ratio
        assert values[more.column[fleet]] == 0.88 * (1.0 / ratio)
