"""The sections of the page in their order."""

from __future__ import annotations

from yieldsim.report.page.assumed import assumption_section, provenance_section
from yieldsim.report.page.chips import (
    binding_section,
    difference_section,
    driver_section,
    fan_section,
    gain_section,
)
from yieldsim.report.page.fab import line_section, wafer_section, yield_section
from yieldsim.report.page.parts import Overview, Section
from yieldsim.report.page.world import order_section, published_section

MAKERS = (
    fan_section,
    driver_section,
    binding_section,
    gain_section,
    difference_section,
    order_section,
    line_section,
    yield_section,
    wafer_section,
    published_section,
    assumption_section,
    provenance_section,
)


def sections_of(overview: Overview) -> list[Section]:
    """All sections in the order of the page."""
    return [make(overview) for make in MAKERS]
