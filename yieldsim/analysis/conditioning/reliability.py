"""Whether weights can be trusted, which evidence makes them, and what helps if they collapse.

They collapse if too few realizations carry them: an effective sample size below a twentieth of the
realizations, or a Pareto shape k of 0.7 or more.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from yieldsim.analysis.conditioning.likelihood import Piece, log_ratios
from yieldsim.analysis.conditioning.psis import smoothed_weights
from yieldsim.analysis.statistics.weighted import effective_sample_size

LEAST_SHARE, MOST_K = 0.05, 0.7
WIDEST = 20.0  # times a spread that is tried as advice
_STEPS = 12  # halvings of the interval of factors


@dataclass(frozen=True)
class Weighing:
    """``weights`` (realization), which add up to 1, and the diagnostics of them."""

    weights: np.ndarray
    pareto_k: float

    @property
    def effective(self) -> float:
        """Kish's effective sample size."""
        return effective_sample_size(self.weights)

    @property
    def share(self) -> float:
        """The effective sample size as a share of the realizations."""
        return self.effective / len(self.weights)

    @property
    def collapsed(self) -> bool:
        """Whether too few realizations carry the weights."""
        return self.share < LEAST_SHARE or self.pareto_k >= MOST_K

    @property
    def information(self) -> float:
        """What the evidence says, in nats: the Kullback-Leibler divergence from equal weights."""
        some = self.weights[self.weights > 0.0]
        return float(some @ np.log(some * len(self.weights)))


def weigh(pieces: Sequence[Piece], widened: dict[str, float] | None = None) -> Weighing:
    """The smoothed weights of the pieces that count."""
    return Weighing(*smoothed_weights(log_ratios(pieces, widened)))


@dataclass(frozen=True)
class LeftOut:
    """The weights without some pieces, which are a row or all rows of a group."""

    kind: str
    name: str
    places: tuple[str, ...]
    weighing: Weighing | None  # None if nothing is left


def left_out(pieces: Sequence[Piece]) -> Iterator[LeftOut]:
    """The weights without each row that counts, then without each group of several rows."""
    counting = [piece for piece in pieces if piece.counts]
    groups: dict[str, list[Piece]] = {}
    for piece in counting:
        groups.setdefault(piece.group, []).append(piece)
        yield _without(counting, [piece], "row", label(piece))
    for name, own in groups.items():
        if len(own) > 1:
            yield _without(counting, own, "group", name)


def _without(counting: list[Piece], own: list[Piece], kind: str, name: str) -> LeftOut:
    places = tuple(piece.row.place for piece in own)
    rest = [piece for piece in counting if piece.row.place not in places]
    return LeftOut(kind, name, places, weigh(rest) if rest else None)


def label(piece: Piece) -> str:
    """What is counted, when and by whom."""
    return f"{piece.row.entity} {piece.row.period} by {piece.row.house}"


def collapse_problem(found: Weighing) -> str:
    """What is wrong with collapsed weights, in words."""
    n = len(found.weights)
    return (
        f"the weights collapse to an effective sample size of {found.effective:,.1f} of {n:,} "
        f"realizations ({found.share:.1%}, at least {LEAST_SHARE:.0%} is needed) with a Pareto k "
        f"of {found.pareto_k:.2f} (below {MOST_K} is needed)"
    )


def collapse_advice(pieces: Sequence[Piece], found: Weighing, without: Sequence[LeftOut]) -> str:
    """What helps against collapse: leaving out a row, a wider spread, or more realizations."""
    counting = [piece for piece in pieces if piece.counts]
    rows = [own for own in without if own.kind == "row"]
    worst = max(rows, key=_holds)
    piece = next(piece for piece in counting if piece.row.place in worst.places)
    parts = [_without_words(worst, label(piece)), _spread_words(counting, piece)]
    return "; ".join([*parts, _more_words(found)])


def _holds(own: LeftOut) -> tuple[bool, float]:
    """Sort key: how well the weights hold without a row; without any evidence they hold best."""
    if own.weighing is None:
        return True, math.inf
    return not own.weighing.collapsed, own.weighing.effective


def _without_words(own: LeftOut, name: str) -> str:
    if own.weighing is None:
        return f"{name} is the only row"
    size = f"{own.weighing.effective:,.0f}"
    return f"without {name} it would be {size} with k {own.weighing.pareto_k:.2f}"


def _spread_words(counting: list[Piece], piece: Piece) -> str:
    """The spread of a row, or of all rows, at which the weights hold."""
    alone = _factor(lambda factor: weigh(counting, {piece.row.place: factor}))
    if alone is not None:
        wider = _times(piece.row.spread, alone)
        return f"a spread of {wider} in place of {piece.row.spread} in that row would hold"
    every = _factor(lambda factor: weigh(counting, {p.row.place: factor for p in counting}))
    if every is None:
        return f"no spreads up to {WIDEST:g} times as wide would hold"
    return f"spreads {every:.1f} times as wide in all rows would hold, none in that row alone"


def _factor(weighed: Callable[[float], Weighing]) -> float | None:
    """The least factor, rounded up, with which weights hold; None if the widest does not."""
    if weighed(WIDEST).collapsed:
        return None
    low, high = 1.0, WIDEST
    for _ in range(_STEPS):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if weighed(middle).collapsed else (low, middle)
    return math.ceil(10.0 * high) / 10.0


def _times(spread: str, factor: float) -> str:
    """A spread as written in a file, wider by a factor: three digits, rounded up."""
    number = float(spread.removesuffix("%")) * factor
    digit = 10.0 ** (math.floor(math.log10(number)) - 2)
    rounded = f"{math.ceil(number / digit - 1e-9) * digit:.6g}"
    return f"{rounded}%" if spread.endswith("%") else rounded


def _more_words(found: Weighing) -> str:
    """Whether more realizations would help.

    They do not change the effective share of the realizations. Where only k is too large, the
    smoothed weights need ``10^(1 / (1 - k))`` realizations (Vehtari et al. 2024).
    """
    n = len(found.weights)
    least = math.ceil(10.0 ** (1.0 / (1.0 - MOST_K)))
    if n < least:
        return f"or run {least:,} realizations or more: with fewer, both figures are rough"
    needed = 10.0 ** (1.0 / (1.0 - found.pareto_k)) if found.pareto_k < 1.0 else math.inf
    if found.share >= LEAST_SHARE and n < needed <= 1e6:
        return f"or run {needed:,.0f} realizations, as such a k needs"
    return "more realizations would not help"
