"""How a kernel takes the arrays of a named tuple: by address, with what is known of their form.

A Numba array is a structure of seven or more numbers, and each field of a record that holds numbers
by lane becomes such an array again. Most of the instructions of a kernel made and passed those
structures, and LLVM then removed them. The types here are pointers. `Table` is an array where it
lies in its named tuple, `Part` is a table with some of its first axes fixed, `Row` is a record, and
`Lanes` is a field of a record with a shape of its own. They have integer indices, slices, `shape`
and the names of fields. A negative index is an error that bounds checks find. A slice is an array.
"""

from __future__ import annotations

import hashlib
import operator
from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba.core import cgutils, types
from numba.core.datamodel import models
from numba.core.typing.templates import (
    AbstractTemplate,
    AttributeTemplate,
    infer_global,
    signature,
)
from numba.extending import (
    infer_getattr,
    lower_builtin,
    lower_getattr_generic,
    lower_setattr_generic,
    register_model,
)

__all__ = ["cells_of", "invariant"]


def _short(kind: str, of: object) -> str:
    """Return a name for a type: symbols of kernels hold the names of all that they take."""
    return f"{kind}.{hashlib.sha256(str(of).encode()).hexdigest()[:12]}"


class Row(types.Type):  # type: ignore[misc]
    """A record by its address."""

    def __init__(self, record: types.Record) -> None:
        self.record = record
        super().__init__(name=_short("row", record))


class Cells(types.Type):  # type: ignore[misc]
    """What an index chooses from. `dtype` is a number or a `Row`, `array` what slices are of."""

    dtype: Any
    ndim: int
    array: Any

    def last(self, ndim: int) -> Cells:
        """Return the type of what is left where the first axes are fixed."""
        raise NotImplementedError


class Table(Cells):
    """An array by the address of Numba's structure of it."""

    def __init__(self, array: types.Array) -> None:
        self.array, self.ndim, self.dtype = array, array.ndim, cells_of(array.dtype)
        super().__init__(name=_short("table", array))

    def last(self, ndim: int) -> Cells:
        return Part(self, ndim)


class Part(Cells):
    """The last axes of a table: the address of the first cell, and that of the table."""

    def __init__(self, table: Table, ndim: int) -> None:
        self.table, self.ndim, self.dtype = table, ndim, table.dtype
        self.array = table.array.copy(ndim=ndim)
        super().__init__(name=f"part{ndim}.{table.name}")

    def last(self, ndim: int) -> Cells:
        return Part(self.table, ndim)


class Lanes(Cells):
    """Numbers within a record, by the address of the first."""

    def __init__(self, dtype: types.Number, shape: tuple[int, ...]) -> None:
        self.dtype, self.shape, self.ndim = dtype, shape, len(shape)
        self.array = types.Array(dtype, len(shape), "C")
        super().__init__(name=f"lanes.{dtype}.{'x'.join(map(str, shape))}")

    def last(self, ndim: int) -> Cells:
        return Lanes(self.dtype, self.shape[-ndim:])


def cells_of(given: types.Type) -> types.Type:
    """Return the type by which kernels take a member of a named tuple."""
    if isinstance(given, types.NestedArray):
        return Lanes(given.dtype, given.shape)
    if isinstance(given, types.Array) and given.layout == "C":
        return Table(given)
    return Row(given) if isinstance(given, types.Record) else given


@register_model(Row)
class _RowModel(models.PrimitiveModel):  # type: ignore[misc]
    def __init__(self, manager: Any, row: Row) -> None:
        super().__init__(manager, row, manager[row.record].get_value_type())


@register_model(Table)
class _TableModel(models.PrimitiveModel):  # type: ignore[misc]
    def __init__(self, manager: Any, table: Table) -> None:
        super().__init__(manager, table, manager[table.array].get_value_type().as_pointer())


@register_model(Part)
class _PartModel(models.StructModel):  # type: ignore[misc]
    def __init__(self, manager: Any, part: Part) -> None:
        first = types.CPointer(part.array.dtype)
        super().__init__(manager, part, [("data", first), ("table", part.table)])


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):  # type: ignore[misc]
    def __init__(self, manager: Any, lanes: Lanes) -> None:
        super().__init__(manager, lanes, manager[lanes.dtype].get_data_type().as_pointer())


def _kinds(index: Any) -> tuple[types.Type, ...]:
    """Return the types of the parts of an index."""
    return tuple(index.types) if isinstance(index, types.Tuple | types.UniTuple) else (index,)


def _chosen(cells: Cells, index: types.Type) -> types.Type | None:
    """Return the type of what integers choose, or None for another index."""
    kinds = _kinds(index)
    left = cells.ndim - len(kinds)
    if left < 0 or not all(isinstance(kind, types.Integer) for kind in kinds):
        return None
    return cells.last(left) if left > 0 else cells.dtype


# Numba tries the templates of a target before the general ones, of which it has dozens here
_FIRST = {"target": "cpu"}


@infer_global(operator.getitem)
class _Reads(AbstractTemplate):  # type: ignore[misc]
    metadata = _FIRST

    def generic(self, args: Any, kws: Any) -> Any:
        if not isinstance(args[0], Cells):
            return None
        cells, index = args
        chosen = _chosen(cells, index)
        if chosen is None:
            of_array = self.context.resolve_function_type(
                operator.getitem, (cells.array, index), {}
            )
            return of_array and signature(of_array.return_type, cells, of_array.args[1])
        return signature(chosen, cells, index)


@infer_global(operator.setitem)
class _Writes(AbstractTemplate):  # type: ignore[misc]
    metadata = _FIRST

    def generic(self, args: Any, kws: Any) -> Any:
        if not isinstance(args[0], Cells):
            return None
        cells, index, value = args
        if isinstance(_chosen(cells, index), types.Number | types.Boolean):
            return signature(types.none, cells, index, cells.dtype)
        of_array = self.context.resolve_setitem(cells.array, index, value)
        return of_array and signature(types.none, cells, *of_array.args[1:])


@infer_getattr
class _Shape(AttributeTemplate):  # type: ignore[misc]
    key = Cells

    def resolve_shape(self, cells: Cells) -> types.Type:
        return types.UniTuple(types.intp, cells.ndim)


@infer_getattr
class _Fields(AttributeTemplate):  # type: ignore[misc]
    key = Row

    def generic_resolve(self, row: Row, name: str) -> Any:  # type: ignore[override]
        return cells_of(row.record.typeof(name)) if name in row.record.fields else None


def invariant(builder: Any, place: Any) -> Any:
    """Load what no kernel writes, number by number: LLVM forgets the mark of a structure."""
    held = place.type.pointee
    if not isinstance(held, ir.LiteralStructType | ir.ArrayType):
        loaded = builder.load(place)
        loaded.set_metadata("invariant.load", builder.module.add_metadata([]))
        return loaded
    whole = ir.Constant(held, ir.Undefined)
    for i in range(len(held.elements) if isinstance(held, ir.LiteralStructType) else held.count):
        part = invariant(builder, cgutils.gep_inbounds(builder, place, 0, i))
        whole = builder.insert_value(whole, part, i)
    return whole


def _member(context: Any, builder: Any, table: Cells, place: Any, name: str, *at: int) -> Any:
    """Load a member of Numba's structure of an array."""
    number = context.data_model_manager[table.array].get_field_position(name)
    return invariant(builder, cgutils.gep_inbounds(builder, place, 0, number, *at))


def _address(context: Any, builder: Any, cells: Cells, value: Any) -> Any:
    """Return the address of the first cell."""
    if isinstance(cells, Table):
        return _member(context, builder, cells, value, "data")
    return builder.extract_value(value, 0) if isinstance(cells, Part) else value


def _length(context: Any, builder: Any, cells: Cells, value: Any, axis: int) -> Any:
    """Return the length of an axis."""
    if isinstance(cells, Lanes):
        return context.get_constant(types.intp, cells.shape[axis])
    if isinstance(cells, Part):
        table, before = cells.table, cells.table.ndim - cells.ndim
        value = builder.extract_value(value, 1)
        return _member(context, builder, table, value, "shape", before + axis)
    return _member(context, builder, cells, value, "shape", axis)


def _place(context: Any, builder: Any, cells: Cells, value: Any, index: Any, at: Any) -> Any:
    """Return the address of the first cell that integers choose."""
    kinds = _kinds(index)
    numbers = cgutils.unpack_tuple(builder, at) if isinstance(index, types.BaseTuple) else [at]
    offset = None
    for axis in range(cells.ndim):
        if axis > 0:
            offset = builder.mul(offset, _length(context, builder, cells, value, axis))
        if axis < len(numbers):
            number = context.cast(builder, numbers[axis], kinds[axis], types.intp)
            if context.enable_boundscheck:
                length = _length(context, builder, cells, value, axis)
                cgutils.do_boundscheck(context, builder, number, length, axis)
            offset = number if offset is None else builder.add(offset, number)
    return builder.gep(_address(context, builder, cells, value), [offset])


@lower_builtin(operator.getitem, Cells, types.Any)
def _read(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    (cells, index), (value, at) = sig.args, args
    if _chosen(cells, index) is None:
        array = _array(context, builder, cells, value)
        of_array = signature(sig.return_type, cells.array, index)
        return context.get_function(operator.getitem, of_array)(builder, (array, at))
    place = _place(context, builder, cells, value, index, at)
    if isinstance(sig.return_type, Row | Lanes):
        return place
    if isinstance(sig.return_type, Part):
        table = value if isinstance(cells, Table) else builder.extract_value(value, 1)
        made = ir.Constant(context.get_value_type(sig.return_type), ir.Undefined)
        return builder.insert_value(builder.insert_value(made, place, 0), table, 1)
    return context.unpack_value(builder, cells.dtype, place)


@lower_builtin(operator.setitem, Cells, types.Any, types.Any)
def _write(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    (cells, index, kind), (value, at, given) = sig.args, args
    if _chosen(cells, index) is None:
        array = _array(context, builder, cells, value)
        of_array = signature(types.none, cells.array, index, kind)
        return context.get_function(operator.setitem, of_array)(builder, (array, at, given))
    place = _place(context, builder, cells, value, index, at)
    context.pack_value(builder, cells.dtype, given, place)
    return context.get_dummy_value()


@lower_getattr_generic(Cells)
def _shape(context: Any, builder: Any, cells: Cells, value: Any, name: str) -> Any:
    lengths = [_length(context, builder, cells, value, axis) for axis in range(cells.ndim)]
    return context.make_tuple(builder, types.UniTuple(types.intp, cells.ndim), lengths)


@lower_getattr_generic(Row)
def _field(context: Any, builder: Any, row: Row, value: Any, name: str) -> Any:
    kind, offset = row.record.typeof(name), row.record.offset(name)
    number = kind.dtype if isinstance(kind, types.NestedArray) else kind
    place = cgutils.get_record_member(builder, value, offset, context.get_data_type(number))
    if isinstance(kind, types.NestedArray):
        return place
    return context.unpack_value(builder, kind, place, None if row.record.aligned else 1)


@lower_setattr_generic(Row)
def _set_field(context: Any, builder: Any, sig: Any, args: Any, name: str) -> None:
    (row, _), (value, given) = sig.args, args
    kind, offset = row.record.typeof(name), row.record.offset(name)
    place = cgutils.get_record_member(builder, value, offset, context.get_data_type(kind))
    context.pack_value(builder, kind, given, place, None if row.record.aligned else 1)


def _array(context: Any, builder: Any, cells: Cells, value: Any) -> Any:
    """Return Numba's structure of an array, of which it takes slices."""
    array = context.make_array(cells.array)(context, builder)
    lengths = [_length(context, builder, cells, value, axis) for axis in range(cells.ndim)]
    size = context.get_constant(types.intp, context.get_abi_sizeof(array.data.type.pointee))
    strides = [size]
    for length in reversed(lengths[1:]):
        strides.insert(0, builder.mul(strides[0], length))
    array.data = _address(context, builder, cells, value)
    array.shape = cgutils.pack_array(builder, lengths)
    array.strides = cgutils.pack_array(builder, strides)
    array.itemsize, array.nitems = size, builder.sdiv(builder.mul(strides[0], lengths[0]), size)
    for borrowed in ("meminfo", "parent"):
        setattr(array, borrowed, cgutils.get_null_value(getattr(array, borrowed).type))
    return array._getvalue()
