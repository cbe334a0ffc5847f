"""The texts of a figure: none lies on another or leaves the page."""

from itertools import combinations

from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox


def texts_of(figure: Figure) -> list[tuple[str, Bbox]]:
    """Every text that is drawn, with its box."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    drawn = list(figure.texts)
    legends = [*figure.legends, *(axes.get_legend() for axes in figure.axes)]
    for legend in filter(None, legends):
        drawn += legend.get_texts()
    for axes in figure.axes:
        drawn += [*axes.texts, axes.title, axes._left_title, axes.xaxis.label, axes.yaxis.label]
        drawn += [*tick_labels(axes.xaxis), *tick_labels(axes.yaxis)]
    return [
        (text.get_text(), text.get_window_extent(canvas.get_renderer()))
        for text in drawn
        if text.get_visible() and text.get_text()
    ]


def tick_labels(axis: Axis) -> list[Text]:
    """The labels of the ticks inside the view; others exist, but are not drawn."""
    low, high = sorted(axis.get_view_interval())
    slack = 1e-9 * (high - low)
    pairs = zip(axis.get_majorticklocs(), axis.get_ticklabels(), strict=True)
    return [label for place, label in pairs if low - slack <= place <= high + slack]


def check_texts(figure: Figure, more_than: int) -> None:
    """Check the number of texts, that none overlaps another, and that all are on the page."""
    texts = texts_of(figure)
    assert len(texts) > more_than
    page = figure.bbox
    for text, box in texts:
        inside = page.x0 <= box.x0 and box.x1 <= page.x1 and page.y0 <= box.y0 and box.y1 <= page.y1
        assert inside, text
    for (text, first), (other, second) in combinations(texts, 2):
        assert not first.overlaps(second), f"{text!r} lies on {other!r}"
