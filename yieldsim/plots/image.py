"""Figures become files: colours, formats, and writing an image whole or not at all.

Drawn without a display (Agg) and without global state; the colours are those of Okabe and Ito,
which people with colour-blindness can tell apart.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from yieldsim.errors import UsageError

BLUE, INK, PALE = "#0072B2", "#222222", "#8A8A8A"
OTHERS = ("#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DPI = 160
# no date, no version: the same ensemble gives the same bytes
METADATA: dict[str, dict[str, Any]] = {
    "png": {"Software": None},
    "svg": {"Date": None},
    "pdf": {"CreationDate": None},
}


def image_format(path: str | Path, option: str = "--out") -> str:
    """The format that a file's ending asks for, png where it has none.

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

    Raises UsageError for an unknown ending and OSError, with the file's name, where it cannot be
    written; no part of an image is left then.
    """
    kind = image_format(path)
    buffer = io.BytesIO()
    with rc_context({"svg.hashsalt": "yieldsim"}):
        FigureCanvasAgg(figure).print_figure(buffer, format=kind, dpi=DPI, metadata=METADATA[kind])
    path = Path(path)
    with path.open("wb") as stream:
        try:
            stream.write(buffer.getvalue())
            stream.flush()
        except OSError as error:
            if path.is_file():  # and no device
                path.unlink()
            # a full disk is reported without the name of the file
            raise OSError(error.errno, error.strerror, str(path)) from None
