"""The experiment of a rising domestic share: the engine says what the parts say, part by part.

`runs/domestic_share_parts.py` works on the same drawn numbers with plain formulas and none of the
engine's code but the count of dies on a wafer. Process noise is off wherever the two are compared.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from tests.examples import thinned
from tests.paths import ROOT
from tests.scripts import script

FOLDER = ROOT / "runs"
COUNT = 12
SINGLE = 1e-6  # results are single precision, 6e-8 each, in sums of at most 52 weeks
# Without a later change of tools a line of one piece is at its steady state, to this.
STEADY = 1e-4
# Learning moves the density by at most 0.35 % a step (3.2 times as dirty at first, three years ago,
# with a time constant of twelve quarters), and cycle times by Little's law are right to a tenth of
# a step; the yield over a quarter's mean density is right to the square of its move, 8e-5.
STEP_OF_LEARNING, CURVATURE = 0.0035, 8e-5
DIE_CM2 = 6.65


@pytest.fixture(scope="module")
def study() -> Iterator[ModuleType]:
    with script("runs", "domestic_share") as module:
        yield module


@pytest.fixture(scope="module")
def formulas(study: ModuleType) -> ModuleType:
    return sys.modules[study.what_parts_say.__module__]


ONE_PIECE = {"maturing": False, "segments": 1}


@pytest.mark.parametrize("share", thinned([60, 0, 30], 3))
def test_each_part_says_what_the_engine_does(study: ModuleType, share: int) -> None:
    """Realization by realization: capacity, density, overlay and die yield by plain formulas.

    A line of one piece whose tools are never new, so that nothing but rounding is left of the
    capacity, the density and overlay. Dies differ by when their wafers were started.
    """
    ours = study.engine(share, COUNT, **ONE_PIECE)
    theirs = study.parts(share, COUNT, **ONE_PIECE)
    off = study.deviations(ours, theirs)
    assert np.abs(off["outs_per_month"]).max() < STEADY
    assert np.abs(off["d0_per_cm2"]).max() < STEADY
    assert np.abs(off["overlay"]).max() < SINGLE
    faults = theirs.d0_per_cm2 * DIE_CM2  # no yield falls faster with density than Poisson's
    moved = 0.1 * STEP_OF_LEARNING * faults + CURVATURE * faults**2
    assert (np.abs(off["die_yield"]) < moved).all()
    assert (np.abs(off["good_dies_per_month"]) < moved + STEADY).all()
    assert (ours.binding == theirs.binding).all()


def test_outs_of_a_line_in_pieces(study: ModuleType) -> None:
    """Never more than the scarcest group allows but for what the line held before, and seldom less.

    In pieces wafers may come in piles, while the scarce group idles; half the realizations of a
    steady plan have none of it, and what others lose is bounded as flow/beside/test_fluid.py bounds
    the line model against the event simulator: 6 %.
    """
    off = study.deviations(
        study.engine(60, COUNT, maturing=False), study.parts(60, COUNT, maturing=False)
    )["outs_per_month"]
    assert np.abs(np.median(off)) < 1e-3
    assert off.min() > -0.06
    assert off.max() < 0.01


def test_density_while_tools_mature(study: ModuleType, formulas: ModuleType) -> None:
    """Between that of passes counted from the first step on and from the first wafers out on."""
    file = study.model_file(30, segments=1)
    ours = study.simulate(file, COUNT).d0_per_cm2
    early, late = (
        formulas.what_parts_say(file.model(), COUNT, study.SEED, late=late).d0_per_cm2
        for late in (False, True)
    )
    assert (early * (1.0 - STEADY) < ours).all()
    assert (ours < late * (1.0 + STEADY)).all()
    assert (late > early * (1.0 + STEADY)).any()  # else the bounds would not tell


def test_tools_without_penalty_cost_nothing(study: ModuleType) -> None:
    base = study.simulate(study.model_file(0, segments=1), COUNT)
    alike = study.simulate(study.model_file(60, segments=1, penalties=[]), COUNT)
    for name in study.FIGURES:
        assert getattr(alike, name) == pytest.approx(getattr(base, name), rel=STEADY), name


@pytest.mark.parametrize(
    ("penalty", "moved"),
    [
        ("throughput", {"outs_per_month"}),
        ("uptime", {"outs_per_month"}),
        ("adders", {"d0_per_cm2", "die_yield"}),
        ("overlay", {"overlay", "die_yield"}),
    ],
)
def test_a_penalty_moves_its_own_figures_alone(
    study: ModuleType, penalty: str, moved: set[str]
) -> None:
    """Each penalty acts through its part: slow tools do not dirty wafers, dirty ones are no slower.

    Slower domestic tools do fewer of the passes, but here no other penalty makes that matter.
    """
    base = study.engine(0, COUNT, segments=1)
    worse = study.engine(60, COUNT, segments=1, penalties=[penalty])
    for name in ("outs_per_month", "d0_per_cm2", "overlay", "die_yield"):
        change = getattr(worse, name) / getattr(base, name) - 1.0
        up = name == "d0_per_cm2"
        if name in moved:
            assert (np.median(change) > 0.01) if up else (np.median(change) < -0.01), name
        elif name == "die_yield":  # slower lines have longer cycle times: a step or two of learning
            assert np.abs(change).max() < 0.05
        else:
            assert np.abs(change).max() < STEADY, name


def test_more_domestic_tools_make_less(study: ModuleType) -> None:
    """Outs and yield fall and density rises, in the median, with process noise too."""
    runs = [study.engine(share, COUNT, noise=True) for share in (0, 30, 60)]
    for name in study.FIGURES:
        medians = np.array([np.median(getattr(run, name)) for run in runs])
        up = name == "d0_per_cm2"
        assert (np.diff(medians) > 0.0).all() if up else (np.diff(medians) < 0.0).all(), name


def test_tools_are_whole_and_as_many_as_before(study: ModuleType) -> None:
    assert [study.domestic_tools(5, share) for share in (0, 10, 30, 60)] == [0, 1, 2, 3]
    before = study.load_file("baseline").model().fabs[study.FAB].fleets
    model = study.model_file(30).model()
    for group, fleets in model.fabs[study.FAB].fleets.items():
        place = before[group]["imported"].count.quarters.index(study.TOOLS_OF)
        for level in ("low", "high"):
            then = sum(getattr(fleet.count, level)[place] for fleet in before[group].values())
            now = {kind: getattr(fleet.count, level)[0] for kind, fleet in fleets.items()}
            assert sum(now.values()) == then, group
            assert now["domestic"] == int(0.3 * then + 0.5 + 1e-9), group


def test_the_picture_can_be_drawn(study: ModuleType, tmp_path: Path) -> None:
    run = study.parts(0, 3)
    study.save(study.picture({0: run, 60: run}, {0: run, 60: run}), tmp_path / "share.png")
    assert (tmp_path / "share.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_the_script_runs() -> None:
    command = [sys.executable, str(FOLDER / "domestic_share.py"), "--quick"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for text in ("process noise on", "Group that binds", "worse in", "always mature, one segment"):
        assert text in done.stdout
