"""Where the tables of a line come from: a folder of text files, or a workbook."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from yieldsim.errors import ModelError
from yieldsim.flow.smt2020.tsv import Row, read_table

__all__ = ["FolderTables", "Tables"]

_TOOL_FILES = ("tool.txt", "tool.txt.1l")  # the second is the name in the published folders
# Files that would change a run and that are not read.
_REFUSED = {
    "shiftcal.txt": "shift calendars",
    "operator.txt": "operators and repair crews",
    "opercert.txt": "certificates of operators",
    "opergrp.txt": "groups of operators",
}
# Columns that describe, repeat or do not change a run. Notes list all others that are not read.
_HARMLESS = frozenset((
    "BATCHPER", "DESC", "DOWNCALTYPE", "IGNORE", "LOT", "ORDER", "PARTFAM", "PARTGRP", "PRERULERWL",
    "STN", "STNFAMSTEP_ACTLIST", "STNGRP", "STNFAMLOC", "TRACE",
))  # fmt: skip
_MIMAC_ENDINGS = (".pf", ".ts", ".vr", ".rw", ".os")


class Tables(Protocol):
    """The tables of a line by the names of the SMT2020 text files."""

    name: str

    def notes(self) -> tuple[str, ...]:
        """Notes on what was not read of the tables; to be asked for after reading."""

    def has(self, file: str) -> bool:
        """Whether the table is there."""

    def rows(self, file: str, needed: tuple[str, ...]) -> list[Row]:
        """The rows of a table that has at least the columns ``needed``; raises ModelError."""

    def is_beside(self, file: str) -> bool:
        """Whether the line has a route file that part.txt names."""


class FolderTables:
    """A folder of the SMT2020 tab-text format."""

    def __init__(self, folder: Path, shown: str) -> None:
        if not folder.is_dir():
            raise ModelError(shown, "is not a folder", allowed="a folder with tool.txt, "
                             "part.txt, order.txt and route files, or a workbook")  # fmt: skip
        self._folder = folder
        self.name = folder.resolve().name
        self._read: dict[str, tuple[set[str], list[Row]]] = {}
        self._refuse_unread()

    def _path(self, file: str) -> Path:
        if file == _TOOL_FILES[0]:
            for name in _TOOL_FILES:
                if (self._folder / name).exists():
                    return self._folder / name
        return self._folder / file

    def has(self, file: str) -> bool:
        """Whether the file is in the folder."""
        return self._path(file).exists()

    def rows(self, file: str, needed: tuple[str, ...]) -> list[Row]:
        """The rows of a file."""
        asked: set[str] = set()
        rows = read_table(self._path(file), needed, asked)
        self._read[file] = asked, rows
        return rows

    def notes(self) -> tuple[str, ...]:
        """The columns with values that were not read."""
        notes = []
        for file, (asked, rows) in self._read.items():
            filled = {column: None for row in rows for column, cell in row.cells.items() if cell}
            unread = [column for column in filled if column not in asked | _HARMLESS]
            if unread:
                notes.append(f"{file}: not simulated: {', '.join(unread)}")
        return tuple(notes)

    def is_beside(self, file: str) -> bool:
        """Whether a file lies in the folder itself."""
        return file == Path(file).name and (self._folder / file).is_file()

    def _refuse_unread(self) -> None:
        """Refuse a folder with a file that would change the run and is not simulated."""
        for file, what in _REFUSED.items():
            if (self._folder / file).exists():
                problem = f"holds {what}, which are not simulated"
                raise ModelError(file, problem, allowed="a folder without this file")
        names = sorted(path.name for path in self._folder.iterdir())
        mimac = [name for name in names if name.lower().endswith(_MIMAC_ENDINGS)]
        if mimac and not self.has(_TOOL_FILES[0]):
            raise ModelError(mimac[0], "is of the MIMAC format, which is not read",
                             allowed="a folder of the SMT2020 format, or its workbook")  # fmt: skip
