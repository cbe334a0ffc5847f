"""The sections on what the figures rest on: assumptions and provenance."""

from __future__ import annotations

from yieldsim.report.page.parts import Overview, Section, first_title, source_of
from yieldsim.report.page.tables import Column, Table

WORDS = {
    "source": "made by",
    "model_name": "model",
    "model_hash": "hash of the model",
    "history": "history",
    "block_size": "realizations per block",
    "arithmetic": "arithmetic of the machine",
}


def assumption_section(overview: Overview) -> Section:
    """Every uncertain input with its grade, source and note."""
    found = overview["assumptions"]
    grades = ", ".join(f"{count} {grade}" for grade, count in found["grades"].items())
    title = "Assumptions"
    lead = (
        f"The model has {found['count']:,} inputs; these {len(found['inputs'])} are uncertain "
        f"({grades}). Each realization draws all of them once."
    )
    if found["reason"]:
        return Section("assumptions", title, "Every uncertain input.", missing=found["reason"])
    columns = (
        Column("label", "input"),
        Column("value", "distribution"),
        Column("unit", "unit"),
        Column("grade", "grade"),
        Column("note", "note"),
        Column("source", "source"),
        Column("url", "address", "link"),
        Column("path", "path"),
    )
    rows = [[r[column.key] for column in columns] for r in found["inputs"]]
    return Section(
        "assumptions",
        title,
        lead,
        (Table("assumptions", "Uncertain inputs", columns, {("", ""): rows}),),
        source=source_of(overview, "the model that the store carries", first_title(overview)),
    )


def provenance_section(overview: Overview) -> Section:
    """How the figures were made."""
    columns = (Column("what", "what"), Column("value", "value"))
    rows = [[WORDS.get(k, k), value] for k, value in overview["provenance"].items()]
    return Section(
        "provenance",
        "Provenance",
        "The same model, seed and versions give the same figures, bit for bit.",
        (Table("provenance", "How the figures were made", columns, {("", ""): rows}),),
        source=source_of(overview, "the attributes of the store", "all scenarios"),
        is_open=True,
    )
