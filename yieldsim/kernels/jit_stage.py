"""How functions that only other kernels call are compiled: for their callers alone.

Numba optimizes a function together with all that it calls and makes machine code of it. The callers
then take its instructions and optimize them again, and so do their callers. Here only the kernel
at the top is optimized as a whole and becomes machine code.
"""

from __future__ import annotations

import gc
from typing import Any

from numba.core.codegen import JITCodeLibrary, ll  # type: ignore[attr-defined]
from numba.core.compiler import Compiler, CompileResult

__all__ = ["KernelCompiler", "StageCompiler", "rebuilt"]

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

_STAGE = "stage"  # beside Numba's own kinds of kept code, "bitcode" and "object"
_ENVIRONMENT = "_ZN08NumbaEnv"  # begins the names of places into which Numba writes addresses


_SIZES: dict[str, int] = {}  # bytes of a type, by its text


def _sizes_asked_once(context: Any) -> None:
    """Let a context remember the sizes of types.

    Numba asks for that of each variable, and LLVM's binding makes and parses a module each time.
    Sizes are those of the machine, so other users of the context lose nothing.
    """
    if "get_abi_sizeof" in vars(context):
        return
    ask = context.get_abi_sizeof

    def size(kind: Any) -> int:
        text = str(kind)
        if text not in _SIZES:
            _SIZES[text] = ask(kind)
        return _SIZES[text]

    context.get_abi_sizeof = size


class _StageLibrary(JITCodeLibrary):  # type: ignore[misc]
    """The code of a function for its callers, without machine code of its own.

    Numba's passes over each function still run: without them, the kernel at the top took longer.
    """

    def _optimize_functions(self, ll_module: Any) -> None:
        """Do as Numba does, but make no passes for functions that are only declared."""
        ll_module.data_layout = self._codegen._data_layout
        for function in ll_module.functions:
            if not function.is_declaration:
                passes, builder = self._codegen._function_pass_manager()
                passes.run(function, builder)

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
        return self.name, _STAGE, self._final_module.as_bitcode()


class _Stages:
    """Numba's context of a machine, whose code generator takes stages from what was kept."""

    def __init__(self, context: Any) -> None:
        self._context = context

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)

    def codegen(self) -> _Stages:
        return self

    def unserialize_library(self, kept: tuple[str, str, bytes]) -> _StageLibrary:
        name, _, bitcode = kept
        library = _StageLibrary(self._context.codegen(), name)
        library._final_module = ll.parse_bitcode(bitcode)
        library._finalize_final_module()
        return library


def rebuilt(context: Any, kept: tuple[Any, ...]) -> CompileResult:
    """Return what was kept of a compiled function: of a stage, without making machine code."""
    if kept[0][1] != _STAGE:
        return CompileResult._rebuild(context, *kept)
    return CompileResult._rebuild(_Stages(context), *kept)._replace(target_context=context)


class KernelCompiler(Compiler):  # type: ignore[misc]
    """Numba's compiler, without a search for garbage in between.

    Compiling makes millions of objects that live to its end. Python searches them again and again
    for cycles, which took a sixth of the time. What is not searched takes 100 MiB at most.
    """

    def compile_extra(self, func: Any) -> Any:
        collects = gc.isenabled()
        gc.disable()
        _sizes_asked_once(self.state.targetctx)
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


class LaneCompiler(StageCompiler):
    """The compiler of a loop over lanes, told that its arguments do not overlap."""

    def compile_extra(self, func: Any) -> Any:
        self.state.flags.noalias = True
        return super().compile_extra(func)
