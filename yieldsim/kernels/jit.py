"""The one place of JIT options.

No ``fastmath`` and no ``parallel``: results are promised bit by bit, and threads run over blocks of
realizations outside the kernels (hence ``nogil``). ``error_model="numpy"`` keeps a division from
branching to an exception, which would stop a loop from vectorizing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import FunctionType
from typing import Any, TypeVar, cast

import numba
from numba.core.compiler_lock import global_compiler_lock
from numba.core.dispatcher import Dispatcher

from yieldsim.kernels.jit_beside import in_halves
from yieldsim.kernels.jit_cache import KernelCache
from yieldsim.kernels.jit_notice import told
from yieldsim.kernels.jit_stage import KernelCompiler, LaneCompiler, StageCompiler, untimed

__all__ = ["bare_jit", "inline_jit", "jit", "lane_jit", "source_stamp", "split_jit", "stage_jit"]

Function = TypeVar("Function", bound=Callable[..., Any])
Stages = tuple[Callable[..., Any], ...]


_PACKAGE = Path(__file__).parents[1]
_CONSTANTS = ("units.py", "outputs.py")  # numbers that compile into kernels


def source_stamp(package: Path = _PACKAGE) -> str:
    """A digest of all sources that may compile into a kernel: every folder named ``kernels``."""
    digest = hashlib.sha256()
    folders = [path for path in package.rglob("kernels") if path.is_dir()]
    kernels = sorted({path for folder in folders for path in folder.rglob("*.py")})
    for path in [*(package / name for name in _CONSTANTS), *kernels]:
        digest.update(f"{path.relative_to(package)}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()


_STAMP = source_stamp()


class _Kernel(Dispatcher):  # type: ignore[misc]
    """A function that is compiled for the types of its arguments."""

    def _compilation_chain_init_hook(self) -> None:
        """Look for no types of other packages, as Numba would: kernels take none."""

    def compile(self, sig: Any) -> Any:
        with global_compiler_lock, told(), untimed():
            return super().compile(sig)


class _Part(_Kernel):
    """A function that kernels call. If Python calls it, that is by way of a kernel around it."""

    def __call__(self, *args: Any) -> Any:
        if "around" not in vars(self):
            self.around = _compiled(_around(self))
        return self.around(*args)


def _compiled(function: Function, of: type = _Kernel, **options: Any) -> Function:
    options = {"pipeline_class": KernelCompiler, **options}
    dispatcher: Any = numba.njit(nogil=True, error_model="numpy", **options)(function)
    if isinstance(dispatcher, Dispatcher):  # with NUMBA_DISABLE_JIT it is the function itself
        cast(Any, dispatcher).__class__ = of
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


def split_jit(*, here: Stages, beside: Stages) -> Callable[[Function], Function]:
    """Compile a kernel as `bare_jit` does, and half of its stages in a second process meanwhile.

    Those ``here`` are compiled first. A parameter of such a stage has the type of the kernel's of
    the same name, or is an integer.
    """

    def compiled(function: Function) -> Function:
        kernel: Any = bare_jit(function)
        if isinstance(kernel, Dispatcher):
            halves = partial(in_halves, kernel, here, beside)
            cast(Any, kernel)._cache.missed = halves
        return cast(Function, kernel)

    return compiled


def inline_jit(function: Function) -> Function:
    """Compile a small helper that must be inlined for the loop around it to vectorize.

    LLVM's inliner is told to do so (``forceinline``); Numba's own ``inline="always"`` rewrites the
    caller before typing, compiles more slowly and gains nothing.
    """
    return _part(function, forceinline=True)


def lane_jit(function: Function) -> Function:
    """Compile a short loop over lanes that writes into the memory of one argument alone.

    LLVM must know that the arguments do not overlap. Otherwise it tests this before each loop,
    which costs more than sixteen lanes gain, and so it leaves such loops as they are. The number of
    lanes must not be a constant: a loop of known length is unrolled before it is vectorized. A sum
    of products over sixteen lanes takes 4 ns in place of 7.
    """
    return _part(function, pipeline_class=LaneCompiler, forceinline=True)


def stage_jit(function: Function) -> Function:
    """Compile a stage of a simulation, or a helper that takes records.

    LLVM decides whether it becomes a part of its caller: with all 180 stages of the supply kernel
    in one function, its passes took twice as long.
    """
    return _part(function)


def _part(function: Function, **options: Any) -> Function:
    """Compile a part of kernels: it has no wrapper for Python and no machine code of its own."""
    bare = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True, "_nrt": False}
    return _compiled(function, _Part, **{"pipeline_class": StageCompiler, **bare, **options})


def _around(part: Any) -> Callable[..., Any]:
    """Return a function that calls a part, with a name of its own for the cache."""
    around = FunctionType(_call.__code__, {"part": part, "__name__": __name__})
    around.__qualname__ = f"{part.__module__}.{part.__qualname__}"
    return around


def _call(*args: Any) -> Any:
    return part(*args)  # type: ignore[name-defined]  # noqa: F821
