"""The codes by which a map with one code per die is written: SEMI G85 and E142, SINF.

Such a code tells the bin and whether it passes. Bins keep their own codes where the format has
room for them. Elsewhere all bins get codes by number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from yieldsim.errors import ModelError
from yieldsim.wafer.maps.bins import Bins, bin_code
from yieldsim.wafer.maps.wafer_maps import FAIL, NONE, PASS, WaferMaps

__all__ = ["Code", "Note", "WrittenCodes", "semi_codes", "sinf_codes", "silent"]

Note = Callable[[str], None]

# By number; P and F are dies that pass and fail without a bin.
_LETTERS = "123456789ABCDEGHIJKLMNOQRSTUVWXYZ"
_SHOWN = 6


@dataclass(frozen=True)
class Code:
    """A code, whether its dies pass, and the name of its bin where the code does not tell it."""

    text: str
    passes: bool
    name: str


@dataclass(frozen=True)
class WrittenCodes:
    """The codes of some maps: their kind, that of no die, and those of dies, passing ones first."""

    kind: str
    null: str
    codes: tuple[Code, ...]
    _bins: Bins | None
    _texts: NDArray[np.str_]

    def grid(self, maps: WaferMaps, wafer: int) -> NDArray[np.str_]:
        """Return the code of each cell of a map, str[row, column]."""
        cells = slice(maps.offset[wafer], maps.offset[wafer + 1])
        keys = _keys(maps.die[cells], None if self._bins is None else self._bins.cell[cells])
        return self._texts[keys].reshape(maps.rows[wafer], maps.cols[wafer])


@dataclass(frozen=True)
class _Form:
    """A kind of codes: those that it has, in the order in which bins get them by number.

    ``null``, ``passing`` and ``failing`` are the codes of no die and of dies without a bin; where a
    bin has such a code, another one is used. ``own`` gives a bin its own code, None without room.
    """

    kind: str
    null: str
    passing: str
    failing: str
    codes: tuple[str, ...]
    own: Callable[[str], str | None]


def silent(_: str) -> None:
    """Drop a note."""


def semi_codes(where: str, maps: WaferMaps, note: Note) -> WrittenCodes:
    """Return the codes for SEMI G85 and E142: one letter, digits, or two hexadecimal digits."""
    letters = (*_LETTERS, *(chr(number) for number in range(33, 127)))
    pairs = tuple(f"{number:02X}" for number in range(256))
    forms = (
        _Form("Ascii", ".", "P", "F", letters, lambda name: name if name in letters else None),
        _Form("Decimal", "255", "001", "000", _numbers(3), _digits(3)),
        _Form("HexaDecimal", "FF", "01", "00", pairs, _padded(2, "0123456789ABCDEF")),
        _Form("Decimal", "65535", "00001", "00000", _numbers(5), _digits(5)),
    )
    return _written(where, maps, forms, (_LETTERS, _numbers(3)), note)


def sinf_codes(where: str, maps: WaferMaps, note: Note) -> WrittenCodes:
    """Return the codes for SINF: two hexadecimal digits, or more where bins have more."""
    forms = []
    for digits in (2, 3, 4):
        codes = tuple(f"{number:0{digits}X}" for number in range(1, 16**digits))
        null, own = "_" * digits, _padded(digits)
        forms.append(_Form("", null, codes[0], codes[-1], codes, own))
    return _written(where, maps, tuple(forms), (forms[0].codes[:-1], forms[1].codes), note)


def _numbers(digits: int) -> tuple[str, ...]:
    return tuple(f"{number:0{digits}d}" for number in range(1, 10**digits))


def _digits(digits: int) -> Callable[[str], str | None]:
    return lambda name: name.zfill(digits) if name.isdecimal() and len(name) <= digits else None


def _padded(digits: int, letters: str = "") -> Callable[[str], str | None]:
    """Numbers are filled with zeros; a code with letters would be another one if it were filled."""

    def own(name: str) -> str | None:
        fits = name.isascii() and name.isalnum() and (not letters or set(name) <= set(letters))
        padded = name.zfill(digits) if name.isdecimal() else name
        return padded if fits and len(padded) == digits else None

    return own


def _written(
    where: str,
    maps: WaferMaps,
    forms: Sequence[_Form],
    numbered: Sequence[Sequence[str]],
    note: Note,
) -> WrittenCodes:
    """Return the codes in the first form in which all bins keep theirs, else by number.

    ``numbered`` are the codes by number, in the first form or, where it has too few, the second.
    """
    bins = _of_one_result(where, maps, note)
    keys = np.unique(_keys(maps.die, None if bins is None else bins.cell)).tolist()
    names = ("",) if bins is None else bins.names
    used = sorted({key // 3 for key in keys if key // 3})
    for form in forms:
        own = [form.own(names[b]) for b in used]
        if None not in own and len(set(own)) == len(own):
            return _table(form, bins, keys, dict(zip(used, own, strict=True)))
    for form, codes in zip(forms, numbered, strict=False):
        if len(used) <= len(codes):
            by_number = dict(zip(used, codes, strict=False))
            changed = [f"{names[b]} {code}" for b, code in by_number.items() if names[b] != code]
            more = ", ..." if len(changed) > _SHOWN else ""
            note(f"{where}: bins get codes of this format: {', '.join(changed[:_SHOWN])}{more}")
            return _table(form, bins, keys, by_number)
    allowed = f"at most {len(numbered[-1])} in this format"
    raise ModelError(where, "too many bins", got=len(used), allowed=allowed)


def _table(
    form: _Form, bins: Bins | None, keys: Sequence[int], of_bin: dict[int, str | None]
) -> WrittenCodes:
    """Return the codes of the cells that occur."""
    names = ("",) if bins is None else bins.names
    free = _free(form, {text for text in of_bin.values() if text})
    null = next(free)
    plain = {PASS: next(free), FAIL: next(free)}
    texts = np.full(3 * len(names), null, f"U{len(form.null)}")
    found = []
    for key in keys:
        b, result = divmod(key, 3)
        if result == NONE:
            continue
        texts[key] = text = of_bin.get(b) or plain[result]
        found.append(Code(text, result == PASS, "" if bin_code(text) == names[b] else names[b]))
    if bins is None:  # both, also where none fails
        found = [Code(text, result == PASS, "") for result, text in plain.items()]
        texts[[PASS, FAIL]] = plain[PASS], plain[FAIL]
    found.sort(key=lambda code: not code.passes)
    return WrittenCodes(form.kind, null, tuple(found), bins, texts)


def _free(form: _Form, used: set[str]) -> Iterator[str]:
    """Yield the codes of no die, of a pass and of a fail, none of which a bin has."""
    taken = set(used)
    for wanted in (form.null, form.passing, form.failing):
        code = next(code for code in (wanted, *reversed(form.codes)) if code not in taken)
        taken.add(code)
        yield code


def _keys(die: NDArray[np.uint8], bin_: NDArray[np.uint16] | None) -> NDArray[np.int64]:
    return die + 3 * (0 if bin_ is None else bin_.astype(np.int64))


def _of_one_result(where: str, maps: WaferMaps, note: Note) -> Bins | None:
    """Return the hard bins, or the soft ones, if the dies of each bin all pass or all fail."""
    for bins in (maps.hard, maps.soft):
        if bins is None:
            continue
        passing, failing = (set(np.unique(bins.cell[maps.die == r])) for r in (PASS, FAIL))
        mixed = sorted((passing & failing) - {0})
        if not mixed:
            return bins
        name = bins.names[mixed[0]]
        kind = "hard" if bins is maps.hard else "soft"
        note(f"{where}: {kind} bins are left out, as some dies of bin {name} pass and some fail")
    return None
