from itertools import product
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import StepPatch

from tests.analysis import made_up_demand
from tests.analysis.made_up import ensemble, with_outlook
from tests.analysis.made_up_driven import driven
from tests.analysis.made_up_whole import everything as whole
from tests.examples import thinned
from tests.plots.texts import check_texts
from yieldsim.analysis import quantiles
from yieldsim.cli.supply import plot
from yieldsim.errors import UsageError, YieldsimError
from yieldsim.plots.image import OTHERS
from yieldsim.plots.kinds import registry
from yieldsim.plots.kinds.frame import WIDTH_IN, Asked, label, size_of
from yieldsim.plots.kinds.registry import KINDS, picture


def everything(scenarios: tuple[str, ...] = ("baseline", "domestic_late")) -> xr.Dataset:
    return whole(realizations=20, scenarios=scenarios)


MADE = {"demand": made_up_demand.ensemble, "tornado": lambda: driven(realizations=200)}
DRAWN = [kind for kind in KINDS if kind != "forecasts"]  # a made-up store has no Ascend chips


def drawn(kind: str, ds: xr.Dataset | None = None, **asked) -> Figure:
    return picture(MADE.get(kind, everything)() if ds is None else ds, kind, Asked(**asked))


def widths(figure: Figure, axes: int = 0) -> list[float]:
    return [patch.get_width() for patch in figure.axes[axes].patches]


@pytest.mark.parametrize(("kind", "size"), thinned(product(DRAWN, [None, "16:9", "1:1"]), 4))
def test_no_two_texts_overlap_and_none_leaves_the_page(kind: str, size: str | None) -> None:
    figure = drawn(kind, size_in=size_of(size))
    check_texts(figure, more_than=6)
    if size is not None:
        assert tuple(figure.get_size_inches()) == size_of(size)


@pytest.mark.parametrize("kind", DRAWN)
def test_a_title_of_ones_own_takes_the_place_of_the_other(kind: str) -> None:
    assert drawn(kind, title="Mine alone").axes[0].get_title(loc="left") == "Mine alone"


def test_the_legend_of_a_tall_picture_stands_above_its_rows() -> None:
    figure = drawn("difference", everything(("baseline", *(f"s{i}" for i in range(14)))))
    check_texts(figure, more_than=15)  # which draws the figure
    (axes,) = figure.axes
    assert axes.get_legend().get_window_extent().y0 >= axes.get_window_extent().y1 - 1.0
    assert "15 scenarios" in figure.texts[0].get_text()


def test_a_label_ends_with_a_whole_word() -> None:
    text = "Yields of Huawei's own memory, worst to best path of all"
    assert label(text) == "Yields of Huawei's own memory, worst to ..."
    assert label(text, 2) == "Yields of Huawei's own memory, worst to best\npath of all"


def test_an_outlook_is_named_at_the_foot() -> None:
    ds = with_outlook(everything(), "2025Q3")
    assert "Shaded, from 2025Q3 on: an outlook." in drawn("stack", ds).texts[0].get_text()
    assert "Shaded" not in drawn("stack", with_outlook(ds, "2031Q1")).texts[0].get_text()


def test_the_command_offers_every_kind() -> None:
    assert tuple(KINDS) == plot.KINDS


def test_the_stack_adds_up_to_the_total() -> None:
    ds = everything()
    bars = drawn("stack", ds).axes[0].containers
    tops = [sum(bar[q].get_height() for bar in bars) for q in range(8)]
    total = quantiles(ds)["mean"].sel(scenario="baseline", product="total")
    np.testing.assert_allclose(tops, total, rtol=1e-12)


def test_shares_of_what_binds_add_up_to_one() -> None:
    bars = drawn("binding", products=("ascend_910b",)).axes[0].containers
    tops = [sum(bar[q].get_height() for bar in bars) for q in range(8)]
    np.testing.assert_allclose(tops, 1.0, rtol=1e-12)


def test_the_waterfall_leads_from_one_bar_to_the_other() -> None:
    for ds in (everything(), everything(("baseline",))):
        first, *steps, last = widths(drawn("waterfall", ds, period="2025"))
        assert first + sum(steps) == pytest.approx(last, rel=1e-12)
        # chips of the second scenario are 10 % fewer, those of the second year more
        assert (last / first == pytest.approx(0.9, rel=1e-6)) == (ds.sizes["scenario"] == 2)
    colours = [
        to_hex(patch.get_facecolor()).upper() for patch in drawn("waterfall").axes[0].patches
    ]
    assert colours[1:-1] == [OTHERS[0]] * 2  # both products fall


def test_losses_of_a_die_fill_its_bar() -> None:
    bars = drawn("yield", period="2025").axes[0].containers
    for die in range(2):
        assert sum(bar[die].get_width() for bar in bars) == pytest.approx(1.0, rel=1e-6)


def test_wafers_are_those_of_a_month() -> None:
    figure = drawn("wafers")
    assert [bar[0].get_height() for bar in figure.axes[0].containers] == [80.0, 50.0]
    (plan,) = [patch for patch in figure.axes[0].patches if isinstance(patch, StepPatch)]
    assert set(plan.get_data().values) == {200.0}
    assert plan.get_label() in [text.get_text() for text in figure.axes[0].get_legend().get_texts()]


def test_differences_are_paired() -> None:
    ds = everything()
    year = ds["usable_chips"].to_numpy().astype(float)[..., :2].sum(axis=-1)[:, :, :4].sum(axis=-1)
    low, high = np.quantile(year[1] - year[0], [0.1, 0.9])
    bar = drawn("difference", ds, period="2024").axes[0].patches[0]
    assert (bar.get_x(), bar.get_width()) == pytest.approx((low, high - low), rel=1e-9)


def test_the_tornado_shows_inputs_that_tell() -> None:
    labels = [t.get_text() for t in drawn("tornado", period="2026").axes[0].get_yticklabels()]
    assert labels[0] == "up"
    assert "inert" not in labels


@pytest.mark.parametrize(
    ("text", "size"), [("16:9", (WIDTH_IN, WIDTH_IN * 9 / 16)), ("8x5.5", (8.0, 5.5)), (None, None)]
)
def test_a_size_is_a_ratio_or_inches(text: str | None, size: object) -> None:
    assert size_of(text) == size


@pytest.mark.parametrize("text", ["16", "0:1", "1:100", "a:b", "8x", "1x1", "100x100", "-8x5", ""])
def test_other_sizes_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"--size: is no size of a picture, got '.*'; allowed: a"):
        size_of(text)


REFUSED = {
    "a period of a fan": ("fan", {"period": "2025"}, "--period: does not go with --kind fan, got"),
    "a product of yield": ("yield", {"products": ("x",)}, "--product: does not go with --kind yi"),
    "two products": ("binding", {"products": ("total", "kirin_n2")}, "--product: this kind of pic"),
    "an unknown product": ("binding", {"products": ("x",)}, "product: is not in the ensemble"),
    "no AI product": ("stack", {"products": ("kirin_n2",)}, "--product: is no AI product with ch"),
    "an unknown period": ("difference", {"period": "2031"}, "period: is outside the ensemble, got"),
    "an unknown kind": ("pie", {}, "--kind: is not known, got 'pie'; allowed: fan, stack"),
}


@pytest.mark.parametrize(("kind", "asked", "message"), REFUSED.values(), ids=REFUSED)
def test_what_does_not_fit_is_refused(kind: str, asked: dict, message: str) -> None:
    with pytest.raises(YieldsimError) as caught:
        picture(everything(), kind, Asked(**asked))
    assert str(caught.value).startswith(message)


def test_what_an_ensemble_lacks_is_said() -> None:
    bare = ensemble(realizations=20, scenarios=("baseline",))
    messages = {
        "difference": "--kind difference: needs two scenarios to compare, got 'baseline'",
        "demand": "demand: is not kept in this ensemble",
        "wafers": "wafer_plan, wafer_starts, wafer_outs: are not all kept",
        "yield": "good_dies, gross_dies: are not kept",
        "tornado": "parameter_value: is missing from the ensemble",
        "waterfall": "--period: has no year before it to start from",
    }
    for kind, message in messages.items():
        asked = Asked(period="2024" if kind == "waterfall" else None)
        with pytest.raises(YieldsimError) as caught:
            picture(bare, kind, asked)
        assert str(caught.value).startswith(message)


@pytest.mark.parametrize("size", [None, "16:9"])
def test_forecasts_of_others_fit_any_size(
    size: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = "entity,period,low,central,high,unit,source,variable,select,comparable\n"
    row = "Huawei Ascend,2025,,{}00000,,chips,a house,usable_chips,product=ascend_*,as counted\n"
    path = tmp_path / "forecasts.csv"
    path.write_text(head + "".join(row.format(2 + i) for i in range(18)), encoding="utf-8")
    monkeypatch.setattr(registry, "SHIPPED_FORECASTS", path)
    figure = picture(ensemble(), "forecasts", Asked(size_in=size_of(size), title="Mine"))
    check_texts(figure, more_than=60)
    assert size is None or tuple(figure.get_size_inches()) == size_of(size)
    assert "Mine" in [text.get_text() for text in figure.texts]
