"""How functions that only other kernels call are compiled: for their callers alone.

Numba optimizes a function together with all that it calls and makes machine code of it. The callers
then take its instructions and optimize them again, and so do their callers. Here only the kernel
at the top is optimized as a whole and becomes machine code.
"""

from __future__ import annotations

import gc
from typing import Any

from numba.core.codegen import JITCodeLibrary, ll  # type: ignore[attr-defined]
from numba.core.compiler import Compiler

__all__ = ["KernelCompiler", "StageCompiler"]

# For NumPy expressions, closures, literals, parallel loops and `inspect_types`, which stages lack,
# or done again by LLVM. By name, so that another version of Numba may lack some.
_LEFT_OUT = {
    "annotate_types",
    "dead_branch_prune",
    "dump_parfor_diagnostics",
    "find_literally",
    "inline_closure_likes",
    "inline_inlinables",
    "inline_overloads",
    "literal_unroll",
    "LiteralPropagation",
    "make_function_op_code_to_jit_function",
    "nopython_rewrites",
    "nopython_supported_feature_validation",
    "rewrite_dynamic_raises",
    "rewrite_semantic_constants",
    "with_lifting",
}

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


class KernelCompiler(Compiler):  # type: ignore[misc]
    """Numba's compiler, without a search for garbage in between.

    Compiling makes millions of objects that live to its end. Python searches them again and again
    for cycles, which took a sixth of the time. What is not searched takes 100 MiB at most.
    """

    def compile_extra(self, func: Any) -> Any:
        collects = gc.isenabled()
        gc.disable()
        try:
            return super().compile_extra(func)
        finally:
            if collects:
                gc.enable()


class StageCompiler(KernelCompiler):
    """The compiler of a function that only kernels call."""

    def define_pipelines(self) -> Any:
        pipelines = super().define_pipelines()
        for pipeline in pipelines:
            kept = [step for step in pipeline.passes if step[0].name() not in _LEFT_OUT]
            pipeline.passes[:] = kept
            pipeline.finalize()
        return pipelines

    def compile_extra(self, func: Any) -> Any:
        self.state.library = _StageLibrary(self.state.targetctx.codegen(), func.__qualname__)
        return super().compile_extra(func)
