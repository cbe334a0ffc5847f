"""What a section of the page consists of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from yieldsim.report.page.tables import Table

Overview = dict[str, Any]


@dataclass(frozen=True)
class Section:
    """A heading, sentences that say how to read it, a chart, tables and a source.

    ``chart`` tells the script what to draw: its ``kind`` (fan, stack, ranges or bars), the
    ``table`` that it draws and which columns. ``missing`` says in one line why there is nothing
    to show.
    """

    name: str
    title: str
    lead: str
    tables: tuple[Table, ...] = ()
    chart: dict[str, Any] | None = None
    source: str = ""
    missing: str = ""
    is_open: bool = False  # its tables
    sliders: bool = False


def source_of(overview: Overview, what: str, scenario: str = "the scenario chosen above") -> str:
    """The line under a chart: the variables, the model, the scenario and the realizations."""
    seed = f", seed {overview['seed']}" if overview["seed"] else ""
    model = overview["model"] or "unnamed"
    source = (
        f"Source: yieldsim, model {model}, {scenario}{seed}, "
        f"{overview['realizations']:,} realizations; {what}."
    )
    return f"{source} {overview['weighted']}".rstrip()


def first_title(overview: Overview) -> str:
    """The first scenario, for sections that show no other."""
    return f"scenario “{overview['scenarios'][overview['first']]}”"
