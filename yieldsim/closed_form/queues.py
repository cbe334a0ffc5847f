"""Queueing at a tool group: exact M/M/m, the G/G/m approximation, and failures.

W. J. Hopp, M. L. Spearman, "Factory Physics", 3rd edition, Waveland Press (2011), chapters 8 and 9.
Times are in any one unit; waits come back in the same. cv2 is a squared coefficient of variation.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from yieldsim.closed_form.require import Floats, require

__all__ = [
    "effective_process_cv2",
    "effective_process_time",
    "erlang_c",
    "mmm_wait",
    "pooled_process_time",
    "sakasegawa_wait",
]


def erlang_c(servers: ArrayLike, utilization: ArrayLike) -> Floats:
    """Return the probability that an arrival at an M/M/m queue must wait.

    A. K. Erlang, "Solution of some problems in the theory of probabilities of significance in
    automatic telephone exchanges" (1917), by the stable recursion of the loss formula,
    1/B(k) = 1 + (k / a) / B(k - 1). ``utilization`` is in [0, 1).
    """
    count = require("servers", servers, least=1.0, whole=True)
    busy = require("utilization", utilization, least=0.0, below=1.0)
    offered = count * busy
    inverse_loss = np.ones(np.broadcast(count, busy).shape)
    # An idle group (a = 0, or so small that 1/B overflows) loses nobody: B = 1 / inf = 0.
    with np.errstate(divide="ignore", over="ignore"):
        for k in range(1, int(count.max(initial=1.0)) + 1):
            inverse_loss = np.where(k <= count, 1.0 + k / offered * inverse_loss, inverse_loss)
    loss = 1.0 / inverse_loss
    return loss / (1.0 - busy * (1.0 - loss))


def mmm_wait(servers: ArrayLike, utilization: ArrayLike, process_time: ArrayLike) -> Floats:
    """Return the mean wait in an M/M/m queue, exact: C(m, u) te / (m (1 - u))."""
    time = require("process_time", process_time, above=0.0)
    waits = erlang_c(servers, utilization)
    spare = np.asarray(servers, np.float64) * (1.0 - np.asarray(utilization, np.float64))
    return waits * time / spare


def sakasegawa_wait(
    servers: ArrayLike,
    utilization: ArrayLike,
    process_time: ArrayLike,
    arrival_cv2: ArrayLike = 1.0,
    process_cv2: ArrayLike = 1.0,
) -> Floats:
    """Return the approximate mean wait in a G/G/m queue (VUT equation).

    (ca2 + ce2) / 2 * u^(sqrt(2 (m + 1)) - 1) / (m (1 - u)) * te: H. Sakasegawa, "An approximation
    formula Lq ~ alpha rho^beta / (1 - rho)", Ann. Inst. Statist. Math. 29 (1977) 67-75,
    doi:10.1007/BF02532775. Exact for M/M/1; for M/M/m it errs +1.8 % at m = 2, u = 0.8 and -0.2 %
    at m = 30, u = 0.95. ``utilization`` is in [0, 1); ``servers`` may be fractional.
    """
    count = require("servers", servers, least=1.0)
    busy = require("utilization", utilization, least=0.0, below=1.0)
    time = require("process_time", process_time, above=0.0)
    arrivals = require("arrival_cv2", arrival_cv2, least=0.0)
    process = require("process_cv2", process_cv2, least=0.0)
    crowding = busy ** (np.sqrt(2.0 * (count + 1.0)) - 1.0) / (count * (1.0 - busy))
    return (arrivals + process) / 2.0 * crowding * time


def effective_process_time(natural_time: ArrayLike, availability: ArrayLike) -> Floats:
    """Return te = t0 / A: the time a lot holds a tool, failures included (Factory Physics 8.4)."""
    time = require("natural_time", natural_time, above=0.0)
    return time / require("availability", availability, above=0.0, most=1.0)


def effective_process_cv2(
    natural_cv2: ArrayLike,
    availability: ArrayLike,
    mttr: ArrayLike,
    natural_time: ArrayLike,
    repair_cv2: ArrayLike = 1.0,
) -> Floats:
    """Return ce2 = c0^2 + (1 + cr^2) A (1 - A) MTTR / t0 (Factory Physics 8.4).

    ``repair_cv2`` 1 is exponential repair; ``mttr`` and ``natural_time`` are in one unit.
    """
    natural = require("natural_cv2", natural_cv2, least=0.0)
    up = require("availability", availability, above=0.0, most=1.0)
    repair = require("mttr", mttr, least=0.0)
    time = require("natural_time", natural_time, above=0.0)
    repair_spread = require("repair_cv2", repair_cv2, least=0.0)
    return natural + (1.0 + repair_spread) * up * (1.0 - up) * repair / time


def pooled_process_time(tools: ArrayLike, rate_per_tool: ArrayLike) -> Floats:
    """Return te = m / sum of rates of a mixed fleet; classes along the last axis.

    ``tools[class]`` tools, each at ``rate_per_tool[class]`` (1 / time). Classes may be empty, the
    fleet may not.
    """
    count = require("tools", tools, least=0.0)
    rate = require("rate_per_tool", rate_per_tool, above=0.0)
    fleet = require("tools in the fleet", np.sum(count, axis=-1), above=0.0)
    return fleet / np.sum(count * rate, axis=-1)
