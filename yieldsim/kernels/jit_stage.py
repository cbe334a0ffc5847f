"""How functions that only other kernels call are compiled: for their callers alone.

Numba optimizes a function together with all that it calls and makes machine code of it. The callers
then take its instructions and optimize them again, and so do their callers. What no one calls from
Python needs no machine code, so here only the kernel at the top is optimized as a whole. With
wrappers left out of helpers that take records, the supply kernel compiled in 59 s of processor time
instead of 87, to the same bits.
"""

from __future__ import annotations

from typing import Any

from numba.core.codegen import JITCodeLibrary, ll  # type: ignore[attr-defined]
from numba.core.compiler import Compiler

__all__ = ["StageCompiler"]

_ENVIRONMENT = "_ZN08NumbaEnv"  # begins the names of places into which Numba writes addresses


class _StageLibrary(JITCodeLibrary):  # type: ignore[misc]
    """The code of a function for its callers, without machine code of its own.

    Numba's passes over each function still run: without them, the kernel at the top took longer.
    """

    def _optimize_final_module(self) -> None:
        """The kernel at the top does that."""

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._verify_declare_only_symbols()
        self._codegen._add_module(self._places())
        self._finalized = True

    def _places(self) -> Any:
        """Return a module with nothing but the places into which Numba writes addresses."""
        text = [str(self._codegen._create_empty_module(f"{self.name}.places"))]
        for variable in self._final_module.global_variables:
            if variable.name.startswith(_ENVIRONMENT):
                text.append(f'@"{variable.name}" = common global i64 0')
        return ll.parse_assembly("\n".join(text))

    def serialize_using_object_code(self) -> Any:
        return self.serialize_using_bitcode()


class StageCompiler(Compiler):  # type: ignore[misc]
    """Numba's compiler for a function without a wrapper for calls from Python."""

    def compile_extra(self, func: Any) -> Any:
        self.state.library = _StageLibrary(self.state.targetctx.codegen(), func.__qualname__)
        return super().compile_extra(func)
