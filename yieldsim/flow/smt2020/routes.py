"""Reading part.txt and its route files."""

from __future__ import annotations

from collections.abc import Mapping

from yieldsim.errors import ModelError
from yieldsim.flow.dataset import LineToolGroup, Part, Setup, Step
from yieldsim.flow.laws import Spread
from yieldsim.flow.smt2020.tables import Tables
from yieldsim.flow.smt2020.tsv import Row

__all__ = ["read_parts"]

_PART_COLUMNS = ("PART", "ROUTEFILE")
_STEP_COLUMNS = ("STEP", "STNFAM", "PTIME", "PTUNITS", "PTPER")
_PER_PIECE, _PER_LOT, _PER_BATCH = "per_piece", "per_lot", "per_batch"
_PERCENT = 100.0


def read_parts(tables: Tables, groups: Mapping[str, LineToolGroup]) -> dict[str, Part]:
    """Read part.txt and the route files that it names.

    Raises
    ------
    ModelError
        with file, row and column, if a cell is not understood or contradicts another.
    """
    parts: dict[str, Part] = {}
    routes: dict[str, list[Row]] = {}
    for row in tables.rows("part.txt", _PART_COLUMNS):
        name, file = row.text("PART"), row.text("ROUTEFILE")
        if name in parts:
            raise row.error("PART", "stands twice", "each part once")
        if file not in routes:
            if not tables.is_beside(file):
                raise row.error("ROUTEFILE", "is not in the folder", "a file beside part.txt")
            routes[file] = tables.rows(file, _STEP_COLUMNS)
        route = row.optional("ROUTE")
        rows = [
            step for step in routes[file] if route == "" or step.optional("ROUTE") in ("", route)
        ]
        if not rows:
            raise row.error("ROUTE", f"has no step in {file}", "a route of that file")
        steps = _steps(rows, groups)
        parts[name] = Part(name, row.optional("PARTFAM"), f"{file} {route}", steps)
    if not parts:
        raise ModelError("part.txt", "holds no part", allowed="at least one part")
    return parts


def _steps(rows: list[Row], groups: Mapping[str, LineToolGroup]) -> tuple[Step, ...]:
    positions: dict[str, int] = {}
    for number, row in enumerate(rows):
        if row.text("STEP") in positions:
            raise row.error("STEP", "stands twice", "each step once in a route")
        positions[row.text("STEP")] = number
    steps = tuple(_step(row, number, positions, groups) for number, row in enumerate(rows))
    for row, step in zip(rows, steps, strict=True):
        if step.lens_for is not None and steps[step.lens_for].group != step.group:
            raise row.error("FORSTEP", "is done by other tools", f"a step of {step.group}")
    return steps


def _step(
    row: Row, number: int, positions: Mapping[str, int], groups: Mapping[str, LineToolGroup]
) -> Step:
    group = row.one_of("STNFAM", groups, "tool group of tool.txt")
    per = row.choice("PTPER", (_PER_PIECE, _PER_LOT, _PER_BATCH))
    batch = _batch(row)
    if per == _PER_BATCH and batch is None:
        raise row.error("BATCHMX", "is empty", "the most pieces of a batch, for per_batch")
    lens_for = None
    if row.choice("SVESTN", ("yes", "no"), "no") == "yes":
        lens_for = _later(row, "FORSTEP", number, positions)
    limit = None
    if row.has("STEP_CQT"):
        limit = (_later(row, "STEP_CQT", number, positions), row.minutes("CQT", "CQTUNITS"))
    return Step(
        name=row.text("STEP"),
        group=group,
        time=row.spread("PDIST", "PTIME", "PTIME2", "PTUNITS"),
        by_piece=per == _PER_PIECE,
        interval_min=_interval(row, per),
        batch_pieces=batch,
        setup=_setup(row),
        sampling=row.number_in("StepPercent", 0.0, _PERCENT, default=_PERCENT) / _PERCENT,
        rework=_rework(row, number, positions),
        lens_for=lens_for,
        limit=limit,
    )


def _batch(row: Row) -> tuple[int, int] | None:
    if not row.has("BATCHMX"):
        if row.has("BATCHMN"):
            raise row.error("BATCHMX", "is empty", "the most pieces of a batch")
        return None
    most = row.count("BATCHMX", 1)
    return row.count("BATCHMN", 1, most, default=1), most


def _interval(row: Row, per: str) -> float:
    """Minutes between two units entering a cascading tool; 0 without cascading."""
    column, units = ("PartInterval", "PartIntUnits")
    if per != _PER_PIECE:
        column, units = ("BatchInterval", "BatchIntUnits")
        if row.has("PartInterval"):
            raise row.error("PartInterval", "needs PTPER per_piece", "an empty cell")
    elif row.has("BatchInterval"):
        raise row.error("BatchInterval", "needs PTPER per_lot or per_batch", "an empty cell")
    return row.minutes(column, units, default=0.0, above=True)


def _setup(row: Row) -> Setup | None:
    if not row.has("SETUP"):
        return None
    time: Spread | None = None
    if row.has("STIME"):
        time = row.spread("SDIST", "STIME", "STIME2", "STUNITS")
    always = row.choice("WHEN", ("need", "always"), "need") == "always"
    return Setup(row.text("SETUP"), always, time)


def _rework(row: Row, number: int, positions: Mapping[str, int]) -> tuple[float, int] | None:
    if not row.has("REWORK"):
        return None
    share = row.number_in("REWORK", 0.0, _PERCENT) / _PERCENT
    if share >= 1.0:
        raise row.error("REWORK", "would never end", "a number >= 0 and < 100")
    row.choice("RWKTYPE", ("lot",), "lot")
    back_to = positions[row.one_of("RWKSTEP", positions, "step of this route")]
    if back_to > number:
        raise row.error("RWKSTEP", "comes after this step", "this step or one before it")
    return share, back_to


def _later(row: Row, column: str, number: int, positions: Mapping[str, int]) -> int:
    position = positions[row.one_of(column, positions, "step of this route")]
    if position <= number:
        raise row.error(column, "does not come after this step", "a later step of the route")
    return position
