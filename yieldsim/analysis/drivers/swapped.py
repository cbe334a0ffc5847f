"""Designed runs: the draws of an ensemble, and the same with one input after the other swapped.

A design has the rows A and B, independent draws of all inputs; A once more; and for each group of
inputs A with the values of the group from B (Saltelli et al. 2010, doi:10.1016/j.cpc.2009.09.018).
Inputs that are correlated with each other, directly or through others, are one group: they keep
their joint distribution, which a swap of one of them would destroy.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr

from yieldsim.analysis.drivers.classes import columns_of
from yieldsim.analysis.drivers.sensitivity import drawn_inputs
from yieldsim.analysis.totals import labels_of
from yieldsim.design import RANDOM
from yieldsim.errors import UsageError

FEWEST_ROWS = 8  # of A
_BASE = 3  # blocks before the first swap: A, B, and A again
_OPTION = "--write-design"
_GIVEN = "samples_digest"  # an attribute of an ensemble whose inputs were given


@dataclass(frozen=True)
class Design:
    """``rows`` realizations a block: A, B, A again, then A with each of ``groups`` from B."""

    rows: int
    groups: tuple[tuple[str, ...], ...]

    def block(self, number: int) -> slice:
        """The realizations of a block."""
        return slice(number * self.rows, (number + 1) * self.rows)

    def swap(self, group: int) -> slice:
        """The realizations in which a group is swapped."""
        return self.block(_BASE + group)


def swapped_draws(
    ds: xr.Dataset, scenario: str, groups: Sequence[Sequence[str]], rows: int | None = None
) -> dict[str, np.ndarray]:
    """The columns of a design by input, ready for ``run --samples``: all inputs that vary.

    A are the first ``rows`` realizations of the ensemble and B the next ones; by default half of it
    each. Raises UsageError for an ensemble that is too small or whose draws were spread or given.
    """
    design = ds.attrs.get("design", RANDOM.name)
    if design != RANDOM.name or _GIVEN in ds.attrs:
        got = "given samples" if _GIVEN in ds.attrs else design
        allowed = "a run without --samples and --design"
        raise UsageError(_OPTION, "needs independent draws", got=got, allowed=allowed)
    most = ds.sizes["realization"] // 2
    rows = most if rows is None else rows
    if not FEWEST_ROWS <= rows <= most:
        allowed = f"{FEWEST_ROWS} to {most}, half of the realizations"
        raise UsageError("--rows", "does not suit the ensemble", got=rows, allowed=allowed)
    labels = labels_of(ds, "parameter")
    drawn = drawn_inputs(ds, scenario).isel(realization=slice(0, 2 * rows))
    values = columns_of(drawn, list(range(len(labels))))
    first, second = values[:, :rows], values[:, rows:]
    columns = {}
    for name, a, b, own in zip(labels, first, second, values, strict=True):
        if np.isfinite(own).all() and np.ptp(own) > 0.0:
            swaps = [b if name in group else a for group in groups]
            columns[name] = np.concatenate([a, b, a, *swaps])
    return columns


def joined_groups(inputs: Sequence[str], partners: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """The inputs in their order, each with all that it is correlated with, directly or not."""
    groups: list[list[str]] = []
    for name in inputs:
        if any(name in group for group in groups):
            continue
        group = [name]
        for member in group:  # grows while it is walked through
            group += [other for other in partners.get(member, ()) if other not in group]
        groups.append(group)
    return groups


def write_draws(columns: Mapping[str, np.ndarray], path: str | Path) -> None:
    """Write a column an input, a row a realization. Raises UsageError unless csv or npz."""
    kind = Path(path).suffix.lower()
    if kind not in (".csv", ".npz"):
        problem = "unknown kind of samples"
        raise UsageError(_OPTION, problem, got=str(path), allowed="a name with .csv or .npz")
    if kind == ".npz":
        np.savez(path, **dict(columns))  # type: ignore[arg-type]
        return
    with Path(path).open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(columns)
        for row in zip(*(column.tolist() for column in columns.values()), strict=True):
            writer.writerow([repr(value) for value in row])


def design_of(ds: xr.Dataset, scenario: str) -> Design | None:
    """The design that the ensemble's given inputs follow; None if they follow none."""
    if _GIVEN not in ds.attrs:
        return None
    labels = labels_of(ds, "parameter")
    values = columns_of(drawn_inputs(ds, scenario), list(range(len(labels))))
    again = np.flatnonzero((values[:, 1:] == values[:, :1]).all(axis=0)) + 1
    if not again.size or again[0] % 2:
        return None
    rows = int(again[0]) // 2
    blocks, rest = divmod(values.shape[1], rows)
    if rest or blocks <= _BASE:
        return None
    parts = values.reshape(len(labels), blocks, rows)
    first, second = parts[:, 0], parts[:, 1]
    if not np.array_equal(first, parts[:, 2]):
        return None
    groups = []
    for block in range(_BASE, blocks):
        swapped = (parts[:, block] != first).any(axis=1)
        if not np.array_equal(parts[swapped, block], second[swapped]):
            return None
        groups.append(tuple(np.array(labels, dtype=object)[swapped]))
    return Design(rows, tuple(groups)) if all(groups) else None
