"""The one place of JIT options.

No ``fastmath`` and no ``parallel``: results are promised bit by bit, and threads run over blocks of
realizations outside the kernels (hence ``nogil``). ``error_model="numpy"`` keeps a division from
branching to an exception, which would stop a loop from vectorizing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
from numba.core.dispatcher import Dispatcher

from yieldsim.kernels.jit_cache import KernelCache
from yieldsim.kernels.jit_stage import StageCompiler

__all__ = ["bare_jit", "inline_jit", "jit", "source_stamp", "stage_jit"]

Function = TypeVar("Function", bound=Callable[..., Any])


_PACKAGE = Path(__file__).parents[1]
_CONSTANTS = ("units.py", "outputs.py")  # numbers that compile into kernels


def source_stamp(package: Path = _PACKAGE) -> str:
    """A digest of all sources that may compile into a kernel: every folder named ``kernels``."""
    digest = hashlib.sha256()
    sources = sorted(package.rglob("*.py"))
    kernels = [path for path in sources if "kernels" in path.relative_to(package).parts]
    for path in [*(package / name for name in _CONSTANTS), *kernels]:
        digest.update(f"{path.relative_to(package)}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()


_STAMP = source_stamp()


def _compiled(function: Function, **options: Any) -> Function:
    dispatcher = numba.njit(nogil=True, error_model="numpy", **options)(function)
    if isinstance(dispatcher, Dispatcher):  # with NUMBA_DISABLE_JIT it is the function itself
        cast(Any, dispatcher)._cache = KernelCache(function, _STAMP)
    return cast(Function, dispatcher)


def jit(function: Function) -> Function:
    """Compile a kernel; the plain function stays reachable as ``.py_func``."""
    return _compiled(function)


def bare_jit(function: Function) -> Function:
    """Compile a kernel that makes no array, without reference counts.

    Each step of a simulation passes dozens of arrays through small functions and takes rows of
    them; counting those references (atomically) took 95 % of the time. Numba's maintainers name
    this switch for it (numba issue 2345). The caller keeps all arrays alive.
    """
    return _compiled(function, _nrt=False)


def inline_jit(function: Function) -> Function:
    """Compile a small helper that must be inlined for the loop around it to vectorize.

    LLVM's inliner is told to do so (``forceinline``); Numba's own ``inline="always"`` rewrites the
    caller before typing, compiles more slowly and gains nothing. Python can call it.
    """
    return _compiled(function, forceinline=True, _nrt=False)


def stage_jit(function: Function) -> Function:
    """Compile a stage of a simulation, or a helper that takes records, that only kernels call.

    It has no wrapper for calls from Python and no machine code of its own. LLVM decides whether it
    becomes a part of its caller: with all 180 stages of the supply kernel in one function, its
    passes took twice as long.
    """
    return _compiled(
        function,
        pipeline_class=StageCompiler,
        no_cpython_wrapper=True,
        no_cfunc_wrapper=True,
        _nrt=False,
    )
