"""What `bench_wafer.py` compares with: scalar Numba kernels, NumPy and C, for the same wafers."""

from __future__ import annotations

import ctypes
import math
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from yieldsim.kernels.inverse import gamma_wilson_hilferty, normal_ppf
from yieldsim.kernels.philox import philox4x32, uniform_open

Floats = NDArray[np.float64]


def plain(function: Callable[..., Any]) -> Any:
    """Compile as the engine's kernels are, without their cache."""
    return numba.njit(nogil=True, error_model="numpy")(function)


@plain
def poisson(u: Any, mean: Any) -> Any:
    term = math.exp(-mean)
    reached, count = term, 0
    while u > reached and count < 10_000:
        count += 1
        term *= mean / count
        reached += term
    return count


@plain
def scalar_plain(seed: Any, grid: Any, box: Any, radius: Any, d0: Any, good: Any) -> None:
    """One generator call and float maths a defect: a place in the disc, then its cell of the grid.

    ``grid`` int64[row, column] is the die or -1; ``box`` is (x of the first die's left edge, y of
    its lower edge, pitches, width, height).
    """
    key = np.uint64(seed)
    dead = np.zeros(grid.max() + 1, np.bool_)
    mean = d0 * math.pi * radius * radius / 100.0
    for wafer in range(good.shape[0]):
        dead[:] = False
        w0, _, _, _ = philox4x32(0, 0, 3, wafer, key, np.uint64(0))
        for defect in range(poisson(uniform_open(w0), mean)):
            w0, w1, _, _ = philox4x32(defect + 1, 0, 3, wafer, key, np.uint64(0))
            r = radius * math.sqrt(uniform_open(w0))
            angle = 2.0 * math.pi * uniform_open(w1)
            x = (r * math.cos(angle) - box[0]) / box[2]
            y = (r * math.sin(angle) - box[1]) / box[3]
            column, row = math.floor(x), math.floor(y)
            if column < 0 or row < 0 or row >= grid.shape[0] or column >= grid.shape[1]:
                continue
            if (x - column) * box[2] > box[4] or (y - row) * box[3] > box[5]:
                continue
            if grid[row, column] >= 0:
                dead[grid[row, column]] = True
        good[wafer] = (~dead).sum()


@plain
def gamma(key: Any, entity: Any, realization: Any, alpha: Any) -> Any:
    w0, _, _, _ = philox4x32(0, entity, 2, realization, key, np.uint64(0))
    return gamma_wilson_hilferty(normal_ppf(uniform_open(w0)), alpha)


@plain
def scalar_harvest(seed: Any, rho: Any, norm: Any, model: Any, least: Any, good: Any) -> None:
    """Lot, wafer and die gammas, a radial profile, cores by place, bins: one call a decision.

    ``model`` is (D0, amplitude, alphas of lot, wafer and die, die area, fatal area, core area).
    """
    key = np.uint64(seed)
    d0, amplitude, a_lot, a_wafer, a_die, area, fatal, core = model
    cores = round((area - fatal) / core)
    dead = np.zeros(cores, np.bool_)
    for wafer in range(good.shape[0]):
        density = d0 * gamma(key, 0, wafer // 25, a_lot) * gamma(key, 1, wafer, a_wafer)
        good[wafer] = 0.0
        for die in range(rho.shape[0]):
            ratio = (1.0 + amplitude * rho[die] ** 2) / norm
            mean = area * density * ratio * gamma(key, 2 + die, wafer, a_die)
            w0, _, _, _ = philox4x32(0, die, 3, wafer, key, np.uint64(0))
            count = poisson(uniform_open(w0), mean)
            dead[:] = False
            killed = False
            for defect in range(count):
                w0, _, _, _ = philox4x32(defect + 1, die, 4, wafer, key, np.uint64(0))
                place = uniform_open(w0) * area
                if place < fatal:
                    killed = True
                else:
                    dead[min(int((place - fatal) / core), cores - 1)] = True
            if killed:
                continue
            alive = cores - dead.sum()
            for b in range(least.shape[0]):
                if alive >= least[b]:
                    good[wafer, b] += 1.0
                    break


def numpy_plain(seed: int, grid: Any, box: Any, radius: float, d0: float, good: Floats) -> None:
    """All defects of all wafers at once."""
    rng = np.random.default_rng(seed)
    counts = rng.poisson(d0 * math.pi * radius * radius / 100.0, good.size)
    wafer = np.repeat(np.arange(good.size), counts)
    r = radius * np.sqrt(rng.random(wafer.size))
    angle = 2.0 * math.pi * rng.random(wafer.size)
    x = (r * np.cos(angle) - box[0]) / box[2]
    y = (r * np.sin(angle) - box[1]) / box[3]
    column, row = np.floor(x).astype(int), np.floor(y).astype(int)
    inside = (column >= 0) & (row >= 0) & (row < grid.shape[0]) & (column < grid.shape[1])
    inside &= ((x - column) * box[2] <= box[4]) & ((y - row) * box[3] <= box[5])
    die = grid[row[inside], column[inside]]
    dead = np.zeros((good.size, int(grid.max()) + 1), bool)
    dead[wafer[inside][die >= 0], die[die >= 0]] = True
    good[:] = (~dead).sum(axis=1)


C_SOURCE = r"""
#include <stdint.h>
static inline void philox(uint64_t x0, uint64_t x1, uint64_t x2, uint64_t x3,
                          uint64_t k0, uint64_t k1, uint32_t *out) {
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = 0xD2511F53ull * x0, p1 = 0xCD9E8D57ull * x2;
        x0 = (p1 >> 32) ^ x1 ^ k0; x1 = p1 & 0xFFFFFFFFull;
        x2 = (p0 >> 32) ^ x3 ^ k1; x3 = p0 & 0xFFFFFFFFull;
        k0 = (k0 + 0x9E3779B9ull) & 0xFFFFFFFFull; k1 = (k1 + 0xBB67AE85ull) & 0xFFFFFFFFull;
    }
    out[0] = x0; out[1] = x1; out[2] = x2; out[3] = x3;
}
static inline uint64_t bits(uint32_t word, uint64_t dies, int64_t wanted) {
    uint64_t one = (uint64_t)word * dies, other = (one & 0xFFFFFFFFull) * dies;
    return (wanted > 0 ? 1ull << (one >> 32) : 0ull) | (wanted > 1 ? 1ull << (other >> 32) : 0ull);
}
void plain(uint64_t seed, uint64_t dies, const uint64_t *below, const int64_t *guide,
           uint64_t first_wafer, int64_t wafers, double *out) {
    uint64_t k0 = seed & 0xFFFFFFFFull, k1 = seed >> 32;
    static uint32_t first[64][4];
    for (int64_t w = 0; w < wafers; w++) {
        if (w % 64 == 0)
            for (int i = 0; i < 64; i++)
                philox(0, 0xFFFFFFFFull, 3, first_wafer + w + i, k0, k1, first[i]);
        uint32_t *head = first[w % 64];
        int64_t count = guide[head[0] >> 20];
        while (head[0] >= below[count]) count++;
        uint64_t mask = 0;
        for (int k = 1; k < 4; k++) mask |= bits(head[k], dies, count - 2 * (k - 1));
        for (int64_t b = 0; 6 + 8 * b < count; b++) {
            uint32_t word[4];
            philox(b + 1, 0xFFFFFFFFull, 3, first_wafer + w, k0, k1, word);
            int64_t left = count - 6 - 8 * b;
            for (int k = 0; k < 4; k++) mask |= bits(word[k], dies, left - 2 * k);
        }
        double good = (double)dies - __builtin_popcountll(mask);
        out[3 * w] = good; out[3 * w + 1] = good; out[3 * w + 2] = 0.0;
    }
}
"""


def c_plain(folder: Path) -> tuple[Any, str]:
    """(the C function, "") or (None, why there is none)."""
    if shutil.which("gcc") is None:
        return None, "gcc is not installed"
    source, library = folder / "plain.c", folder / "plain.so"
    source.write_text(C_SOURCE, encoding="utf-8")
    flags = ["-O3", "-march=native", "-shared", "-fPIC"]
    done = subprocess.run(
        ["gcc", *flags, "-o", str(library), str(source)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        return None, f"gcc failed: {done.stderr.splitlines()[0] if done.stderr else '?'}"
    function = ctypes.CDLL(str(library)).plain
    pointer = ctypes.c_void_p
    whole = ctypes.c_uint64
    function.argtypes = [whole, whole, pointer, pointer, whole, ctypes.c_int64, pointer]
    function.restype = None
    return function, ""
