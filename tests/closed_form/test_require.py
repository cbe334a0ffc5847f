"""Bad values and errors: one line that names the argument, the value and what is allowed."""

import math
import pickle
from typing import Any

import pytest

from yieldsim import closed_form as cf
from yieldsim.errors import (
    IncompleteError,
    ModelError,
    RetryError,
    StoreError,
    UsageError,
    VerificationError,
    YieldsimError,
)

BAD = [
    (lambda: cf.poisson(-1.0, 0.1), "area_mm2", "-1"),
    (lambda: cf.poisson(1.0, math.nan), "d0_per_cm2", "nan"),
    (lambda: cf.murphy(math.inf, 0.1), "area_mm2", "inf"),
    (lambda: cf.seeds(1.0, [0.1, -0.2, -0.3]), "d0_per_cm2", "-0.2"),
    (lambda: cf.poisson("wide", 0.1), "area_mm2", "'wide'"),
    (lambda: cf.negative_binomial(1.0, 0.1, 0.0), "alpha", "0"),
    (lambda: cf.negative_binomial(1.0, 0.1, -math.inf), "alpha", "-inf"),
    (lambda: cf.bose_einstein(1.0, 0.1, -2.5), "layers", "-2.5"),
    (lambda: cf.bose_einstein(1.0, 0.1, 0), "layers", "0"),
    (lambda: cf.good_die_variance_per_wafer(-3, 1.0, 0.1, 2.0), "gross_die", "-3"),
    (lambda: cf.harvest_yield(1.0, 1.0, 4, 5, 0.1, 2.0), "min_good", "5"),
    (lambda: cf.harvest_yield(1.0, 1.0, 0, 0, 0.1, 2.0), "cores", "0"),
    (lambda: cf.harvest_yield(1.0, -1.0, 4, 2, 0.1, 2.0), "core_mm2", "-1"),
    (lambda: cf.harvest_yield(1.0, 1.0, 4, 2, 0.1, 1e-4), "alpha", "0.0001"),
    (lambda: cf.harvest_bins(1.0, 1.0, 4, [2, 3], 0.1, 2.0), "min_good", "[2, 3]"),
    (lambda: cf.harvest_bins(1.0, 1.0, 4, [], 0.1, 2.0), "min_good", "[]"),
    (lambda: cf.overlay_yield(1.0, 0.0, 3), "tolerance_nm", "0"),
    (lambda: cf.exponential_learning(2.0, 1.0, 0.0), "tau", "0"),
    (lambda: cf.power_learning(2.0, -1.0, 1.0, 0.5), "cumulative", "-1"),
    (lambda: cf.erlang_c(2, 1.0), "utilization", "1"),
    (lambda: cf.mmm_wait(0, 0.5, 1.0), "servers", "0"),
    (lambda: cf.sakasegawa_wait(2, 1.2, 1.0), "utilization", "1.2"),
    (lambda: cf.effective_process_time(1.0, 0.0), "availability", "0"),
    (lambda: cf.effective_process_cv2(1.0, 0.9, -1.0, 1.0), "mttr", "-1"),
    (lambda: cf.pooled_process_time([0, 0], [1.0, 1.0]), "tools in the fleet", "0"),
]


@pytest.mark.parametrize(("call", "where", "got"), BAD, ids=[f"{w}={g}" for _, w, g in BAD])
def test_a_bad_value_is_named_in_one_line(call: Any, where: str, got: str) -> None:
    with pytest.raises(UsageError) as caught:
        call()
    message = str(caught.value)
    assert message.startswith(f"{where}: ")
    assert f", got {got}; allowed: " in message
    assert "\n" not in message


def test_good_values_at_the_closed_bounds_pass() -> None:
    assert cf.require("x", [0.0, 1.0], least=0.0, most=1.0).tolist() == [0.0, 1.0]
    assert cf.require("x", math.inf, above=0.0, infinite=True) == math.inf


def test_all_bounds_are_told() -> None:
    with pytest.raises(UsageError, match=r"allowed: a whole number > 0 and <= 4$"):
        cf.require("x", 2.5, above=0.0, most=4.0, whole=True)
    with pytest.raises(UsageError, match=r"allowed: a number or inf >= 1 and < 2$"):
        cf.require("x", 2.0, least=1.0, below=2.0, infinite=True)


def test_errors_survive_the_way_back_from_a_worker_process() -> None:
    error = RetryError("block 7", "stopped by a signal", got=15, allowed="run it again")
    twin = pickle.loads(pickle.dumps(error))
    assert type(twin) is RetryError
    assert str(twin) == str(error) == "block 7: stopped by a signal, got 15; allowed: run it again"
    assert (twin.where, twin.got, twin.exit_code) == ("block 7", 15, 75)


def test_a_long_or_broken_value_stays_on_one_short_line() -> None:
    message = str(UsageError("--set", "not a value", got="a\nb" * 1000))
    assert "\n" not in message
    assert len(message) < 120
    assert message.endswith("...")


def test_exit_codes() -> None:
    kinds = (ModelError, StoreError, UsageError, IncompleteError, VerificationError, RetryError)
    assert [kind.exit_code for kind in kinds] == [1, 1, 2, 3, 4, 75]
    assert all(issubclass(kind, YieldsimError) for kind in kinds)
