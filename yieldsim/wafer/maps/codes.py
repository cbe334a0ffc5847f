"""Bin codes of SEMI maps (G85, E142): their types, their meaning, and how a row stores them.

A code is one character (Ascii), two or four hexadecimal digits (HexaDecimal, Integer2) or a decimal
number. Codes of a row stand side by side or are separated by blanks. A blank itself may be a code.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from yieldsim.errors import ModelError
from yieldsim.wafer.maps.bins import BinNames, word
from yieldsim.wafer.maps.options import ReadOptions
from yieldsim.wafer.maps.wafer_maps import FAIL, NONE, PASS

__all__ = ["BinTable", "bin_table", "quality_of"]

# Letters of a code; None: as many as the codes declared have.
_WIDTHS = {"ascii": 1, "hexadecimal": 2, "integer2": 4, "decimal": None}
# The keywords of the standards first, then those of other vendors.
_QUALITIES = {
    **dict.fromkeys(("pass", "good", "accept", "accepted", "ok", "p", "g"), PASS),
    **dict.fromkeys(("fail", "bad", "reject", "rejected", "ng", "ink", "f", "b"), FAIL),
    **dict.fromkeys(("null", "untested", "nottested", "skip", "skipped", "none", "nodie"), NONE),
    **dict.fromkeys(("edge", "mark", "reference", "ref", "mirror", "plug", "blank", "n"), NONE),
}
_PLAIN_WORDS = (
    "Pass, Good, Accept, OK; Fail, Bad, Reject, NG; Null, Untested, Skip, Edge, Reference"
)


@dataclass(frozen=True)
class BinTable:
    """What the codes of one map mean. ``null`` is the code of cells without a die, as written.

    A code stands for a word: its result, and its number among the hard bins of the file.
    """

    where: str
    kind: str
    width: int | None
    null: str | None
    meaning: Mapping[str, int]
    names: BinNames

    def plain(self, code: str) -> str:
        """Return a code as it is compared: decimal 007 is 7, hexadecimal ff is FF."""
        if self.kind == "ascii":
            return code
        code = code.strip()
        return code.lstrip("0") or "0" if self.kind == "decimal" else code.upper()

    def grid(self, rows: list[str], columns: int | None) -> NDArray[np.uint32]:
        """Return the grid of words of some rows of codes.

        Raises ModelError for rows of unequal length and for codes that are not declared.
        """
        quick = self._regular(rows, columns)
        if quick is not None:
            return quick
        split = [codes for row in rows if (codes := self.split(row, columns))]
        if not split:
            raise ModelError(self.where, "empty map", allowed="at least one row of codes")
        wanted = columns or len(split[0])
        for number, row in enumerate(split, 1):
            if len(row) != wanted:
                place, got = f"{self.where} row {number}", f"{len(row)} dies"
                raise ModelError(place, "ragged map", got=got, allowed=str(wanted))
        found = {code: self.of(code) for row in split for code in row}
        return np.array([[found[code] for code in row] for row in split], np.uint32)

    def columns_of(self, row: str) -> int | None:
        """Return how many codes a row holds; None if that is known only after reading it."""
        text = row.strip()
        if self.width is None or self.plain(" ") in self.meaning or not text:
            return None
        parts = text.split()
        if len(parts) > 1:
            return len(parts)
        return len(text) // self.width if len(text) % self.width == 0 else None

    def of(self, code: str) -> int:
        """Return the word of one code, as split. Raises ModelError for an unknown one."""
        plain = self.plain(code)
        if plain not in self.meaning:
            known = ", ".join(self.meaning) or "none"
            allowed = f"{known} as its bins declare, or --pass-bins"
            raise ModelError(self.where, "unknown code", got=code, allowed=allowed)
        result = self.meaning[plain]
        return word(result, self.names.number(plain)) if result != NONE else NONE

    def split(self, text: str, columns: int | None = None) -> list[str]:
        """Return the codes of a row."""
        if self.kind == "ascii":
            return self._characters(text.strip("\r\n\t"), columns)
        parts = text.split()
        if len(parts) != 1 or self._only(parts[0]):
            return parts
        whole, width = parts[0], self._glued_width(len(parts[0]), columns)
        if len(whole) % width:
            got, allowed = f"{len(whole)} letters", f"a multiple of {width}"
            raise ModelError(self.where, "row cut short", got=got, allowed=allowed)
        return [whole[i : i + width] for i in range(0, len(whole), width)]

    def _only(self, part: str) -> bool:
        """Whether a row without blanks is one decimal code."""
        return self.kind == "decimal" and self.plain(part) in self.meaning

    def _glued_width(self, letters: int, columns: int | None) -> int:
        """Return the length of each code in a row without separators."""
        if self.kind == "decimal" and columns and letters % columns == 0:
            return letters // columns
        return self.width or 3  # SEMI G85 writes decimal codes with three digits

    def _characters(self, text: str, columns: int | None) -> list[str]:
        """Return the characters of a row, among which a blank may be the code of no die."""
        blank = self.plain(" ") in self.meaning
        if columns is not None:
            stripped = text.strip(" ")
            for whole in (text, stripped):
                if len(whole) == columns:
                    return list(whole)
            if len(stripped) == 2 * columns - 1 and not stripped[1::2].strip(" "):
                return list(stripped[::2])
            if blank and len(text) < columns:  # an editor cuts blanks at a line's end
                return list(text.ljust(columns))
        if blank:
            return list(text)
        parts = text.split()
        return list(parts[0]) if len(parts) == 1 else parts

    def _regular(self, rows: list[str], columns: int | None) -> NDArray[np.uint32] | None:
        """Return the words where all codes have one width and one blank, or none, between them.

        This is how nearly all files are written; it needs no loop over dies. None elsewhere.
        """
        width = self.width
        if columns is None or width is None or width > 8 or not rows:
            return None
        if self.kind != "ascii":
            rows = [row.strip() for row in rows]
        letters, step = len(rows[0]), width
        if letters == columns * (width + 1) - 1 and letters != columns * width:
            rows, step = [f"{row} " for row in rows], width + 1
        elif letters != columns * width:
            return None
        try:
            block = np.frombuffer("".join(rows).encode("ascii"), np.uint8)
        except UnicodeEncodeError:
            return None
        if any(len(row) != columns * step for row in rows):
            return None
        cells = block.reshape(len(rows), columns, step)
        if step > width and (cells[:, :, width] != ord(" ")).any():
            return None
        if width == 1:
            return self._of_letters(cells[:, :, 0])
        keys = np.zeros(cells.shape[:2], np.uint64)
        for i in range(width):
            keys = keys << np.uint64(8) | cells[:, :, i]
        known, inverse = np.unique(keys, return_inverse=True)
        texts = [int(key).to_bytes(width, "big").decode("ascii") for key in known]
        if any(not text.strip() for text in texts):
            return None
        meaning = np.array([self.of(text) for text in texts], np.uint32)
        return meaning[inverse.reshape(keys.shape)]

    def _of_letters(self, letters: NDArray[np.uint8]) -> NDArray[np.uint32]:
        """Return the words of one-letter codes, by a table of all letters."""
        known = np.zeros(256, np.uint32)
        for letter in np.flatnonzero(np.bincount(letters.ravel(), minlength=256)).tolist():
            known[letter] = self.of(chr(letter))
        return known[letters]


def bin_table(
    where: str,
    bin_type: str,
    null: str | None,
    bins: Iterable[tuple[str, str]],
    options: ReadOptions,
    names: BinNames,
) -> BinTable:
    """Return the table of the bins declared, each a code and a quality; ``names`` numbers them.

    Raises ModelError for an unknown type or quality, unless ``options`` say which bins pass.
    """
    kind = bin_type.lower()
    if kind not in _WIDTHS:
        allowed = "Ascii, Decimal, HexaDecimal, Integer2"
        raise ModelError(where, "unknown BinType", got=bin_type, allowed=allowed)
    declared = list(bins)
    lengths = {len(code.strip()) for code in [*(c for c, _ in declared), *([null] if null else [])]}
    width = _WIDTHS[kind] or (lengths.pop() if len(lengths) == 1 else None)
    table = BinTable(where, kind, width, null, {}, names)
    meaning = {}
    for code, quality in declared:
        passes = options.passes(code)
        found = quality_of(quality)
        if found is None and passes is None:
            allowed = f"{_PLAIN_WORDS}; or --pass-bins"
            raise ModelError(
                f"{where} bin {code}", "unknown BinQuality", got=quality, allowed=allowed
            )
        if passes is not None and found != NONE:
            found = PASS if passes else FAIL
        meaning[table.plain(code)] = NONE if found is None else found
    if null is not None:
        meaning[table.plain(null)] = NONE
    known = meaning if options.pass_bins is None else _ByOptions(meaning, options)
    return BinTable(where, kind, width, null, known, names)


def quality_of(word: str) -> int | None:
    """Return what a word for a bin's quality means, None for an unknown one."""
    return _QUALITIES.get("".join(filter(str.isalnum, word.lower())))


class _ByOptions(dict[str, int]):
    """Meanings by ``--pass-bins`` for codes that the file does not declare."""

    def __init__(self, meaning: Mapping[str, int], options: ReadOptions) -> None:
        super().__init__(meaning)
        self._options = options

    def __contains__(self, code: object) -> bool:
        return super().__contains__(code) or str(code).strip() != ""

    def __missing__(self, code: str) -> int:
        return PASS if self._options.passes(code) else FAIL
