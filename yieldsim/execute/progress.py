"""What a run tells while it computes: a bar on a terminal, or a line a block in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tqdm import tqdm

_STOPPING = "stopping after the blocks under way"


def note(text: str) -> None:
    """Tell the user something that is no error, in one line."""
    print(f"yieldsim: note: {text}", file=sys.stderr, flush=True)


def several(number: int, noun: str) -> str:
    """A number of things: "1 scenario", "2 scenarios"."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


class Silent:
    """Tells nothing. Base of those that tell something."""

    def stored(self, block: int, count: int) -> None:
        """A block with ``count`` realizations was stored."""

    def stopping(self) -> None:
        """A signal came, and the blocks under way are finished first."""


class Plain(Silent):
    """Tells nothing but that it is stopping: a batch command without a log."""

    def stopping(self) -> None:
        print(f"yieldsim: {_STOPPING} (Ctrl-C again: at once)", file=sys.stderr, flush=True)


class Bar(Silent):
    """A bar of realizations with their rate and the time left, on a terminal."""

    def __init__(self, bar: tqdm) -> None:
        self._bar = bar

    def stored(self, block: int, count: int) -> None:
        self._bar.update(count)

    def stopping(self) -> None:
        self._bar.write(f"{_STOPPING} (Ctrl-C again: at once)", file=sys.stderr)


class Log(Silent):
    """A line on stderr for each block, as a batch job's log wants it."""

    def __init__(self, total: int, initial: int) -> None:
        self._total, self._initial, self._count = total, initial, 0
        self._start = time.monotonic()

    def stored(self, block: int, count: int) -> None:
        self._count += count
        rate = self._count / max(time.monotonic() - self._start, 1e-9)
        done = self._initial + self._count
        left = timedelta(seconds=round((self._total - done) / rate))
        self._line(
            f"block {block} stored, {done:,} of {self._total:,} realizations, "
            f"{rate:.1f} realizations/s, {left} left"
        )

    def stopping(self) -> None:
        self._line(_STOPPING)

    def _line(self, text: str) -> None:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        print(f"yieldsim: {now} {text}", file=sys.stderr, flush=True)


@contextmanager
def progress_of(
    total: int, initial: int, *, bar: bool = False, log: bool = False
) -> Iterator[Silent]:
    """Tell of ``total`` realizations, ``initial`` of them stored before: a log, a bar or nothing.

    A bar needs a terminal; elsewhere it is a line when a signal came. A log comes first where both
    are wanted.
    """
    if log:
        yield Log(total, initial)
    elif bar and sys.stderr.isatty():
        from tqdm import tqdm  # late: only a terminal needs it

        unit = " realizations"
        with tqdm(
            total=total, initial=initial, unit=unit, file=sys.stderr, dynamic_ncols=True
        ) as shown:
            yield Bar(shown)
    else:
        yield Plain() if bar else Silent()
