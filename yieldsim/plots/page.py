"""A picture and its figures as one HTML page that needs no network."""

from __future__ import annotations

import io
from html import escape
from pathlib import Path

from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from yieldsim.plots.image import METADATA, NAME

__all__ = ["save_page"]

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="generator" content="{name}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 15px/1.45 system-ui, sans-serif; margin: 1.5rem auto; max-width: 90rem;
  padding: 0 1rem; color: #222; background: #fff; }}
h1 {{ font-size: 1.2rem; }}
figure {{ margin: 0; }}
svg {{ width: 100%; height: auto; }}
pre {{ overflow-x: auto; font-size: 12.5px; }}
</style>
</head>
<body>
<h1>{title}</h1>
<figure role="img" aria-label="{title}">
{picture}
</figure>
<pre>{text}</pre>
</body>
</html>
"""


def save_page(figure: Figure, title: str, text: str, path: str | Path) -> None:
    """Write a page with the figure, as SVG, and the text below it. Raises OSError."""
    buffer = io.BytesIO()
    with rc_context({"svg.hashsalt": NAME}):
        FigureCanvasAgg(figure).print_figure(buffer, format="svg", metadata=METADATA["svg"])
    picture = buffer.getvalue().decode("utf-8")
    picture = picture[picture.index("<svg") :]  # a page takes no XML declaration
    page = _PAGE.format(name=NAME, title=escape(title), picture=picture, text=escape(text))
    Path(path).write_text(page, encoding="utf-8")
