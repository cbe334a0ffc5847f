"""Queue formulas against exact chains, and the errors that are known of them."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.paths import REFERENCE
from yieldsim import closed_form as cf

TABLES = json.loads((REFERENCE / "queues.json").read_text("utf-8"))


@pytest.mark.parametrize("row", TABLES["mmm_wait"]["rows"])
def test_exact_mmm_wait(row: list[float]) -> None:
    servers, utilization, wait = row
    # 1 / (1 - u) at u = 0.95 turns one rounding of u into 20.
    assert cf.mmm_wait(servers, utilization, 1.0) == pytest.approx(wait, rel=1e-14)
    assert cf.mmm_wait(servers, utilization, 2.5) == pytest.approx(2.5 * wait, rel=1e-14)


def test_erlang_c_of_one_server_and_of_many() -> None:
    utilization = np.array([0.0, 0.3, 0.999])
    np.testing.assert_allclose(cf.erlang_c(1, utilization), utilization, rtol=1e-14)
    # A large idle fleet: 1/B overflows, and nobody waits. Broadcast with a busy one.
    got = cf.erlang_c(np.array([[3000], [2]]), np.array([0.01, 0.8]))
    assert got[0, 0] == 0.0
    assert got[1, 1] == pytest.approx(2 * 0.8**2 / 1.8, rel=1e-14)


@pytest.mark.parametrize("row", TABLES["sakasegawa_error"]["rows"])
def test_sakasegawa_errs_as_published(row: list[float]) -> None:
    servers, utilization, error = row
    ratio = cf.sakasegawa_wait(servers, utilization, 1.0) / cf.mmm_wait(servers, utilization, 1.0)
    assert ratio - 1.0 == pytest.approx(error, abs=5e-4)  # stated in tenths of a per cent


@given(st.floats(0.0, 0.999), st.floats(0.1, 10.0))
def test_sakasegawa_is_exact_for_one_server(utilization: float, time: float) -> None:
    wait = float(cf.sakasegawa_wait(1, utilization, time))
    # 1 / (1 - u) multiplies roundings of the Erlang recursion by up to 1000.
    assert wait == pytest.approx(float(cf.mmm_wait(1, utilization, time)), rel=1e-12, abs=1e-300)
    # Pollaczek and Khinchine: half the wait with deterministic service.
    deterministic = cf.sakasegawa_wait(1, utilization, time, 1.0, 0.0)
    assert deterministic == pytest.approx(wait / 2.0, rel=1e-15, abs=1e-300)


def vut_errors(servers: int) -> list[float]:
    """Relative errors of the VUT cycle time against the exact chains, by rising utilization."""
    table = TABLES["mmm_with_failures"]
    availability = table["mttf"] / (table["mttf"] + table["mttr"])
    time = cf.effective_process_time(1.0, availability)
    cv2 = cf.effective_process_cv2(1.0, availability, table["mttr"], 1.0)
    return [
        float(time + cf.sakasegawa_wait(m, u, time, 1.0, cv2)) / exact - 1.0
        for m, u, exact in table["rows"]
        if m == servers
    ]


@pytest.mark.parametrize(("servers", "first", "last"), [(1, -0.195, -0.02), (10, 0.24, 0.03)])
def test_vut_with_failures_errs_as_known(servers: int, first: float, last: float) -> None:
    # The exact chain lets tools fail while idle and lots migrate, which the formula does not know.
    errors = vut_errors(servers)
    assert errors[0] == pytest.approx(first, abs=0.005)
    assert errors[-1] == pytest.approx(last, abs=0.005)
    assert np.all(np.diff(np.abs(errors)) < 0.0)


@pytest.mark.parametrize("row", TABLES["mixed_fleet"]["rows"])
def test_pooled_time_of_a_mixed_fleet(row: list[float]) -> None:
    fast, slow, fast_rate, slow_rate, utilization, wait, service = row
    time = cf.pooled_process_time([fast, slow], [fast_rate, slow_rate])
    assert time == pytest.approx((fast + slow) / (fast * fast_rate + slow * slow_rate), rel=1e-15)
    # An exact chain prefers the fast tools; pooling does not, and is fine near saturation only.
    got = float(cf.sakasegawa_wait(fast + slow, utilization, time) + time)
    excess = got / (wait + service) - 1.0
    assert 0.0 < excess < {0.7: 0.065, 0.8: 0.045, 0.9: 0.02, 0.95: 0.01}[utilization]


def test_pooled_time_by_class_along_the_last_axis() -> None:
    tools = np.array([[4, 0], [2, 2], [0, 3]])
    np.testing.assert_allclose(
        cf.pooled_process_time(tools, np.array([2.0, 1.0])), [0.5, 4 / 6, 1.0], rtol=1e-15
    )
