"""The dies of finished wafers: grades of the bad dies that pass the test."""

import numpy as np
import pytest

from tests.supply.kernels.records_by_hand import FORMS, form_of, table
from yieldsim.supply.kernels import finished
from yieldsim.supply.kernels.records import BinState, DieState, Leaving, tally_fields


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("shares", [(0.3, 0.1, 0.2), (0.0, 0.4, 0.05), (0.0, 0.0, 0.6)])
def test_a_bad_die_that_passes_is_graded_as_good_ones_are(
    form: str, shares: tuple[float, float, float]
) -> None:
    """Shares of gross dies: good in the first bin, good in the second, bad that pass."""
    die, stock = table(DieState, gross_dies=500.0), table(BinState, 2)
    work = table(Leaving, probed=4.0)
    booked = table(tally_fields("die"))
    of_bins = table(tally_fields("die_bin"), 2)
    by_lane = np.full((3, 16), np.nan)  # a lane that is not simulated changes nothing
    by_lane[:, 3] = shares
    work.probed[:3] = 0.0
    form_of(finished.probe, form)(2, by_lane, die, stock, booked, of_bins, work, 4)
    for untouched in (stock["stock"], stock["bad"], of_bins["good_dies"]):
        assert not untouched[:, :3].any()
        assert not untouched[:, 4:].any()
    good, escaped = 2000.0 * np.array(shares[:2]), 2000.0 * shares[2]
    bad = escaped * good / good.sum() if good.any() else np.array([0.0, escaped])
    np.testing.assert_allclose(stock["bad"][:, 3], bad, rtol=1e-15)
    np.testing.assert_allclose(stock["stock"][:, 3], good + bad, rtol=1e-15)
    np.testing.assert_allclose(of_bins["good_dies"][:, 3], good, rtol=1e-15)
    everything = stock["stock"][:, 3].sum() + booked.dies_scrapped[3]
    assert everything == pytest.approx(2000.0, rel=1e-15)
    assert booked.bad_dies_passed[3] == escaped
