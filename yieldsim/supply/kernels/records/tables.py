"""Arrays of records with named fields, most of which hold a number per lane."""

from __future__ import annotations

from typing import Any, Protocol, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

LANES = 16  # two cache lines of doubles; 8 and 32 were slower (benchmarks/README.md)
CLASSES = 2  # of tools: imported and domestic

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Words = NDArray[np.uint32]
Lanes = Floats  # (k)
ClassLanes = Floats  # (C, k)

# memory layout of a field of an annotated record class, by its annotation
_FORMS: dict[str, tuple[Any, ...]] = {
    "int": (np.int64,),
    "float": (np.float64,),
    "Lanes": (np.float64, (LANES,)),
    "ClassLanes": (np.float64, (CLASSES, LANES)),
}


def record_dtype(fields: type) -> np.dtype[Any]:
    """Return the record type of a class whose annotations name the fields."""
    return np.dtype([(name, *_FORMS[kind]) for name, kind in fields.__annotations__.items()])


def lanes_dtype(names: tuple[str, ...]) -> np.dtype[Any]:
    """Return a record type of named fields with a number per lane."""
    return np.dtype([(name, np.float64, (LANES,)) for name in names])


Record_co = TypeVar("Record_co", covariant=True)


class Records(Protocol[Record_co]):
    """An array of records: an index gives a record, a name gives that field of all records."""

    shape: tuple[int, ...]

    @overload
    def __getitem__(self, place: str) -> NDArray[Any]: ...
    @overload
    def __getitem__(self, place: int) -> Record_co: ...
    def __len__(self) -> int: ...


class Records2(Protocol[Record_co]):
    """An array of records with two axes."""

    shape: tuple[int, ...]

    @overload
    def __getitem__(self, place: str) -> NDArray[Any]: ...
    @overload
    def __getitem__(self, place: int) -> Records[Record_co]: ...
    @overload
    def __getitem__(self, place: tuple[int, int]) -> Record_co: ...


class Records3(Protocol[Record_co]):
    """An array of records with three axes."""

    shape: tuple[int, ...]

    @overload
    def __getitem__(self, place: str) -> NDArray[Any]: ...
    @overload
    def __getitem__(self, place: int) -> Records2[Record_co]: ...
    @overload
    def __getitem__(self, place: tuple[int, int]) -> Records[Record_co]: ...
    @overload
    def __getitem__(self, place: tuple[int, int, int]) -> Record_co: ...


class Records4(Protocol[Record_co]):
    """An array of records with four axes."""

    shape: tuple[int, ...]

    @overload
    def __getitem__(self, place: str) -> NDArray[Any]: ...
    @overload
    def __getitem__(self, place: tuple[int, int]) -> Records2[Record_co]: ...
    @overload
    def __getitem__(self, place: tuple[int, int, int, int]) -> Record_co: ...
