"""How a kernel takes a named tuple of many arrays: by the address of one structure.

Numba passes each array of a tuple as seven or more arguments, so a call of a stage, which takes
four tuples of twenty arrays, has hundreds of them. Numba and LLVM spent a third of the time of
compiling on those calls. A class that is registered here is passed as one address, from which a
stage loads what it reads: `jit_cells` says how it sees the arrays. The wrapper for calls from
Python fills the structure. No kernel writes to it, so each load is marked as invariant, and LLVM
moves it out of loops.
"""

from __future__ import annotations

import hashlib
from typing import Any, TypeVar

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba.core import cgutils, types
from numba.core.datamodel import models
from numba.core.imputils import impl_ret_borrowed
from numba.core.pythonapi import NativeValue, unbox
from numba.core.typing.templates import AttributeTemplate
from numba.extending import infer_getattr, lower_getattr_generic, register_model, typeof_impl

from yieldsim.kernels.jit_cells import Table, cells_of, invariant

__all__ = ["by_address"]

Tables = TypeVar("Tables", bound=type)


class TablesType(types.Type):  # type: ignore[misc]
    """The type of a named tuple that is passed by address.

    Its name tells it from others: Numba looks types up thousands of times, and to hash those of the
    members took a second.
    """

    def __init__(self, fields: tuple[str, ...], members: tuple[types.Type, ...], of: type) -> None:
        self.fields, self.members, self.of = fields, members, of
        digest = hashlib.sha256(repr([str(member) for member in members]).encode()).hexdigest()
        super().__init__(name=f"{of.__module__}.{of.__qualname__}.{digest[:32]}")


@register_model(TablesType)
class _TablesModel(models.PrimitiveModel):  # type: ignore[misc]
    """A pointer to a structure with the value of each field."""

    def __init__(self, manager: Any, tables: TablesType) -> None:
        parts = [manager.lookup(member).get_value_type() for member in tables.members]
        super().__init__(manager, tables, ir.PointerType(ir.LiteralStructType(parts)))


def by_address(of: Tables) -> Tables:
    """Let kernels take instances of the named tuple ``of`` by address."""

    known: dict[tuple[Any, ...], TablesType] = {}

    @typeof_impl.register(of)
    def _(value: Any, context: Any) -> TablesType:
        forms = tuple(map(_form, value))
        if forms not in known:  # Numba asks at every call, and the types of records take 5 ms
            members = tuple(typeof_impl(member, context) for member in value)
            known[forms] = TablesType(tuple(value._fields), members, of)
        return known[forms]

    return of


def _form(member: Any) -> Any:
    """Return what decides the type of a member."""
    if isinstance(member, tuple):
        return type(member), tuple(map(_form, member))
    if not isinstance(member, np.ndarray):
        return type(member), getattr(member, "dtype", None)
    flags = member.flags
    layout = flags.c_contiguous, flags.f_contiguous, flags.writeable, flags.aligned
    return member.dtype, member.ndim, layout


@infer_getattr
class _Fields(AttributeTemplate):  # type: ignore[misc]
    key = TablesType

    def generic_resolve(self, tables: Any, name: str) -> Any:  # type: ignore[override]
        return (
            cells_of(tables.members[tables.fields.index(name)]) if name in tables.fields else None
        )


@lower_getattr_generic(TablesType)
def _field(context: Any, builder: Any, tables: TablesType, value: Any, name: str) -> Any:
    at = tables.fields.index(name)
    size = context.get_abi_sizeof(value.type.pointee)
    for given in builder.function.args:  # it can be read, so LLVM may read it before a loop
        if given.type == value.type:
            given.attributes.dereferenceable = size
    place = cgutils.gep_inbounds(builder, value, 0, at)
    kind = cells_of(tables.members[at])
    if isinstance(kind, Table):
        return place
    return impl_ret_borrowed(context, builder, kind, invariant(builder, place))


@unbox(TablesType)
def _unbox(tables: TablesType, given: Any, c: Any) -> NativeValue:
    """Fill the structure from the fields of a named tuple; they stay borrowed from it."""
    structure = c.context.data_model_manager[tables].get_value_type().pointee
    place = cgutils.alloca_once(c.builder, structure)
    failed = cgutils.alloca_once_value(c.builder, cgutils.false_bit)
    cleanups = []
    for i, member in enumerate(tables.members):
        native = c.unbox(member, c.pyapi.tuple_getitem(given, i))
        c.builder.store(native.value, cgutils.gep_inbounds(c.builder, place, 0, i))
        with c.builder.if_then(native.is_error, likely=False):
            c.builder.store(cgutils.true_bit, failed)
        if native.cleanup is not None:
            cleanups.append(native.cleanup)

    def cleanup() -> None:
        for undo in reversed(cleanups):
            undo()

    return NativeValue(place, cleanup=cleanup, is_error=c.builder.load(failed))
