"""SMT2020's high-volume line against what its authors published of it.

The published runs start empty as ours do: lots out are those of two years, the tools' figures those
of a year after a year of warm-up.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from yieldsim.flow import DataSet, FlowResult, compile_line, read_dataset, replicate, summarize

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "smt2020"
REPLICATIONS = 24
DAYS, WARMUP_DAYS = 730.0, 365.0

pytestmark = [
    pytest.mark.slow,
    pytest.mark.statistical,
    pytest.mark.skipif(not DATA.is_dir(), reason="shared/data/smt2020 is not here"),
]


def published(name: str) -> dict[str, dict[str, float]]:
    header, *rows = (DATA / name).read_text(encoding="utf-8").splitlines()
    columns = header.split()[1:]
    return {
        row.split()[0]: dict(zip(columns, map(float, row.split()[1:]), strict=True)) for row in rows
    }


@pytest.fixture(scope="module")
def result() -> FlowResult:
    line = compile_line(read_dataset(DATA / "hvlm"))
    return summarize(line, [replicate(line, 1, r, DAYS, WARMUP_DAYS) for r in range(REPLICATIONS)])


def test_lots_out_and_cycle_times(result: FlowResult) -> None:
    lots = {lot.name: lot for lot in result.lots}
    for name, want in published("hvlm_published_lots.txt").items():
        assert lots[name].lots_out == pytest.approx(want["th"], rel=0.01), name
        assert lots[name].cycle_time_days == pytest.approx(want["act"], rel=0.08), name


def repairs(data: DataSet, name: str) -> tuple[float, float]:
    """A group's expected share of repairs, and the variance over a year of one of its tools.

    Alternating renewal with exponential times, MTTF from a repair's end: the mean is
    MTTR / (MTTF + MTTR), and the variance over a long T is 2 MTTF^2 MTTR^2 / ((MTTF + MTTR)^3 T)
    (D. R. Cox, Renewal Theory, 1962, chapter 7).
    """
    clock = next(c for c in data.calendars if c.group == name and c.kind == "failure")
    mttf, mttr = clock.every.mean, clock.lasts.mean
    variance = 2.0 * (mttf * mttr) ** 2 / ((mttf + mttr) ** 3 * (DAYS - WARMUP_DAYS) * 1440.0)
    return mttr / (mttf + mttr), variance


def test_availability_of_every_group(result: FlowResult) -> None:
    """Published: means of 20 runs, as their lots out (multiples of 0.05) and spread say.

    Luck with repairs alone moves them by up to 0.24 points, so ours are taken at their expectation
    here and held to it in the next test. Granted are 0.3 points, or three standard errors of the
    published repairs where that is more: no simulator can know those.
    """
    data = read_dataset(DATA / "hvlm")
    groups = {group.name: group for group in result.groups}
    gaps, beyond = [], {}
    for name, want in published("hvlm_published_machines.txt").items():
        share, variance = repairs(data, name)
        gap_pp = 100.0 * (1.0 - share - groups[name].maintenance) - want["avail"]
        gaps.append(gap_pp)
        if abs(gap_pp) > max(0.3, 300.0 * np.sqrt(variance / (20 * groups[name].tools))):
            beyond[name] = gap_pp
    assert beyond == {}
    assert sum(abs(gap) > 0.3 for gap in gaps) <= 2


def test_repairs_and_maintenance_of_every_group(result: FlowResult) -> None:
    data = read_dataset(DATA / "hvlm")
    groups = {group.name: group for group in result.groups}
    ours, theirs, maintenance, tools = [], [], [], []
    for name, want in published("hvlm_published_machines.txt").items():
        share, variance = repairs(data, name)
        error = np.sqrt(variance / groups[name].tools)
        ours.append((groups[name].repair - share) / error * np.sqrt(REPLICATIONS))
        theirs.append((want["br"] / 100.0 - share) / error * np.sqrt(20))
        maintenance.append(100.0 * groups[name].maintenance - want["pm"])
        tools.append(groups[name].tools)
    for scores in (ours, theirs):
        # Sums of squares of 105 standard normals are 105 +- 14.5.
        assert 0.6 < float(np.mean(np.square(scores))) < 1.4
        assert np.abs(scores).max() < 4.0
    # A tool's counts of maintenance in a year move a group of two by a quarter of a point.
    assert np.abs(maintenance).max() < 0.3
    assert abs(float(np.average(maintenance, weights=tools))) < 0.01


def test_utilization_of_every_group(result: FlowResult) -> None:
    data = read_dataset(DATA / "hvlm")
    batched = {s.group for part in data.parts.values() for s in part.steps if s.batch_pieces}
    groups = {group.name: group for group in result.groups}
    plain = 0
    for name, want in published("hvlm_published_machines.txt").items():
        group = data.groups[name]
        gap_pp = 100.0 * groups[name].utilization - want["util"]
        if group.capacity == 1 and not group.wake_least_setup and name not in batched:
            plain += 1
            assert abs(gap_pp) < 0.5, name
        assert abs(gap_pp) < 4.0, name
    assert plain == 46


def test_littles_law(result: FlowResult) -> None:
    days = DAYS - WARMUP_DAYS
    inside = sum(lot.lots_counted * lot.cycle_time_days / days for lot in result.lots)
    # Lots released and finished in a year differ by how the line has filled meanwhile.
    assert inside == pytest.approx(result.wip_lots, rel=0.01)
    assert np.isfinite(result.wip_lots)
