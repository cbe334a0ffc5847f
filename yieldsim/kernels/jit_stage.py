"""How functions that only other kernels call are compiled: for their callers alone.

Numba optimizes a function together with all that it calls and makes machine code of it. The callers
then take its instructions and optimize them again, and so do their callers. Here only the kernel
at the top is optimized as a whole and becomes machine code.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from numba.core import types
from numba.core.codegen import JITCodeLibrary, ll  # type: ignore[attr-defined]
from numba.core.compiler import Compiler, CompileResult
from numba.core.runtime.nrt import rtsys

__all__ = ["KernelCompiler", "StageCompiler", "rebuilt", "untimed"]

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

_STAGE, _KERNEL = "stage", "kernel"  # beside Numba's own kinds of kept code, "bitcode" and "object"
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


_SCALARS = (types.Integer, types.IntegerLiteral, types.Float, types.Boolean)
_RESOLVED: dict[tuple[Any, tuple[Any, ...]], Any] = {}


@contextmanager
def _scalar_calls_resolved_once(context: Any) -> Iterator[None]:
    """Let a typing context remember, inside, what operators and functions of numbers return.

    Numba tries every form that such a function has, those of arrays too, at each of 15,000 calls.
    The context is that of all code, so it is as before afterwards: a user may add forms.
    """
    if "resolve_function_type" in vars(context):  # a function that calls this one is compiled
        yield
        return
    ask = context.resolve_function_type

    def resolve(function: Any, given: tuple[Any, ...], named: dict[str, Any]) -> Any:
        scalar = isinstance(function, types.Function) and not named
        if not scalar or not all(type(kind) in _SCALARS for kind in given):
            return ask(function, given, named)
        call = function, given
        if _RESOLVED.get(call) is None:
            _RESOLVED[call] = ask(function, given, named)
        return _RESOLVED[call]

    context.resolve_function_type = resolve
    try:
        yield
    finally:
        del context.resolve_function_type


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


class _KernelLibrary(JITCodeLibrary):  # type: ignore[misc]
    """The machine code of a kernel.

    Numba also reads the kernel's intermediate code with it, for callers and for the names that it
    defines. That takes longer than all else, so the names are kept, and it is read if there is a
    caller.
    """

    _intermediate: bytes | None = None

    def _get_module_for_linking(self) -> Any:
        if self._intermediate is not None:
            self._shared_module = ll.parse_bitcode(self._intermediate)
            self._intermediate = None
        return super()._get_module_for_linking()

    def serialize_using_object_code(self) -> Any:
        name, _, (machine, intermediate) = super().serialize_using_object_code()
        module = self._final_module
        defined = [*module.functions, *module.global_variables]
        names = [value.name for value in defined if not value.is_declaration]
        return name, _KERNEL, (machine, intermediate, names)


class _Kept:
    """Numba's context of a machine, whose code generator takes stages and kernels as kept here."""

    def __init__(self, context: Any) -> None:
        self._context = context

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)

    def codegen(self) -> _Kept:
        return self

    def unserialize_library(self, kept: tuple[str, str, Any]) -> JITCodeLibrary:
        name, kind, content = kept
        own = self._context.codegen()
        if kind == _STAGE:
            stage = _StageLibrary(own, name)
            stage._final_module = ll.parse_bitcode(content)
            stage._finalize_final_module()
            return stage
        machine, intermediate, names = content
        if b"NRT_" in machine:  # it counts references to arrays, and so needs Numba's runtime
            rtsys.initialize(self._context)
        kernel = _KernelLibrary(own, name)
        kernel.enable_object_caching()
        kernel._set_compiled_object(machine)
        kernel._intermediate = intermediate
        kernel._finalize_final_module()
        own._engine._defined_symbols.update(names)
        return kernel


def rebuilt(context: Any, kept: tuple[Any, ...]) -> CompileResult:
    """Return what was kept of a compiled function."""
    return CompileResult._rebuild(_Kept(context), *kept)._replace(target_context=context)


@contextmanager
def untimed() -> Iterator[None]:
    """Let Numba not time each call of LLVM inside: there are 70,000, and telling it took 0.6 s.

    The caller holds Numba's lock.
    """
    listeners: list[Any] = getattr(getattr(ll.ffi.lib, "_lock", None), "_cblist", [])
    kept = listeners[:]
    listeners.clear()
    try:
        yield
    finally:
        listeners[:] = kept


class KernelCompiler(Compiler):  # type: ignore[misc]
    """Numba's compiler, without a search for garbage in between.

    Compiling makes millions of objects that live to its end. Python searches them again and again
    for cycles, which took a sixth of the time. What is not searched takes 100 MiB at most.
    """

    def compile_extra(self, func: Any) -> Any:
        collects = gc.isenabled()
        gc.disable()
        if self.state.library is None:
            codegen = self.state.targetctx.codegen()
            self.state.library = _KernelLibrary(codegen, func.__qualname__)
            self.state.library.enable_object_caching()
        _sizes_asked_once(self.state.targetctx)
        try:
            with _scalar_calls_resolved_once(self.state.typingctx):
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
