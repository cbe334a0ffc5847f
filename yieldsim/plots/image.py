"""What all charts share: colours, the source note, image formats, and writing files.

Figures are drawn without a display (Agg) and without global state. The colours are those of Okabe
and Ito, which are distinct for colour-blind readers.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from yieldsim.analysis.weights import weights_note
from yieldsim.errors import UsageError
from yieldsim.plots.glyphs import legible

BLUE, INK, PALE, SHADE = "#0072B2", "#222222", "#8A8A8A", "#F2F2F2"
OTHERS = ("#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DPI = 160
# the source note under a chart, 7.5 points high
FOOT_CHARACTERS, FOOT_LINE_IN = 16.5, 0.13  # an inch, and the height of a line
NAME = "yieldsim"  # by which a command knows an image of its own
# no date, no version: the same ensemble gives the same bytes
METADATA: dict[str, dict[str, Any]] = {
    "png": {"Software": NAME},
    "svg": {"Date": None, "Creator": NAME},
    "pdf": {"CreationDate": None, "Creator": NAME},
}


def source_note(origin: Mapping[str, Any], scenario: str = "") -> str:
    """The first sentence under a chart: model, scenarios, seed and number of realizations."""
    model, seed = origin["model"] or "unnamed", origin["seed"]
    parts = [f"model {model}", scenario, f"seed {'unknown' if seed == '' else seed}"]
    words = ", ".join(filter(None, parts))
    source = f"Source: yieldsim, {words}, {origin['realizations']:,} realizations."
    return " ".join(filter(None, (source, weights_note(origin))))


def image_format(path: str | Path, option: str = "--out") -> str:
    """The format that a file's ending asks for, png if it has no ending.

    Raises UsageError, under the option's name, for an ending that cannot be drawn.
    """
    kind = Path(path).suffix.removeprefix(".").lower() or "png"
    if kind not in METADATA:
        raise UsageError(
            option, "unknown image format", got=Path(path).name, allowed=", ".join(METADATA)
        )
    return kind


def save(figure: Figure, path: str | Path) -> None:
    """Write the figure in the format of the file's ending.

    Raises UsageError for an unknown ending, and OSError with the file's name if it cannot be
    written. No partial image is left.
    """
    kind = image_format(path)
    buffer = io.BytesIO()
    with rc_context({"svg.hashsalt": "yieldsim"}), legible(figure):
        FigureCanvasAgg(figure).print_figure(buffer, format=kind, dpi=DPI, metadata=METADATA[kind])
    path = Path(path)
    with path.open("wb") as stream:
        try:
            stream.write(buffer.getvalue())
            stream.flush()
        except OSError as error:
            if path.is_file():  # not a device
                path.unlink()
            # for a full disk the system does not name the file
            raise OSError(error.errno, error.strerror, str(path)) from None
