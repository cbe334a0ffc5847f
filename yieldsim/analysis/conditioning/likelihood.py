"""The likelihood of each realization, given what was published.

A published figure is modelled as the ensemble's figure plus a normal error, whose standard
deviation is the spread of the row: the log-likelihood is ``-(distance / spread)^2 / 2``. The
distance is measured from the central figure. For a range or a bound it is zero inside, and measured
from the nearest end outside. Realizations are compared in the unit of the row.

Figures of one independence group quote one another, or share their method, so they share one vote.
Each of the n figures of a group that are compared has the weight 1 / n in the log-likelihood, as if
its spread were sqrt(n) times as wide.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr

from yieldsim.analysis.evidence.comparison import figures_of, matched_files
from yieldsim.analysis.evidence.file import CHECK, INPUT, Published
from yieldsim.errors import ModelError

NOT_A_COUNT = "a forecast, not a count"


@dataclass(frozen=True)
class Piece:
    """A row of evidence. ``values`` (realization) are None where nothing matches.

    ``reason`` says why the row does not count; it is empty where it does.
    """

    row: Published
    values: np.ndarray | None
    reason: str

    @property
    def counts(self) -> bool:
        """Whether the row counts."""
        return not self.reason

    @property
    def group(self) -> str:
        """Its independence group; a row that names none forms its own."""
        return self.row.group or self.row.place

    @property
    def spread(self) -> float:
        """The standard deviation of its error. Only rows that count are known to have one."""
        found = self.row.standard_deviation
        assert found is not None
        return found

    def log_likelihood(self) -> np.ndarray:
        """The log-likelihood (realization) of the row, as if it were independent of all others."""
        assert self.values is not None
        if self.row.central is not None:
            distance = self.values - self.row.central
        else:
            low, high = self.row.bounds
            distance = np.maximum(np.maximum(low - self.values, self.values - high), 0.0)
        found: np.ndarray = -0.5 * (distance / self.spread) ** 2
        return found


def pieces_of(ds: xr.Dataset, path: str | Path) -> list[Piece]:
    """The rows of a file of evidence beside an ensemble of a single scenario.

    Raises ModelError for a file that cannot be read, for one without a row that can be compared and
    that no input rests on, and for such a row without a spread.
    """
    (rows,) = matched_files(ds, [path])
    values = figures_of(ds, [match for _, match in rows])
    pieces = [
        Piece(row, values.get(place), match.reason or _no_say(row))
        for place, (row, match) in enumerate(rows)
    ]
    counting = [piece for piece in pieces if piece.counts]
    if not counting:
        ((reason, _),) = Counter(piece.reason for piece in pieces).most_common(1)
        problem = f"has no row that can weigh the ensemble (most often: {reason})"
        allowed = "a count that can be compared and that no input rests on"
        raise ModelError(Path(path).name, problem, allowed=allowed)
    for piece in counting:
        _check_spread(piece)
    return pieces


def _check_spread(piece: Piece) -> None:
    place = f"{piece.row.place}: spread"
    if not piece.row.spread:
        allowed = "a standard deviation above 0, such as 20% or 50000"
        raise ModelError(place, "is missing", allowed=allowed)
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        is_finite = np.isfinite(piece.log_likelihood()).all()
    if not is_finite:
        problem = "is too small for a likelihood"
        allowed = "a larger one; where the figure is 0, one in its unit, such as 50000"
        raise ModelError(place, problem, got=piece.row.spread, allowed=allowed)


def _no_say(row: Published) -> str:
    if row.role == INPUT:
        return f"an input rests on it: {', '.join(row.sets)}"
    return "" if row.role == CHECK else NOT_A_COUNT


def votes(pieces: Sequence[Piece]) -> list[float]:
    """The weight of each piece: 1 over the counting pieces of its group, 0 if it does not count."""
    sizes = Counter(piece.group for piece in pieces if piece.counts)
    return [1.0 / sizes[piece.group] if piece.counts else 0.0 for piece in pieces]


def log_ratios(pieces: Sequence[Piece], widened: dict[str, float] | None = None) -> np.ndarray:
    """The joint log-likelihood (realization) of the pieces that count.

    ``widened`` multiplies the spreads of some rows, by their place.
    """
    total = np.zeros(1)
    for piece, vote in zip(pieces, votes(pieces), strict=True):
        if vote:
            factor = (widened or {}).get(piece.row.place, 1.0)
            total = total + vote / factor**2 * piece.log_likelihood()
    return total
