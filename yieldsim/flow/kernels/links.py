"""Doubly linked lists in record arrays: waiting lots of a group, and its ready tools.

The records have the fields ``next`` and ``before``; the ends of a list stand with its owner. Where
an item has no neighbour, it is written to instead, because a processor cannot guess whether it has.
"""

from __future__ import annotations

from yieldsim.flow.kernels.records import Records
from yieldsim.kernels.jit import inline_jit

__all__ = ["link", "unlink"]


@inline_jit
def link(items: Records, index: int, before: int, first: int, last: int) -> tuple[int, int]:
    """Put an item behind ``before`` (-1: in front of all); return the list's new ends."""
    in_front = before < 0
    behind = items[index if in_front else before].next
    behind = first if in_front else behind
    alone = behind < 0
    items[index if in_front else before].next = index
    items[index if alone else behind].before = index
    item = items[index]
    item.before = before
    item.next = behind
    return (index if in_front else first), (index if alone else last)


@inline_jit
def unlink(items: Records, index: int, first: int, last: int) -> tuple[int, int]:
    """Take an item out of its list; return the list's new ends."""
    before, behind = items[index].before, items[index].next
    items[index if before < 0 else before].next = behind
    items[index if behind < 0 else behind].before = before
    return (behind if before < 0 else first), (before if behind < 0 else last)
