"""Doubly linked lists in record arrays: waiting lots of a group, and its ready tools.

The records have the fields ``next`` and ``before``; the ends of a list stand with its owner.
"""

from __future__ import annotations

from yieldsim.flow.kernels.records import Records
from yieldsim.kernels.jit import inline_jit

__all__ = ["link", "unlink"]


@inline_jit
def link(items: Records, index: int, before: int, first: int, last: int) -> tuple[int, int]:
    """Put an item behind ``before`` (-1: in front of all); return the list's new ends."""
    item = items[index]
    behind = first if before < 0 else items[before].next
    item.before = before
    item.next = behind
    if before < 0:
        first = index
    else:
        items[before].next = index
    if behind < 0:
        last = index
    else:
        items[behind].before = index
    return first, last


@inline_jit
def unlink(items: Records, index: int, first: int, last: int) -> tuple[int, int]:
    """Take an item out of its list; return the list's new ends."""
    item = items[index]
    if item.before < 0:
        first = item.next
    else:
        items[item.before].next = item.next
    if item.next < 0:
        last = item.before
    else:
        items[item.next].before = item.before
    return first, last
