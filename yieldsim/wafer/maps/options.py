"""The options of the readers of wafer maps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from yieldsim.errors import UsageError
from yieldsim.wafer.maps.bins import bin_code

__all__ = ["PLAIN", "BinKind", "ReadOptions", "Retest", "bin_text"]

BinKind = Literal["hard", "soft"]
Retest = Literal["last", "first", "best"]


def _silent(_: str) -> None:
    """Drop a note."""


@dataclass(frozen=True)
class ReadOptions:
    """How files of maps are to be read.

    ``pass_bins`` are the bins that pass, instead of those that the file declares. ``bins`` chooses
    the column where a file has hard and soft bins. ``overlay`` names one map where an E142 file has
    several for a wafer. ``retest`` chooses the result where a die was tested more than once.
    ``note`` takes each line that the user should see.
    """

    pass_bins: frozenset[str] | None = None
    bins: BinKind = "hard"
    overlay: str | None = None
    retest: Retest = "last"
    note: Callable[[str], None] = _silent

    def passes(self, code: str) -> bool | None:
        """Whether a bin passes by ``pass_bins``; None where the file decides."""
        return None if self.pass_bins is None else bin_text(code) in self.pass_bins

    def refuse_bins(self, where: str) -> None:
        """Raise UsageError where a file without bins is read and ``pass_bins`` are given."""
        if self.pass_bins is not None:
            got, allowed = ",".join(sorted(self.pass_bins)), "leave --pass-bins out"
            raise UsageError(where, "has no bins", got=got, allowed=allowed)


PLAIN = ReadOptions()


def bin_text(code: str) -> str:
    """Return a bin's code as it is compared: 007 is 7, and letters are capitals."""
    return bin_code(code).upper()
