"""Published figures beside the ensemble's: does its spread contain what others have counted?"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import xarray as xr

from ..errors import ModelError
from .columns import choose, period_quarters, product_names
from .quantiles import quantiles

COLUMNS = ("entity", "period", "low", "central", "high", "unit", "source")
# who is counted in a publication -> pattern of the products' names
ENTITIES = {
    "Huawei Ascend": "ascend_*",
    "Huawei Ascend 910C": "ascend_910c",
    "Alibaba T-Head": "zhenwu*",
    "Baidu Kunlunxin": "kunlun*",
    "Cambricon": "cambricon*",
}
# first words of the units that count finished chips; dies, wafers and money are left out
CHIP_UNITS = ("units", "cards", "packages", "chips")


def compare_with_published(
    ds: xr.Dataset,
    path: str | Path,
    scenario: str = "baseline",
    entities: Mapping[str, str] | None = None,
) -> list[dict[str, Any]]:
    """Calendar-year sums of usable chips beside the published figures of a CSV file.

    The file has the columns entity, period (a year), low, central, high, unit and source; rows of
    other entities, periods and units than chips are passed over. ``entities`` maps a published
    name to a pattern of product names (default `ENTITIES`). Returns one record per row: entity,
    year, source, published_low, published_high, mean, p10, p50, p90, the errors se_..., and
    ``inside``: whether the published range and P10-P90 meet. Raises ModelError for a file that
    cannot be read, UsageError for an unknown scenario.
    """
    one = choose(ds, [scenario])
    groups = _groups(ds, ENTITIES if entities is None else entities)
    years, places = period_quarters(ds, "year")
    whole = {year for year, several in zip(years, places, strict=True) if len(several) == 4}
    rows = [
        row
        for row in _rows(Path(path))
        if row["entity"] in groups
        and row["period"] in whole
        and row["unit"].split()[:1]
        and row["unit"].split()[0].strip(":;,") in CHIP_UNITS
    ]
    if not rows:
        return []
    result = quantiles(one, period="year", groups=groups).isel(scenario=0)
    return [_record(result.sel(product=row["entity"], period=row["period"]), row) for row in rows]


def _groups(ds: xr.Dataset, entities: Mapping[str, str]) -> dict[str, list[int]]:
    """Places of the products of each entity that the ensemble has."""
    products = product_names(ds)
    found = {
        entity: [i for i, product in enumerate(products) if fnmatchcase(product, pattern)]
        for entity, pattern in entities.items()
    }
    return {entity: places for entity, places in found.items() if places}


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            reader = csv.DictReader(stream)
            rows = list(reader)
            names = reader.fieldnames or []
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ModelError(str(path), f"cannot be read ({error})") from None
    missing = [column for column in COLUMNS if column not in names]
    if missing:
        raise ModelError(
            path.name, f"lacks the columns {', '.join(missing)}", allowed=", ".join(COLUMNS)
        )
    for line, row in enumerate(rows, start=2):
        if None in row or None in row.values():
            raise ModelError(
                f"{path.name} line {line}", "truncated or ragged row", allowed=", ".join(names)
            )
    return rows


def _record(result: xr.Dataset, row: dict[str, str]) -> dict[str, Any]:
    numbers = [_number(row, key) for key in ("low", "central", "high")]
    known = [number for number in numbers if number is not None]
    if not known:
        raise ModelError(f"published figure of {row['entity']} {row['period']}", "has no number")
    low, high = min(known), max(known)
    p10, p50, p90 = result["quantile"].to_numpy().tolist()
    errors = result["se_quantile"].to_numpy().tolist()
    return {
        "entity": row["entity"],
        "year": row["period"],
        "source": row["source"],
        "published_low": low,
        "published_high": high,
        "mean": float(result["mean"]),
        "p10": p10,
        "p50": p50,
        "p90": p90,
        "se_mean": float(result["se_mean"]),
        "se_p10": errors[0],
        "se_p50": errors[1],
        "se_p90": errors[2],
        "inside": p10 <= high and low <= p90,
    }


def _number(row: dict[str, str], key: str) -> float | None:
    text = row[key].strip()
    try:
        return float(text) if text else None
    except ValueError:
        place = f"published figure of {row['entity']} {row['period']}: {key}"
        raise ModelError(place, "must be a number", got=text) from None
