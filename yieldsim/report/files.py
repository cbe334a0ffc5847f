"""Files of tidy rows: CSV, and Parquet with the extra `parquet`."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from yieldsim.analysis.tidy import COLUMNS
from yieldsim.errors import UsageError
from yieldsim.version import VERSION

NUMBERS = {"value", "se", "above"}
PARQUET = "--parquet"


def write_csv(rows: Sequence[Mapping[str, Any]], path: str | Path) -> None:
    """Write rows under their keys; what is missing is left empty. Numbers keep all their digits."""
    names = list(rows[0]) if rows else COLUMNS
    with Path(path).open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def check_parquet() -> None:
    """Raise UsageError unless Parquet can be written."""
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError:
        problem = "pyarrow is not installed; `pip install 'yieldsim[parquet]'` brings it"
        raise UsageError(PARQUET, problem) from None


def write_parquet(rows: Sequence[Mapping[str, Any]], path: str | Path) -> None:
    """Write rows under their keys, numbers as float64 and the rest as texts; what is missing: null.

    Raises UsageError without pyarrow.
    """
    check_parquet()
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = list(rows[0]) if rows else COLUMNS
    fields = [(name, pa.float64() if name in NUMBERS else pa.string()) for name in names]
    schema = pa.schema(fields, metadata={"yieldsim": VERSION})
    columns = [[_text(name, row[name]) for row in rows] for name in names]
    table = pa.Table.from_arrays(
        [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)],
        schema=schema,
    )
    pq.write_table(table, str(path))


def _text(name: str, value: Any) -> Any:
    return value if value is None or name in NUMBERS else str(value)
