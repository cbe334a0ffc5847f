"""The bins of dies: the code that a tester or an inspector gave each die, beside pass or fail.

Readers give each cell one integer, its *word*: pass or fail in the two lowest bits, then the number
of its hard bin and that of its soft bin, 16 bits each. Words can be turned, cut and laid over one
another as one grid.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from yieldsim.errors import ModelError

__all__ = [
    "MOST_BINS",
    "RESULT",
    "BinNames",
    "Bins",
    "TwoBins",
    "bin_code",
    "joined_bins",
    "parts_of",
    "shifted",
    "word",
    "words_of",
]

MOST_BINS = 0x10000
RESULT = 3  # the bits of a word that hold no die, pass or fail
_SHIFT = {"hard": 2, "soft": 18}
_NO_BIN = ("", "none", "null", "pass", "fail")


@dataclass(frozen=True)
class Bins:
    """The bin of each cell.

    ``cell`` uint16[cell] is the number of the bin among ``names``, its codes as files write them.
    Bin 0, whose name is empty, stands for no die, or for a die whose bin is not known.
    """

    cell: NDArray[np.uint16]
    names: tuple[str, ...]


class BinNames:
    """Numbers for the codes of bins, in the order in which they occur.

    Codes among ``words`` only say pass or fail; where a file has no others, it has no bins. The
    words of tables are no bins anywhere.
    """

    def __init__(self, where: str, words: Iterable[str] = ()) -> None:
        self._where = where
        self._words = {"", *words}
        self._number = {"": 0}

    def number(self, code: str) -> int:
        """Return a code's number. Raises ModelError for more codes than a map can hold."""
        code = bin_code(code)
        number = 0 if code.lower() in _NO_BIN else self._number.setdefault(code, len(self._number))
        if number >= MOST_BINS:
            allowed = f"at most {MOST_BINS - 1}"
            raise ModelError(self._where, "too many bins", got=number, allowed=allowed)
        return number

    def numbers(self, codes: Sequence[str]) -> NDArray[np.int64]:
        """Return the numbers of many codes."""
        known = {code: self.number(code) for code in dict.fromkeys(codes)}
        return np.array([*map(known.__getitem__, codes)], np.int64)

    def names(self) -> tuple[str, ...] | None:
        """Return the codes by their numbers, None where there are no bins."""
        return tuple(self._number) if self._number.keys() - self._words else None


class TwoBins(NamedTuple):
    """The hard and the soft bins of a file."""

    hard: BinNames
    soft: BinNames = BinNames("")

    def names(self) -> tuple[tuple[str, ...] | None, tuple[str, ...] | None]:
        """Return the names of both, None where there are no bins."""
        return self.hard.names(), self.soft.names()


def bin_code(text: str) -> str:
    """Return a bin's code without the zeros before a number."""
    text = text.strip()
    return text.lstrip("0") or "0" if text.isdecimal() and text.isascii() else text


def word(result: int, hard: int = 0) -> int:
    """Return the word of a cell."""
    return result | hard << _SHIFT["hard"]


def shifted(kind: str, number: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return numbers of hard or soft bins where a word holds them."""
    return number.astype(np.int64) << _SHIFT[kind]


def parts_of(
    words: NDArray[np.integer], hard: tuple[str, ...] | None, soft: tuple[str, ...] | None
) -> tuple[NDArray[np.uint8], Bins | None, Bins | None]:
    """Return pass or fail of some words, and their hard and soft bins of these names."""
    result = (words & RESULT).astype(np.uint8)
    found: list[Bins | None] = []
    for names, shift in zip((hard, soft), _SHIFT.values(), strict=True):
        if names is None:
            found.append(None)
            continue
        number = (words >> shift) % MOST_BINS
        found.append(Bins(np.where(result > 0, number, 0).astype(np.uint16), names))
    return result, found[0], found[1]


def words_of(die: NDArray[np.uint8], hard: Bins | None, soft: Bins | None) -> NDArray[np.int64]:
    """Return the words of some cells."""
    words = die.astype(np.int64)
    for bins, kind in ((hard, "hard"), (soft, "soft")):
        if bins is not None:
            words |= shifted(kind, bins.cell)
    return words


def joined_bins(parts: Sequence[Bins | None], cells: Sequence[int]) -> Bins | None:
    """Return the bins of several files as one. ``cells`` is the number of cells of each file.

    Bins of the same name become one bin.
    """
    if not any(parts):
        return None
    names = BinNames("maps")
    joined = []
    for part, size in zip(parts, cells, strict=True):
        if part is None:
            joined.append(np.zeros(size, np.uint16))
            continue
        number = np.array([names.number(name) for name in part.names], np.uint16)
        joined.append(number[part.cell])
    return Bins(np.concatenate(joined), names.names() or ("",))
