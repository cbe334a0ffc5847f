"""Every parameter moves the output that it declares, in the direction that it declares.

The parameters are those of the baseline, of a scenario with lost service, and of a made-up model
with the fields that these lack. Each is turned up and down under the same luck, and the output of
its declaration (`Spec.effect`) is compared. The output is summed up to each quarter, so that a
delay counts, and over the coordinates that the parameter's path names (a product's chips, a
group's tools).
"""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from tests.paths import INVALID, VALID
from tests.supply.parameter_bench import COARSE, SHARES, Bench, turn
from yieldsim.model import load_file
from yieldsim.model.schema.fields import Entity, Spec, spec_of

SOUND = INVALID / "parts" / "sound.toml"
PLANNER = "allocation.rule=planner"  # for what only a plan knows
EXTRA = (  # parameters that neither the baseline nor its scenarios declare
    "tool_groups.litho.imported.repair_cv2=0.5",
    "tool_groups.litho.imported.engineering_fraction=0.05",
    "tool_groups.litho.imported.nonscheduled_fraction=0.02",
    "fabs.first.fleets.litho.imported.qualification_quarters=0.5",
    "fabs.first.fleets.litho.imported.retired=1",
    "tool_groups.litho.service_cv2=0.8",
    "tool_groups.etch.service_cv2=0.8",
    "fabs.first.lot_size_wafers=25",
    "fabs.first.arrival_cv2=1.5",
    "processes.n2.transport_ratio=0.2",
    "processes.n2.batch_ratio=0.2",
    "processes.n2.hold_ratio=0.3",
    "fabs.second.learning.n2={copied_from='first', transferred_share=0.4, start_ratio=4}",
    "fabs.second.excursions={rate_per_quarter=1, d0_ratio=2, detection_days=9}",
    'events.leak={kind="excursion", start="2025Q4", end="2026Q1", d0_ratio=1.5}',
    'processes.n2.learning={kind="power", start_ratio=3, reference_wafers=9000, exponent=0.5}',
    "dies.phone.gross_die_per_wafer=500",
    'memory.domestic.maker.wafers={quarters=["2025Q1", "2026Q4"], values=[500, 3000]}',
    "memory.domestic.maker.slip_quarters=0.5",
    "products.handset.demand=20000",
    "products.chip.burn_in_yield=0.9",
    "products.chip.rework_fraction=0.4",
    "products.chip.rework_yield=0.5",
)
SCARCE = (  # losses of tools that cost starts where tools limit them
    'events.scrapped={kind="service_loss", start="2025Q2", mttf_ratio=0.9, mttr_ratio=1.1,'
    " d0_ratio=1.1, overlay_ratio=1.2, quarters=3, cannibalized=0.1}",
    'events.seized={kind="tools_lost", start="2025Q4", groups=["etch"], share=0.4}',
)
GIVING_WAY = (  # of a group that is short, and of tools bought for the plan
    "tool_groups.etch.skipped_adder=0.6",
    "tool_groups.etch.sampling_floor=0.6",
    "fabs.first.fleets.litho.imported.planned_use=0.5",
)
SHORT = (  # etch for some 40 % of the plan, and scanners to be had
    "fabs.first.fleets.etch.imported.count=3",
    "fabs.first.fleets.litho.imported.count=40",
    "simulation.process_noise=false",
)
PLANNED = ("memory.fast.lasts_slip_quarters=0.6",)
PACED = 'memory.fast.lasts_until="2027Q2"'
# what the baseline does not reach by the shares: a bound that no line of it comes to ("giving way"
# turns the field), and the pace of a stockpile ("planned")
NEVER_REACHED = (
    "tool_groups.inspection.sampling_floor",
    "memory.cambricon_hbm.lasts_slip_quarters",
    "memory.foreign_hbm.lasts_slip_quarters",
)
# in the baseline fewer scanners are bought if they work longer, so their use hardly moves
BOUGHT_AWAY = ("tool_groups.arf_immersion.imported.nonscheduled_fraction",)
VALID_MODELS = ("layers", "memory", "overload", "tiers", "two_fabs", "pairing", "worlds")
SMALL = ("extra", "scarce", "giving way", "planned", *VALID_MODELS)
FEW_TOOLS = ("fabs.first.fleets.etch.imported.count=8", "simulation.process_noise=false")
ENOUGH_TOOLS = (  # but few enough that wafers wait for some
    'fabs.first.fleets.litho.imported.count={quarters=["2024Q1", "2026Q1"], values=[3, 5]}',
    "fabs.first.fleets.etch.imported.count=14",
)


@cache
def bench(name: str) -> Bench:
    usual = (COARSE, SHARES)
    if name == "extra":
        return Bench(load_file(SOUND).with_changes([*EXTRA, *ENOUGH_TOOLS]), "baseline", *usual)
    if name == "scarce":
        return Bench(load_file(SOUND).with_changes([*SCARCE, *FEW_TOOLS]), "baseline", *usual)
    if name == "giving way":
        return Bench(load_file(SOUND).with_changes([*GIVING_WAY, *SHORT]), "baseline", *usual)
    if name == "planned":
        mix = load_file(VALID / "mix.toml").with_changes([PACED, *PLANNED])
        return Bench(mix, "baseline", COARSE, PLANNER)
    if name in VALID_MODELS:
        return Bench(load_file(VALID / f"{name}.toml"), "baseline", *usual)
    if name == "own grid":  # where a turn of some dates is less than a month
        return Bench(load_file("baseline"), "baseline", SHARES)
    return Bench(load_file("baseline"), name, *usual)


# Tables of a kind have the same fields. Of each kind some are turned here, a few of each form, and
# all by `make test-full`: a turn of the baseline takes a tenth of a second.
SOME = (
    *("wafer", "demand", "events", "dram_lines.cxmt", "tool_groups.arf_immersion"),
    *("patterning.lele", "dies.ascend_910", "die_banks.tsmc_full", "memory.cxmt_hbm3"),
    *("packaging.china_cowos", "products.ascend_910c", "orders.supernodes_2025"),
    *("orders.bytedance_950pr", "orders.huawei_plan_910c", "imports.h200"),
    *("factors.sn1_starts", "factors.licences", "shared.tsmc_bank_level"),
    *("shared.smic_plan_scale", "shared.ai_package_lag_days", "shared.domestic_mttf_hours"),
)
ALL = (  # the kinds of tables
    *("wafer", "demand", "events", "dram_lines", "tool_groups", "patterning", "processes", "fabs"),
    *("dies", "die_banks", "memory", "packaging", "products", "orders", "imports", "factors"),
    "shared",
)
CASES = [
    *(("baseline", table) for table in SOME),
    *(pytest.param("own grid", kind, marks=pytest.mark.slow) for kind in ALL),
    ("service_lost", "events.service_denied"),
    *(("extra", setting.partition("=")[0]) for setting in EXTRA),
    *(("scarce", setting.partition("=")[0]) for setting in SCARCE),
    *(("giving way", setting.partition("=")[0]) for setting in GIVING_WAY),
    *(("planned", setting.partition("=")[0]) for setting in PLANNED),
]


@pytest.mark.parametrize(("name", "table"), CASES)
def test_every_parameter_moves_its_output(name: str, table: str) -> None:
    model = bench(name)
    tested = [
        p
        for p in model.parameters.values()
        if f"{p.path}.".startswith(f"{table}.")
        and p.path not in (*NEVER_REACHED, *BOUGHT_AWAY)
        and (name not in ("baseline", "own grid") or not model.bought_for_the_plan(p.path))
    ]
    assert tested
    faults = [model.fault(parameter) for parameter in tested]
    assert [text for text in faults if text] == []


@pytest.mark.slow
def test_no_kind_of_table_is_left_out() -> None:
    for scenario in ("baseline", "service_lost"):
        assert {path.split(".")[0] for path in bench(scenario).parameters} == set(ALL)


def declared_fields() -> dict[int, str]:
    """The parameter fields of the schema by the identity of their declaration."""
    fields = {
        id(spec): f"{kind.__name__}.{name}"
        for kind in Entity.__subclasses__()
        for name in kind.model_fields
        if (spec := spec_of(kind, name)) is not None
    }
    assert len(fields) > 60
    return fields


def test_every_field_moves_its_output_somewhere() -> None:
    """The small models move every field but those of orders and imports, which SOME turns."""
    still = declared_fields()
    for name in SMALL:
        model = bench(name)
        for parameter in model.parameters.values():
            if id(parameter.spec) in still and model.fault(parameter) is None:
                del still[id(parameter.spec)]
    for parameter in bench("baseline").parameters.values():
        if parameter.path.startswith(tuple(f"{table}." for table in SOME)):
            still.pop(id(parameter.spec), None)
    assert list(still.values()) == []


def test_a_turn_stays_in_the_range() -> None:
    values = np.array([0.0, 0.25, 0.9])
    share, ratio = Spec("1", 0.0, 1.0), Spec("1", 1.0)
    np.testing.assert_allclose(turn(values, share, True), [0.5, 0.625, 0.95])
    np.testing.assert_allclose(turn(values, share, False), values / 1.5)
    np.testing.assert_allclose(turn(np.array([1.0, 3.0]), ratio, True), [1.5, 4.0])
    np.testing.assert_allclose(turn(np.array([1.0, 4.0]), ratio, False), [1.0, 3.0])
    np.testing.assert_array_equal(turn(np.array([0.0, 1.0]), share, True), [1.0, 1.0])


def test_a_dead_parameter_and_a_wrong_direction_are_found() -> None:
    model = bench("extra")
    dead = model.parameters["dies.phone.width_mm"]  # the count of its dies is given
    assert "('gross_dies', -1) moved by [-0.0, 0.0] of " in str(model.fault(dead))
    either = replace(dead.spec, effect=("gross_dies", 0))
    assert "does not move" in str(model.fault(replace(dead, spec=either)))
    plan = model.parameters["fabs.second.plan.n2.scale"]
    assert model.fault(plan) is None
    wrong = replace(plan.spec, effect=("wafer_plan", -1))
    assert "moved by [-" in str(model.fault(replace(plan, spec=wrong)))
