import resource
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager
from matplotlib.ft2font import FT2Font

from tests.analysis.made_up import SCENARIOS, ensemble, with_outlook
from tests.examples import thinned
from tests.plots.texts import check_texts
from yieldsim.analysis.weights import with_weights
from yieldsim.errors import UsageError
from yieldsim.plots.fan import COLUMNS_OF_PANELS, fan_chart
from yieldsim.plots.image import image_format, save

PNG = b"\x89PNG\r\n\x1a\n"


def wide(products: int = 12, scenarios: int = 6, quarter_count: int = 20) -> xr.Dataset:
    """As many products, scenarios and quarters as the baseline has."""
    names = tuple(f"scenario_number_{i}" for i in range(scenarios))
    ds = ensemble(realizations=20, quarter_count=quarter_count, scenarios=names)
    ds = ds.isel(product=[0] * products)
    labels = [f"long_product_name_{i}" for i in range(products)]
    return ds.assign_coords(product=labels, product_kind=("product", ["ai"] * products))


@pytest.mark.parametrize(
    ("ds", "products"),
    [
        (ensemble(), ()),
        (ensemble(quarter_count=1, scenarios=("baseline",)), ()),
        (ensemble(), ("total", "kirin_n2")),
        pytest.param(wide(), (), marks=pytest.mark.slow),
        (wide(products=2, quarter_count=9), ()),
        (with_outlook(wide(products=22, quarter_count=28), "2029Q1"), ()),
    ],
    ids=["small", "one quarter", "chosen", "full size", "two products", "outlook"],
)
def test_no_two_texts_overlap_and_none_leaves_the_page(ds: xr.Dataset, products) -> None:
    check_texts(fan_chart(ds, products), more_than=6)


@pytest.mark.parametrize("products", [pytest.param((), marks=pytest.mark.slow), ("total",)])
def test_a_weighted_chart_says_so_on_the_page(products) -> None:
    about = {"name": "mine", "evidence": "evidence.csv", "effective_sample_size": 12_345.6}
    figure = fan_chart(with_weights(wide(), np.ones(20), about), products)
    check_texts(figure, more_than=6)
    foot = " ".join(text.get_text().replace("\n", " ") for text in figure.texts)
    assert "Weighted by evidence.csv (weights mine): an effective sample size of 12,346." in foot


@pytest.mark.parametrize(("first", "shaded"), [("2025Q1", 4), ("2025Q4", 1), ("2026Q1", 0)])
def test_the_quarters_of_an_outlook_are_shaded(first: str, shaded: int) -> None:
    figure = fan_chart(with_outlook(ensemble(), first))  # 2024Q1 to 2025Q4
    for axes in figure.axes:
        spans = [
            patch.get_extents().transformed(axes.transData.inverted()) for patch in axes.patches
        ]
        assert [round(span.width, 6) for span in spans] == [shaded] * bool(shaded)
        assert all(round(span.x1, 6) == 7.5 for span in spans)
    words = [text.get_text() for text in figure.axes[0].texts]
    assert ("outlook" in words) == bool(shaded)


def test_bands_and_median_are_the_quantiles() -> None:
    ds = ensemble(realizations=50)
    axes = fan_chart(ds).axes[0]
    total = ds["usable_chips"].to_numpy().astype(float)[..., :2].sum(axis=3)
    p10, p25, p50, p75, p90 = np.quantile(total[0], (0.1, 0.25, 0.5, 0.75, 0.9), axis=0)
    for band, low, high in zip(axes.collections, (p10, p25), (p90, p75), strict=True):
        drawn = band.get_paths()[0].vertices
        for i in range(8):
            at = drawn[np.isclose(drawn[:, 0], i), 1]
            # sums in another order: the last digit of a double
            assert at.min() == pytest.approx(low[i], rel=1e-12)
            assert at.max() == pytest.approx(high[i], rel=1e-12)
    medians = [line.get_ydata() for line in axes.get_lines()]
    np.testing.assert_allclose(medians[0], p50, rtol=1e-12)
    np.testing.assert_allclose(medians[1], np.quantile(total[1], 0.5, axis=0), rtol=1e-12)


def test_every_ai_product_has_a_panel() -> None:
    axes = fan_chart(ensemble()).axes
    titles = [a.get_title(loc="left") for a in axes]
    assert titles == [
        "Usable AI chips per quarter, all AI products",
        "ascend 910b",
        "ascend 910c",
    ]
    assert all(a.get_ylim()[0] == 0.0 for a in axes)
    assert axes[0].get_ylabel() == "chips per quarter"


def test_products_that_never_leave_a_chip_have_no_panel() -> None:
    ds = wide(products=3)
    ds["usable_chips"][..., 1] = 0.0
    titles = [a.get_title(loc="left") for a in fan_chart(ds).axes[1:]]
    assert titles == ["long product name 0", "long product name 2"]


def test_one_product_that_is_the_total_is_not_drawn_twice() -> None:
    assert len(fan_chart(ensemble().isel(product=[0])).axes) == 1


def test_panels_stand_in_rows() -> None:
    axes = fan_chart(wide()).axes[1:]
    lefts = {round(a.get_subplotspec().colspan.start, 3) for a in axes}
    assert len(axes) == 12
    assert len(lefts) == COLUMNS_OF_PANELS


def test_chosen_products_have_large_panels() -> None:
    axes = fan_chart(ensemble(), ["kirin_n2", "total"]).axes
    assert [a.get_title(loc="left") for a in axes] == [
        "Usable chips per quarter, kirin n2",
        "Usable AI chips per quarter, all AI products",
    ]
    with pytest.raises(UsageError, match="product: is not in the ensemble, got 'x'; allowed: tot"):
        fan_chart(ensemble(), ["x"])


def test_the_legend_names_bands_and_scenarios() -> None:
    legend = fan_chart(ensemble()).axes[0].get_legend()
    assert [text.get_text() for text in legend.get_texts()] == [
        f"median, {SCENARIOS[0]}",
        "P25 to P75",
        "P10 to P90",
        f"median, {SCENARIOS[1].replace('_', ' ')}",
    ]


def test_no_two_scenarios_look_alike() -> None:
    ds = wide(products=1, scenarios=15)
    lines = fan_chart(ds, list(ds["product"].values)).axes[0].get_lines()
    looks = {(line.get_color(), str(line._unscaled_dash_pattern)) for line in lines}
    assert len(looks) == len(lines) == 15


def test_the_foot_says_where_the_figures_come_from() -> None:
    (foot,) = fan_chart(ensemble()).texts
    assert foot.get_text().startswith(
        "Source: yieldsim, model made_up, 2 scenarios, seed 7, 64 realizations."
    )


def test_a_single_panel_has_nothing_to_say_of_other_scales() -> None:
    words = "every panel has its own scale"
    for products, has_several in (((), True), (("total",), False), (("total", "kirin_n2"), True)):
        (foot,) = fan_chart(ensemble(), products).texts
        assert (words in foot.get_text()) is has_several


@pytest.mark.parametrize(
    ("name", "magic"),
    thinned([("x.png", PNG), ("x", PNG), ("x.SVG", b"<?xml"), ("x.pdf", b"%PDF")], 2),
)
def test_the_ending_says_the_format_and_the_bytes_repeat(name, magic, tmp_path: Path) -> None:
    written = []
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        path = tmp_path / folder / name
        save(fan_chart(ensemble(realizations=8).isel(product=[0])), path)
        written.append(path.read_bytes())
    assert written[0].startswith(magic)
    assert written[0] == written[1]


def test_what_could_not_be_written_in_full_is_taken_away(tmp_path: Path) -> None:
    # a limit on the size of files stands for a disk that fills up in the middle
    path, figure = tmp_path / "fan.png", fan_chart(ensemble(realizations=8))
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, usual[1]))
    try:
        with pytest.raises(OSError, match="File too large") as error:
            save(figure, path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
    assert error.value.filename == str(path)
    assert not path.exists()


def test_an_unknown_ending_is_refused() -> None:
    with pytest.raises(UsageError, match=r"--out: unknown image format, got 'x\.bmp'; allowed: p"):
        image_format("some/x.bmp")


def test_letters_that_the_usual_font_lacks(tmp_path: Path, capsys) -> None:
    circled, chinese = (
        "\u24b6",
        "\u4e2d",
    )  # in matplotlib's own STIXGeneral, and in a font for Chinese
    figure = Figure()
    text = figure.text(0.1, 0.5, f"{circled} chips")
    save(figure, tmp_path / "a.png")  # without a warning, which would be an error
    assert text.get_fontfamily()[0] == "DejaVu Sans"
    assert len(text.get_fontfamily()) == 2
    assert capsys.readouterr().err == ""
    fonts = [f for f in fontManager.ttflist if not f.name.startswith("Last Resort")]
    text.set_text(f"{chinese} {circled} chips")
    save(figure, tmp_path / "b.pdf")
    told = capsys.readouterr().err
    if not any(ord(chinese) in FT2Font(font.fname).get_charmap() for font in fonts):
        assert told.count("\n") == 1
        assert f"no installed font has the letters {chinese}, so" in told
