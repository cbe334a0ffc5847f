"""The options --png and --html of the commands about wafers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from yieldsim.cli.output_files import check_output, whole
from yieldsim.errors import UsageError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["check_page", "check_pictures", "pictures", "save_pictures"]

_Function = TypeVar("_Function", bound=Callable[..., Any])


def pictures(what: str) -> Callable[[_Function], _Function]:
    """The options --png and --html; ``what`` says what is drawn."""

    def decorate(function: _Function) -> _Function:
        page = "Write the picture and the printed figures as one HTML page."
        function = click.option("--html", metavar="FILE", help=page)(function)
        return click.option("--png", metavar="FILE", help=f"{what}: png, svg, pdf.")(function)

    return decorate


def check_pictures(png: str | None, html: str | None, force: bool) -> None:
    """Refuse files that cannot be drawn or may not be overwritten, before the work."""
    if png is not None:
        from yieldsim.plots.image import image_format

        image_format(png, "--png")
    check_page(html)
    for option, path in (("--png", png), ("--html", html)):
        check_output(path, force, option)


def check_page(html: str | None) -> None:
    """Refuse a page whose name is not that of a page."""
    if html is not None and Path(html).suffix.lower() not in (".html", ".htm"):
        raise UsageError("--html", "unknown format", got=html, allowed="a file that ends in .html")


def save_pictures(
    draw: Callable[[], Figure], title: str, text: str, png: str | None, html: str | None
) -> None:
    """Draw what is asked for, once for all."""
    if png is None and html is None:
        return
    figure = draw()
    if png is not None:
        from yieldsim.plots.image import save

        save(figure, png)
        click.echo(f"picture: {png}", err=True)
    if html is not None:
        from yieldsim.plots.page import save_page

        with whole(html):
            save_page(figure, title, text, html)
        click.echo(f"page: {html}", err=True)
