import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.analysis.made_up_parts import whole
from tests.analysis.made_up_whole import with_losses
from tests.examples import examples
from yieldsim.analysis.fab.die_yield import yield_summary
from yieldsim.analysis.fab.losses import MECHANISMS, loss_records
from yieldsim.report.die_yield import yield_text


def test_losses_are_those_of_the_dies_probed() -> None:
    # of the yields from 1 to 40 percent, with a mean of 20.5
    records = loss_records(with_losses(whole(realizations=40)), "year")
    found = {r["mechanism"]: r for r in records if (r["die"], r["year"]) == ("ai", "2025")}
    assert list(found) == list(MECHANISMS)
    # dies are stored in single precision
    wanted = 0.795 * np.array([0.2, 0.1, 0.5, 0.15, 0.05])
    assert [r["mean"] for r in found.values()] == pytest.approx(wanted, rel=1e-5)
    assert found["random"]["p10"] == pytest.approx(0.5 * (0.60 + 0.039), rel=1e-5)


@given(st.lists(st.floats(0.0, 0.25), min_size=4, max_size=4), st.integers(1, 12))
@examples(40)
def test_losses_and_good_dies_add_up_to_one(shares: list[float], realizations: int) -> None:
    ds = with_losses(whole(realizations=realizations), tuple(shares))
    summary = yield_summary(ds)
    for good in (r for r in summary["yearly"] if r["bin"] is None and r["figure"] == "good"):
        place = (good["die"], good["year"])
        lost = [r["mean"] for r in summary["losses"] if (r["die"], r["year"]) == place]
        assert len(lost) == len(MECHANISMS)
        assert sum(lost) == pytest.approx(1.0 - good["mean"], rel=0.0, abs=1e-14)


def test_the_table_names_the_largest_loss() -> None:
    text = yield_text(yield_summary(with_losses(whole(realizations=40))))
    table = text.split("Loss by mechanism", 1)[1]
    row = next(line.split() for line in table.splitlines() if line.startswith("2025  ai"))
    assert row[2:4] == ["20.5", "±1.8"]
    assert row[-1] == "random"


def test_a_store_without_losses_says_so() -> None:
    summary = yield_summary(whole(realizations=10))
    assert summary["losses"] == []
    assert any(note.startswith("the loss by mechanism is not given") for note in summary["notes"])
