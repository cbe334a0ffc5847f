"""The HTML of the page: the template filled with style, scripts, tables and data."""

from __future__ import annotations

import base64
import html
import json
import re
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from yieldsim.analysis.overview.draws import Draws
from yieldsim.analysis.overview.fans import BY_QUARTER, COLUMNS, Fan
from yieldsim.analysis.overview.reweight import BANDWIDTH, FEWEST_EFFECTIVE
from yieldsim.errors import UsageError
from yieldsim.report.page.parts import Overview, Section
from yieldsim.report.page.sections import sections_of
from yieldsim.report.page.tables import Table, single
from yieldsim.version import VERSION

SCRIPTS = (
    "data.js",
    "svg.js",
    "fan.js",
    "charts.js",
    "maps.js",
    "weights.js",
    "sliders.js",
    "page.js",
)
MOST_BYTES = 3_000_000
_PLACE = re.compile(r"\{\{(\w+)\}\}")


def page(overview: Overview) -> str:
    """The HTML page of an `overview`. Raises UsageError if it would be too large to mail."""
    sections = sections_of(overview)
    title = overview["title"] or overview["model"] or "yieldsim"
    parts = {
        "title": html.escape(title),
        "style": asset("page.css"),
        "script": "\n".join(asset(name) for name in SCRIPTS),
        "headline": "\n".join(f"<p>{html.escape(line)}</p>" for line in overview["headline"]),
        "scenarios": options(overview["scenarios"]),
        "products": options(overview["products"]),
        "contents": "\n".join(
            f'<li><a href="#{s.name}">{html.escape(s.title)}</a></li>' for s in sections
        ),
        "sections": "\n".join(section_html(s, overview) for s in sections),
        "data": as_script(page_data(overview, sections)),
        "version": html.escape(VERSION),
    }
    text = _PLACE.sub(lambda found: parts[found[1]], asset("page.html"))
    size = len(text.encode())
    if size > MOST_BYTES:
        problem = "the page would be too large to mail"
        allowed = f"up to {MOST_BYTES:,} bytes; name fewer scenarios with --scenario"
        raise UsageError("--html", problem, got=f"{size:,} bytes", allowed=allowed)
    return text


@cache
def asset(name: str) -> str:
    """A file that ships beside this module."""
    return files("yieldsim.report.page").joinpath("assets", name).read_text(encoding="utf-8")


def options(titles: dict[str, str]) -> str:
    """The options of a select element."""
    return "".join(
        f'<option value="{html.escape(name)}">{html.escape(title)}</option>'
        for name, title in titles.items()
    )


def section_html(section: Section, overview: Overview) -> str:
    """A section with its static tables, those of the first scenario and the total."""
    title, lead = html.escape(section.title), html.escape(section.lead)
    head = f'<h2>{title}</h2><p class="lead">{lead}</p>'
    if section.missing:
        body = f'<p class="missing">Not shown: {html.escape(section.missing)}.</p>'
    else:
        chart = f'<div class="chart" id="chart-{section.name}"></div>' if section.chart else ""
        sliders = '<div id="sliders"></div>' if section.sliders else ""
        tables = "\n".join(_table_html(t, section, overview) for t in section.tables)
        body = f'{chart}{sliders}{tables}<p class="source">{html.escape(section.source)}</p>'
    return f'<section id="{section.name}">{head}{body}</section>'


def _table_html(table: Table, section: Section, overview: Overview) -> str:
    is_open = " open" if section.is_open else ""
    is_open += "" if table.rows else " hidden"  # until a slider fills it
    name = html.escape(table.name)
    return (
        f"<details{is_open}><summary>Table: {html.escape(table.caption)}</summary>"
        f'<p><a class="csv" id="csv-{name}" href="#table-{name}" '
        f'download="yieldsim_{name}.csv">Download as CSV</a></p>'
        f'<div class="scroll" tabindex="0" role="region" aria-label="{html.escape(table.caption)}">'
        f"{table.as_html(overview['first'], 'total')}</div></details>"
    )


def page_data(overview: Overview, sections: list[Section]) -> dict[str, Any]:
    """What the script reads: names, fans, tables and charts."""
    fans: dict[str, Fan] = overview["fan"]
    return {
        "scenarios": list(overview["scenarios"]),
        "products": list(overview["products"]),
        "titles": {"scenario": overview["scenarios"], "product": overview["products"]},
        "outlookFrom": overview["outlook_from"],
        "fans": {
            name: {
                "periods": fan.periods,
                "quarters": fan.quarters,
                "columns": list(columns),
                "values": packed(single(fan.values[..., : len(columns)]), np.dtype("<f4")),
            }
            for name, fan, columns in (
                ("quarter", fans["quarter"], BY_QUARTER),
                ("year", fans["year"], COLUMNS),
            )
        },
        "tables": {t.name: t.as_data() for s in sections for t in s.tables},
        "charts": {s.name: s.chart for s in sections if s.chart and not s.missing},
        "realizations": overview["realizations"],
        "draws": draws_data(overview["draws"], overview),
    }


def draws_data(draws: Draws | None, overview: Overview) -> dict[str, Any] | None:
    """The draws for the sliders; None if the page has none."""
    if draws is None:
        return None
    known = {r["path"]: r for r in overview["assumptions"]["inputs"]}
    about = [known.get(name, {"path": name, "label": name, "unit": "1"}) for name in draws.inputs]
    single = np.dtype("<f4")
    return {
        "count": draws.codes.shape[-1],
        "series": draws.series,
        "years": draws.years,
        "largest": packed(draws.largest, single),
        "codes": packed(draws.codes, np.dtype("<u2")),
        "inputs": [{key: r[key] for key in ("path", "label", "unit")} for r in about],
        "values": packed(draws.values, single),
        "base": None if draws.base is None else packed(draws.base, single),
        "bandwidth": BANDWIDTH,
        "fewest": FEWEST_EFFECTIVE,
    }


def packed(values: np.ndarray, dtype: np.dtype[Any]) -> str:
    """An array as base64 text of little-endian numbers, in C order."""
    return base64.b64encode(np.ascontiguousarray(values, dtype=dtype).tobytes()).decode("ascii")


def as_script(data: dict[str, Any]) -> str:
    """JSON that can stand in a script element, whatever the texts are."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
