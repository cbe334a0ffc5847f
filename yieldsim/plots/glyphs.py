"""Letters that the usual font lacks, such as Chinese ones: another installed font draws them."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from matplotlib.figure import Figure
from matplotlib.font_manager import FontEntry, findfont, fontManager
from matplotlib.ft2font import FT2Font
from matplotlib.text import Text

from yieldsim.execute.progress import note

__all__ = ["legible"]

_USUAL = "DejaVu Sans"  # comes with matplotlib
_BOXES = "Last Resort"  # a font of boxes for all letters that there are
_SHOWN = 8


@contextmanager
def legible(figure: Figure) -> Iterator[None]:
    """Draw a figure with fonts that have its letters; say so once if no installed font has one."""
    texts = [text for text in figure.findobj(Text) if isinstance(text, Text)]
    letters = {letter for text in texts for letter in text.get_text() if letter.isprintable()}
    lacking = {letter for letter in letters if ord(letter) not in _letters(findfont(_USUAL))}
    if not lacking:
        yield
        return
    families, none_has = _others(lacking)
    for text in texts:
        text.set_fontfamily([_USUAL, *families])
    if none_has:
        shown = "".join(sorted(none_has)[:_SHOWN])
        note(
            f"no installed font has the letters {shown}, so they are drawn as boxes; "
            "a font such as Noto Sans CJK has them"
        )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)
        yield


def _others(lacking: set[str]) -> tuple[list[str], set[str]]:
    """The fewest further fonts with these letters, found one by one, and the letters without."""
    plain = [font for font in fontManager.ttflist if _is_plain(font)]
    has = {font.name: _letters(font.fname) for font in sorted(plain, key=lambda f: f.name)}
    families: list[str] = []
    while lacking:
        covered = {name: {a for a in lacking if ord(a) in own} for name, own in has.items()}
        best = max(covered, key=lambda name: len(covered[name]), default="")
        if not covered.get(best):
            break
        families.append(best)
        lacking = lacking - covered[best]
    return families, lacking


def _is_plain(font: FontEntry) -> bool:
    is_regular = font.style == "normal" and font.weight in (400, "normal", "regular", "book")
    return is_regular and not font.name.startswith(_BOXES)


def _letters(path: str) -> set[int]:
    return set(FT2Font(path).get_charmap())
