"""The picture of a fit: round wafers, and axes that say what they measure."""

from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from tests.examples import thinned
from tests.wafer.fake_maps import draw_maps
from yieldsim.plots.wafer_fit import CHARTS, MAPS_EACH, fit_figure

SHAPE = (10, 26)  # dies more than twice as high as wide


def group(label: str, seen: bool) -> SimpleNamespace:
    """What the picture takes from a fit, with signatures of other maps or without."""
    rng = np.random.default_rng(5)
    maps = draw_maps(rng, 12, shape=SHAPE)
    figures = SimpleNamespace(radial=rng.uniform(0.1, 0.3, (12, 6)), fail=rng.uniform(0.1, 0.4, 12))
    rings = SimpleNamespace(nodes=np.linspace(0.1, 0.95, 6))
    return SimpleNamespace(
        label=label,
        rings=rings,
        observed=figures,
        simulated=figures,
        samples=(maps, maps),
        shapes=SimpleNamespace(figures=figures) if seen else None,
        like_seen=maps if seen else None,
    )


@pytest.fixture(
    scope="module", params=thinned([((4, True),), ((1, False),), ((4, False),), ((1, True),)], 2)
)
def figure(request: pytest.FixtureRequest) -> Figure:
    rows, seen = request.param
    # the first group alone has signatures: the others leave their place empty
    return fit_figure([group(f"group {n}", seen and n == 0) for n in range(rows)])


def test_wafers_are_round_whatever_the_shape_of_their_dies(figure: Figure) -> None:
    FigureCanvasAgg(figure).draw()
    maps = [axes for axes in figure.axes if axes.images]
    rows = sum(bool(axes.get_ylabel()) for axes in figure.axes) // CHARTS
    titled = sum("simulated" in axes.get_title(loc="left") for axes in figure.axes)
    assert len(maps) == (2 * rows + titled - 1) * MAPS_EACH
    for axes in maps:
        box = axes.get_window_extent()
        assert box.width == pytest.approx(box.height, abs=1.0)  # a pixel


def test_the_axes_are_labelled(figure: Figure) -> None:
    rows = [axes for axes in figure.axes if axes.axison]
    assert [axes.get_ylabel() for axes in rows[:2]] == [
        "group 0\nshare of dies failed",
        "share of wafers",
    ]
    assert [axes.get_xlabel() for axes in rows[-2:]] == [
        "distance from the centre, in wafer radii",
        "yield of a wafer",
    ]
